"""What the tests of the documentation share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from docs_pages import DOCS, load_script

# the scripts of the documentation import each other
sys.path.insert(0, str(DOCS))


@pytest.fixture(scope="session")
def build():
    return load_script(DOCS / "build_reference.py", "build_reference")


@pytest.fixture(scope="session")
def shipped(build):
    return build.shipped_registry()
