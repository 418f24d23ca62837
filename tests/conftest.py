"""The plugins that ship with steerkit, as every test gets them: through the public door."""

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from attrs import frozen

from steerkit_core.host import Host
from steerkit_core.registry import Registry

# only these are needed to load a model; a test of another plugin registers it on its own host
PLUGINS = ("families",)


@pytest.fixture(scope="session")
def host():
    made = Host.load(points=[])
    for name in PLUGINS:
        made.register(import_module(f"steerkit_{name}"), name)
    return made


@pytest.fixture(scope="session")
def registry(host):
    made = Registry.collect(host)
    assert host.failed == ()
    return made


@pytest.fixture(scope="session")
def adapters(registry):
    names = registry.names("model adapter")
    return [registry.get("model adapter", name)() for name in names]


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
