"""COSMIC in a whole run: its table is kept, and is made once however many settings there are."""

import json

import pytest
from as_json import as_json

from steerkit_contrib_cosmic import Cosmic
from steerkit_core import SteerkitError
from steerkit_core.testing import small_run

TABLES = {
    "model": {"id": "tiny:gemma2:layers=5", "device": "cpu"},
    "prompts": {"contrast": "kit-contrast", "evaluation": "kit-neutral", "validation": "refusal-5"},
    "extractor": {"use": "dim", "position": "suffix", "module": "input"},
    "selector": {"use": "cosmic", "kl_threshold": "off"},
}


@pytest.fixture
def asked(monkeypatch):
    """How often COSMIC was asked, and what it said."""
    answers = []
    select = Cosmic.select

    def listen(self, context):
        answers.append(select(self, context))
        return answers[-1]

    monkeypatch.setattr(Cosmic, "select", listen)
    return answers


def test_the_whole_table_is_in_the_results(tmp_path, asked):
    report = as_json(small_run(tmp_path, Cosmic, TABLES))
    (answer,) = asked
    (selection,) = json.loads((tmp_path / "run" / "results.json").read_text())["selections"]
    assert selection == report["selections"][0]
    assert selection["table"] == [dict(row) for row in answer.table]
    places = {(row["position"], row["layer"]) for row in selection["table"]}
    suffix = -min(position for position, _ in places)
    assert places == {(position, layer) for position in range(-suffix, 0) for layer in range(5)}
    assert selection["table"][0].keys() == {
        "position",
        "layer",
        "s_refuse",
        "s_comply",
        "score",
        "kl",
        "excluded",
    }
    assert selection["reason"].endswith("; scored on refusal-5")
    (cell,) = [cell for cell in report["cells"] if cell["selected"]]
    assert (cell["layer"], cell["position"]) == (answer.layer, answer.position)
    # it has seen no evaluation prompt, although no other prompts are named for selectors
    assert selection["shared_prompts"] == 2
    assert not any("selector chose" in note for note in report["notes"])


def test_a_grid_over_what_it_cannot_see_asks_it_once(tmp_path, asked):
    grid = {
        "site.multiplier": [1.0, 2.0, 3.0],
        "selector": [TABLES["selector"], {**TABLES["selector"], "form": "affine"}],
    }
    report = as_json(small_run(tmp_path, Cosmic, {**TABLES, "grid": grid}))
    assert len(report["selections"]) == 6
    assert len(asked) == 2
    tables = [json.dumps(entry["table"]) for entry in report["selections"]]
    assert len(set(tables)) == 2


def test_one_that_tries_is_asked_for_every_setting(tmp_path):
    grid = {"site.multiplier": [1.0, 40.0]}
    sweep = {"use": "sweep", "depths": [0.3, 0.7]}
    report = as_json(small_run(tmp_path, None, {**TABLES, "selector": sweep, "grid": grid}))
    tried = {cell["multiplier"] for cell in report["cells"] if cell["role"] == "steered"}
    assert tried == {1.0, 40.0}


def test_a_run_without_a_candidate_left_ends_with_its_message(tmp_path, says):
    tables = {**TABLES, "selector": {"use": "cosmic", "kl_threshold": 0.0}}
    with pytest.raises(SteerkitError) as told:
        small_run(tmp_path, Cosmic, tables)
    says(told)
