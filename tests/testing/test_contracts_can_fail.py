"""A contract that never fails promises nothing: each broken component must fail its own tests."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

BROKEN = Path(__file__).parent / "broken"

pytestmark = pytest.mark.slow


def classes():
    """Every contract of the folder `broken`, by (file, class)."""
    for path in sorted(BROKEN.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                (fails,) = (line.value for line in node.body if _assigns(line, "fails"))
                yield pytest.param(path.stem, node.name, ast.literal_eval(fails), id=node.name)


def _assigns(line, name):
    return isinstance(line, ast.Assign) and line.targets[0].id == name


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """Names of the tests that failed, by (file, class), and those that ran."""
    report = tmp_path_factory.mktemp("report") / "junit.xml"
    settings = ("python_files=*.py", "norecursedirs=", f"pythonpath={BROKEN}")
    # a whole run takes seconds, so only those run one that must fail it
    chosen = "not test_a_recipe_can_use_it or InARecipe"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--tb=line", "-k", chosen, "-p", "no:cacheprovider"]
        # without norecursedirs hypothesis would warn of its own folder in the root
        + ["-p", "no:hypothesispytest"]
        + [word for setting in settings for word in ("-o", setting)]
        + [f"--junitxml={report}", str(BROKEN)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # the models are too small for more
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stderr
    found, ran = {}, {}
    for case in ET.parse(report).iter("testcase"):
        *_, file, name = case.get("classname").split(".")
        test = case.get("name").partition("[")[0]
        ran.setdefault((file, name), set()).add(test)
        if case.find("failure") is not None or case.find("error") is not None:
            found.setdefault((file, name), set()).add(test)
    return found, ran


@pytest.mark.parametrize(("file", "name", "expected"), list(classes()))
def test_a_broken_component_fails_its_tests_and_no_other(failed, file, name, expected):
    found, ran = failed
    assert set(expected) <= ran[file, name]
    assert found.get((file, name), set()) == set(expected)
