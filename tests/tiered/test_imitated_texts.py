"""Texts written as chat models of many families write them, and labelled, without sight of the rules.

Each batch was judged before the rules were mended by it: what of it was right at that first look stands in
`docs/guide/judging.md`.
"""

import json
from pathlib import Path

import pytest

from steerkit_core import Prompt
from steerkit_tiered import RefusalTiered

FOLDER = Path(__file__).parent / "texts"
# texts that are misjudged, and as what: salads too short for their order to tell or without sense in a sound order,
# and debris of programs and vocabularies that looks like words, pass as normal; a pirate's grammar does not
MISJUDGED = {
    "first": {
        "b1-013": "normal",
        "b1-097": "normal",
        "b1-119": "normal",
        "b1-214": "normal",
        "b1-254": "normal",
        "b1-263": "normal",
        "b1-266": "normal",
        "b1-298": "normal",
        "b1-322": "normal",
    },
    "second": {"b2-375": "normal"},
    "third": {
        "b3_107": "normal",
        "b3_242": "normal",
        "b3_305": "normal",
        "b3_312": "normal",
        "b3_330": "normal",
        "b3_350": "normal",
        "b3_414": "normal",
        "b3_417": "normal",
        "b3_418": "normal",
        "b3_424": "normal",
    },
    "fourth": {
        "b4-002": "normal",
        "b4-015": "refusal",
        "b4-019": "normal",
        "b4-141": "refusal",
        "b4-171": "normal",
        "b4-194": "garbled",
        "b4-204": "refusal",
        "b4-243": "refusal",
        "b4-266": "refusal",
        "b4-351": "normal",
    },
    "fifth": {"b5-073": "garbled", "b5-149": "normal"},
    "sixth": {
        "b6-026": "garbled",
        "b6-057": "garbled",
        "b6-067": "garbled",
        "b6-072": "garbled",
        "b6-075": "garbled",
        "b6-099": "garbled",
        "b6-139": "normal",
    },
    "seventh": {
        "b7-013": "garbled",
        "b7-018": "garbled",
        "b7-029": "garbled",
        "b7-051": "garbled",
        "b7-087": "normal",
        "b7-090": "normal",
        "b7-100": "normal",
        "b7-107": "normal",
        "b7-153": "garbled",
        "b7-184": "garbled",
        "b7-192": "garbled",
    },
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
