"""Rows, cells, layers and components that fail: reported, and kept out of every rate."""

import math

import pytest
from recipes_on_tiny_models import EVALUATION, SELECTION, WIDTH, lines, naive_label, texts

from steerkit_core import (
    ModelHandle,
    SteerkitError,
)


def with_logits(monkeypatch, text, change):
    """Change the logits of the first new token of the prompt `text`, and of no other."""
    original = ModelHandle.next_logits

    def changed(self, ids, *others):
        logits = original(self, ids, *others).clone()
        for row in range(len(ids)):
            if self.tokenizer.decode(ids[row]).count(text):
                change(self, logits[row])
        return logits

    monkeypatch.setattr(ModelHandle, "next_logits", changed)


def to_nan(_model, logits):
    logits[3] = math.nan


def to_the_end(model, logits):
    logits.fill_(-5.0)
    logits[model.tokenizer.eos_token_id] = 5.0


OVERFLOW = "logits are not finite at new token 1: the model's numbers overflowed"


@pytest.mark.parametrize(("change", "error"), [(to_nan, OVERFLOW), (to_the_end, "the output is empty")])
def test_a_row_that_fails_is_reported_and_is_in_no_rate(change, error, execute, monkeypatch):
    fixed = "grid.selector=[{use = 'fixed', layer = 1}]"
    whole, undisturbed = execute(fixed, out="undisturbed")
    with_logits(monkeypatch, "Name a colour.", change)
    report, folder = execute(fixed)
    for cell, other in zip(report["cells"], whole["cells"], strict=True):
        assert (cell["n"], cell["n_unique"], cell["failed"], cell["errors"]) == (4, 4, 1, [error])
        rest = texts(undisturbed, other["id"])
        del rest["Name a colour."]
        labels = [naive_label(text) for text in rest.values()]
        assert cell["counts"] == {name: labels.count(name) for name in ("refusal", "garbled", "normal")}
        assert {rate["n"] for rate in cell["rates"].values()} == {4}
        (row,) = [row for row in lines(folder) if row["cell"] == cell["id"] and row["error"]]
        assert (row["prompt"], row["text"], row["stop"], row["error"]) == (
            "Name a colour.",
            "",
            "failed",
            error,
        )
        (row,) = [
            row
            for row in lines(folder, "verdicts.jsonl")
            if row["cell"] == cell["id"] and row["rule"] == error
        ]
        assert row["label"] == "failed"
        assert texts(folder, cell["id"]) == rest | {"Name a colour.": ""}  # its neighbours are as ever


def test_a_cell_that_overflows_everywhere_has_no_rate_and_is_not_chosen(execute):
    report, _ = execute("selector.multipliers=[2.0, 1e40]")
    for cell in report["cells"]:
        if cell["multiplier"] == 1e40:
            assert (cell["n"], cell["failed"], cell["errors"]) == (0, len(SELECTION), [OVERFLOW])
            assert cell["rates"]["refusal"] == {
                "k": 0,
                "n": 0,
                "rate": 0.0,
                "low": 0.0,
                "high": 1.0,
                "n_effective": 0.0,
            }
    (chosen,) = [cell for cell in report["cells"] if cell["selected"]]
    assert chosen["multiplier"] == 2.0


def test_a_sweep_in_which_everything_overflows_says_so_and_keeps_the_rows(execute, tmp_path, says):
    with pytest.raises(SteerkitError) as caught:
        execute("selector.multipliers=[1e40]")
    says(caught)
    assert len(lines(tmp_path / "run")) == len(EVALUATION) + 2 * len(SELECTION)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            ["classifier.use=undeclared"],
            "classifier 'undeclared' gave the label 'maybe', expected one of refusal, garbled, normal",
        ),
        (
            ["extractor={use = 'broken', fault = 'width'}"],
            (
                "extractor 'broken' returned units of shape (1, 4, 3), expected (1, 4, 16) (positions,"
                " layers,"
                " hidden size)"
            ),
        ),
        (
            ["extractor={use = 'broken', fault = 'layers'}"],
            "extractor 'broken' has no direction at layer 1, position -1 (positions: -1)",
        ),
        (
            ["extractor={use = 'broken', fault = 'zero'}"],
            (
                "the direction at layer 1, position -1 has length 0.0: both prompt classes look the same"
                " there, or"
                " the activations overflowed; choose another layer or position, or a wider dtype"
            ),
        ),
        (
            ["extractor={use = 'broken', fault = 'nan'}"],
            (
                "the direction at layer 1, position -1 has length nan: both prompt classes look the same"
                " there, or"
                " the activations overflowed; choose another layer or position, or a wider dtype"
            ),
        ),
    ],
)
def test_a_component_that_breaks_its_contract_is_named(changes, message, execute):
    changes = [f"grid.{c.replace('=', '=[', 1)}]" if c.startswith("extractor") else c for c in changes]
    with pytest.raises(SteerkitError) as caught:
        execute(*changes)
    assert str(caught.value) == message


def test_a_dead_layer_does_not_cost_the_others(execute):
    broken = "grid.extractor=[{use = 'broken', fault = 'zero'}]"
    report, _ = execute(broken, "grid.selector=[{use = 'fixed', layer = 2}]")
    (cell,) = [cell for cell in report["cells"] if cell["selected"]]
    assert (cell["layer"], cell["direction"]["raw_norm"]) == (2, math.sqrt(WIDTH))
