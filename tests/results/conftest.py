"""The recorded runs, for the tests that show, resume and repeat them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from recorded_runs import HERE, one_thread

from steerkit_core.cli import execute


@pytest.fixture
def steerkit(capsys, monkeypatch):
    """Give a command line that has to succeed, where the runs were recorded; returns its standard output.

    The plugins are those that are installed, as for whoever recorded: their version is part of what a cell is.
    """
    one_thread()
    monkeypatch.chdir(HERE)

    def run(*arguments):
        capsys.readouterr()  # what came before is not the command's
        code = execute([str(word) for word in arguments])
        out, err = capsys.readouterr()
        assert code == 0, err
        return out

    return run
