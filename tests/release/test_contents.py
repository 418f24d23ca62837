"""The check of a release finds what is wrong with one."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from contents import ROOT, metadata_problems, sdist_problems, wanted_files, wheel_problems

METADATA = """Metadata-Version: 2.4
Name: steerkit-core
Version: 9.9
License-Expression: MIT
Classifier: Topic :: Steering
Requires-Python: >=3.11
Description-Content-Type: text/plain

Words.
"""


def test_a_wheel_has_weights_templates_data_and_types():
    wanted = wanted_files()
    assert {
        "steerkit_core/py.typed",
        "steerkit_bundled/models/qwen2-s/model.safetensors",
        "steerkit_bundled/models/qwen2-s/chat_template.jinja",
        "steerkit_paper/data/paper.toml",
        "steerkit_paper/recipes/qwen2.5-dim.toml",
        "steerkit_recipes/recipes/quickstart.toml",
    } <= wanted
    assert not any("tests" in name.split("/") for name in wanted)


def test_every_package_is_typed():
    packages = {name.partition("/")[0] for name in wanted_files()}
    assert [name for name in sorted(packages) if f"{name}/py.typed" not in wanted_files()] == []


def test_what_is_missing_and_what_is_too_much_is_named(says):
    found = {"a/__init__.py", "tests/test_a.py", "steerkit_core-1.dist-info/METADATA"}
    says("\n".join(wheel_problems(found, {"a/__init__.py", "a/py.typed"})))


def test_a_source_distribution_needs_its_tests_and_nothing_built(says):
    found = {
        "pyproject.toml",
        "noxfile.py",
        "constraints.txt",
        "README.md",
        "LICENSE",
        "docs/_build/html/x.html",
    }
    says("\n".join(sdist_problems(found, {"a.py"})))


def test_metadata_is_held_against_the_project(says):
    says("\n".join(metadata_problems(METADATA)))


def test_metadata_that_cannot_be_read_is_a_problem():
    (problem,) = metadata_problems(METADATA.replace("Version: 9.9", "Version: nine"))
    assert problem == "'nine' is invalid for 'version'"


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CITATION.cff", "pyproject.toml"])
def test_one_version_everywhere(name):
    import steerkit_core

    text = (ROOT / name).read_text("utf-8")
    found = re.findall(r"^version(?: =|:) \"?([\d.]+)\"?$", text, re.MULTILINE)
    assert set(found) <= {steerkit_core.__version__}
    assert found or name in ("README.md", "CHANGELOG.md")
