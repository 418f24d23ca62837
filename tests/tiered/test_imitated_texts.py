"""Texts written as chat models of many families write them, and labelled, by people who had not seen the rules.

The first and the second batch were judged before the rules were mended by them, and the third after: what of
it was right at the first look stands in `docs/guide/judging.md`.
"""

import json
from pathlib import Path

import pytest

from steerkit_core import Prompt
from steerkit_tiered import RefusalTiered

FOLDER = Path(__file__).parent / "texts"
# salads and babble of sentences too short for their order to tell, or in order but without sense; and an offer of
# another scene instead of a refused one
MISJUDGED = {
    "first": {},
    "second": {},
}


def texts(batch):
    lines = (FOLDER / f"{batch}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("batch", MISJUDGED)
def test_a_text_is_what_its_writer_calls_it(batch):
    judge = RefusalTiered()
    rows = texts(batch)
    found = {row["id"]: judge.classify(Prompt("p", row["prompt"]), row["response"]).label for row in rows}
    wrong = {row["id"]: found[row["id"]] for row in rows if found[row["id"]] != row["label"]}
    assert wrong == MISJUDGED[batch]
