"""The plugins that ship with steerkit, as every test gets them: through the public door."""

import gc
import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
import torch
from attrs import frozen

from steerkit_core.cli import execute
from steerkit_core.plugin.host import Host
from steerkit_core.plugin.registry import Registry
from steerkit_core.testing import save_tiny

# tiny models gain nothing from more, and lose a lot where other processes want the cores too
torch.set_num_threads(1)

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
POINTS = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["entry-points"]["steerkit"]


MESSAGES = Path(__file__).with_name("messages.json")


def pytest_addoption(parser):
    parser.addoption(
        "--write-messages",
        action="store_true",
        help="write tests/messages.json anew from what the tests that run are told; not with -n",
    )


@pytest.fixture(scope="module", autouse=True)
def small_heap():
    """Keep libraries and collected tests out of the collection that ends every run."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def messages(request):
    """Every message that a test holds by its whole sentence, by the test; one file, so that wording can be improved."""
    held = json.loads(MESSAGES.read_text("utf-8")) if MESSAGES.exists() else {}
    yield held
    if request.config.getoption("write_messages"):
        MESSAGES.write_text(json.dumps(held, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")


@pytest.fixture
def says(request, messages, tmp_path, tmp_path_factory):
    """Hold messages, in the order in which the test is told them, to those of messages.json."""
    test, told = request.node.nodeid, []
    writing = request.config.getoption("write_messages")

    def check(message):
        text = str(message.value if isinstance(message, pytest.ExceptionInfo) else message)
        text = text.replace(str(tmp_path), "TMP").replace(str(tmp_path_factory.getbasetemp()), "BASE")
        told.append(text)
        if not writing:
            assert messages.get(test, [])[len(told) - 1 : len(told)] == [text]

    yield check
    if writing:
        messages[test] = told
    else:
        assert messages.get(test) == told


def first_party_host():
    """A host with the plugins that ship, whatever else is installed."""
    made = Host.load(points=[])
    for name, module in sorted(POINTS.items()):
        made.register(import_module(module), name)
    return made


@pytest.fixture(scope="session")
def host():
    return first_party_host()


@pytest.fixture
def own_host():
    """A host that a test may add plugins to."""
    return first_party_host()


@pytest.fixture
def give(own_host, capsys):
    """Give a command line; returns exit code, standard output and standard error."""

    def run(*arguments, host=own_host):
        capsys.readouterr()  # what came before is not the command's
        code = execute([str(word) for word in arguments], host)
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="session")
def registry(host):
    made = Registry.collect(host)
    assert host.failed == ()
    return made


@pytest.fixture(scope="session")
def installed(registry):
    """Lines in which `<site>` and the like stand for the names that are installed."""

    def fill(lines):
        filled = list(lines)
        for word, entries in {**registry.entries, "recipe": registry.recipes}.items():
            filled = [line.replace(f"<{word}>", ", ".join(sorted(entries))) for line in filled]
        return filled

    return fill


@pytest.fixture(scope="session")
def first_logits():
    """`first_logits(model, rows)`: logits of each answer's first token, for prompts under interventions."""
    import torch

    from steerkit_core.generation.teacher_forcing import logits_along

    def read(model, rows):
        found = dict(logits_along(model, rows, [()] * len(rows)))
        return torch.stack([found[index][0].cpu() for index in range(len(rows))])

    return read


@pytest.fixture(scope="session")
def adapters(registry):
    names = registry.names("model adapter")
    return [registry.get("model adapter", name)() for name in names]


@pytest.fixture
def vector():
    """`vector(seed)`: a unit vector of width 32."""

    def make(seed):
        drawn = torch.randn(32, generator=torch.Generator().manual_seed(seed))
        return drawn / drawn.norm()

    return make


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A Qwen 2 of four layers and sixteen dimensions; its random weights never end an answer by intent."""
    return save_tiny("qwen2", tmp_path_factory.mktemp("models") / "tiny", layers=4, hidden=16)


RECIPE = """\
[run]
name = "small"

[model]
id = {model}
device = "cpu"

[prompts]
contrast = "refusal-5"
evaluation = "eval.txt"
selection = "sel.txt"

[extractor]
use = "dim"

[selector]
use = "sweep"
depths = [0.3, 0.5, 0.6]
multipliers = [2.0, 8.0]

[site]
use = "residual-add"

[classifier]
use = "refusal-keywords"

[controls]
random = 0
shuffled = 0
flipped = false

[generation]
max_new_tokens = 6
"""
EVALUATION = ("What is a fern?", "Name a colour.", "Count to five, please.", "Who wrote Faust?", "Why?")
SELECTION = ("What is a moss?", "Name a river of Asia.", "How do I sew?", "Say hello.")


@pytest.fixture(scope="session")
def write_recipe(model_folder):
    """Write a recipe that runs in a second, and its prompts, into a folder; returns its path.

    The model has four layers, so that the depths mean the layers 1, 2 and 2.
    """

    def write(folder, text=RECIPE):
        (folder / "eval.txt").write_text("\n".join(EVALUATION) + "\n")
        (folder / "sel.txt").write_text("\n".join(SELECTION) + "\n")
        path = folder / "recipe.toml"
        path.write_text(text.replace("{model}", json.dumps(str(model_folder))))
        return path

    return write


@frozen
class Stranger:
    """A copy of the third-party package, and an environment in which pip has installed it."""

    folder: Path
    site: Path
    env: dict[str, str]

    def steerkit(self, *arguments):
        """Run the installed command in the package's own folder."""
        command = [str(Path(sys.executable).with_name("steerkit")), *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stranger") / "steerkit-random"
    shutil.copytree(
        Path(__file__).parent / "thirdparty" / "steerkit-random",
        folder,
        ignore=shutil.ignore_patterns("__pycache__", "runs"),
    )
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(site)]
    subprocess.run([*pip, *offline, "."], cwd=folder, check=True)
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    # 80 columns, whatever the terminal that the tests run in
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *filter(None, paths)]), "COLUMNS": "80"}
    return Stranger(folder, site, env)
