"""A shell is offered what there is, quickly, and what it is given is what click's protocol asks for."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made_runs import cell_entry, write_made_run

ASK = "import sys\nfrom steerkit_core.cli import main\nimport atexit\n"
ASK += "atexit.register(lambda: print('torch' in sys.modules, file=sys.stderr))\nmain()\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    counts = {"refusal": 1, "garbled": 0, "normal": 0}
    cells = [
        cell_entry("c1aa", counts, role="baseline", layer=None, multiplier=None),
        cell_entry("c2bb", counts, layer=4, multiplier=2.5),
        cell_entry("d3cc", counts, role="control", control="random-1"),
    ]
    write_made_run("runs/mine", cells)
    write_made_run("elsewhere/other", cells)
    Path("my-recipe.toml").write_text("")
    Path("my-notes.txt").write_text("")
    return tmp_path


@pytest.fixture
def offered(home):
    """What is offered for a line whose last word is being typed, as (value, help)."""

    def ask(*words):
        line = ["steerkit", *words]
        env = os.environ | {
            "_STEERKIT_COMPLETE": "zsh_complete",
            "COMP_WORDS": " ".join(line),
            "COMP_CWORD": str(len(line) - 1),
        }
        done = subprocess.run(
            [sys.executable, "-c", ASK], capture_output=True, text=True, check=False, env=env, cwd=home
        )
        assert done.stderr == "False\n"  # torch was not imported
        lines = done.stdout.splitlines()
        # zsh is given three lines for each: a kind, the value, and what it is
        return list(zip(lines[1::3], lines[2::3], strict=True))

    return ask


def values(found):
    return [value for value, _ in found]


@pytest.mark.skipif(
    not [point for point in entry_points(group="steerkit") if point.name], reason="no plugin is installed"
)
def test_recipes_and_components_are_offered(offered):
    assert values(offered("run", "quick")) == ["quickstart"]
    assert values(offered("check", "my")) == ["my-recipe.toml"]
    assert ("residual-add", "site") in offered("plugins", "show", "residual-a")
    assert values(offered("run", "x", "--set", "selector.use=sw")) == ["selector.use=sweep"]
    assert values(offered("agree", "mine", "--classifiers", "refusal-keywords,refusal-t")) == [
        "refusal-keywords,refusal-tiered"
    ]


def test_commands_runs_and_cells_are_offered(offered):
    assert values(offered("ch")) == ["chat", "check"]
    assert values(offered("show", "")) == ["mine", "elsewhere/", "runs/"]
    assert values(offered("show", "elsewhere/")) == ["elsewhere/other"]
    assert values(offered("compare", "mine", "elsewhere/o")) == ["elsewhere/other"]
    assert offered("show", "mine", "--cell", "c") == [
        ("c1aa", "baseline"),
        ("c2bb", "layer 4, multiplier 2.5"),
    ]
    assert offered("chat", "mine", "--cell", "d") == [("d3cc", "random-1 layer 5, multiplier 15")]
    assert values(offered("show", "nowhere", "--cell", "c")) == []
    assert values(offered("show", "no/such/folder/")) == []
    assert values(offered("completion", "z")) == ["zsh"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_for_this_command(shell, give):
    code, out, _ = give("completion", shell)
    assert code == 0
    assert f"_STEERKIT_COMPLETE={shell}_complete" in out


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_the_script_is_one_that_the_shell_reads(shell, give, tmp_path):
    from shutil import which

    if which(shell) is None:
        pytest.skip(f"no {shell} here")
    script = tmp_path / "script"
    script.write_text(give("completion", shell)[1])
    done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_shell_that_there_is_none_of(give):
    code, out, err = give("completion", "tcsh")
    assert (code, out) == (2, "")
    assert "'tcsh' is not one of" in err


def test_bash_gets_its_own_form(home):
    env = os.environ | {
        "_STEERKIT_COMPLETE": "bash_complete",
        "COMP_WORDS": "steerkit show mi",
        "COMP_CWORD": "2",
    }
    done = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, check=False, env=env, cwd=home
    )
    assert done.stdout == "plain,mine\n"
    assert done.stderr == "False\n"
