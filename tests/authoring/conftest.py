"""A package of every kind as `steerkit plugins new` writes it, all installed by pip."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

from steerkit_core.cli import execute

KINDS = ("extractor", "selector", "site", "classifier", "adapter", "prompt-set")


@frozen
class Packages:
    """The folders by kind, where pip has installed them, and an environment that finds them there."""

    folders: dict[str, Path]
    site: Path
    env: dict[str, str]

    def run(self, *command, cwd=None):
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=cwd,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )


def name_of(kind):
    return f"my-{kind}"


@pytest.fixture(scope="session")
def packages(host, tmp_path_factory):
    home = tmp_path_factory.mktemp("packages")
    folders = {kind: home / kind for kind in KINDS}
    for kind, folder in folders.items():
        assert execute(["plugins", "new", kind, name_of(kind), "--out", str(folder), "--json"], host) == 0
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(site)]
    subprocess.run([*pip, *offline, *map(str, folders.values())], check=True)
    paths = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *paths]), "COLUMNS": "200"}
    return Packages(folders, site, env)
