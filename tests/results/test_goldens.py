"""Completions, verdicts, selections and rates of whole runs are, by hash, what version 0.1.0 came to."""

import json

import pytest
from golden_runs import GOLDENS, commands, digests, save_tiny_model

RECORDED = json.loads(GOLDENS.read_text("utf-8"))


@pytest.mark.parametrize("name", RECORDED)
def test_a_run_comes_to_what_was_recorded(name, tmp_path, steerkit):
    save_tiny_model(name, tmp_path)
    steerkit(*commands(tmp_path)[name], "--quiet", "--out", tmp_path / "run")
    found, recorded = digests(tmp_path / "run"), dict(RECORDED[name])
    # kernels of quantized layers round as the processor's instructions do: a hash for each kind met so far
    assert found.pop("texts") in recorded.pop("texts")
    assert found == recorded


def test_the_recorded_runs_use_every_component_that_ships(registry, tmp_path):
    assert set(commands(tmp_path)) == set(RECORDED)
    used = {component for recorded in RECORDED.values() for component in recorded["uses"]}
    kinds = ("extractor", "selector", "site", "classifier", "model adapter")
    assert used == {f"{kind}: {name}" for kind in kinds for name in registry.names(kind)}
