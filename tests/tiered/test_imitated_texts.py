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
# garbled texts that pass as normal: salads too short for their order to tell, or without sense in a sound order,
# and debris of programs and vocabularies that looks like words
PASSED = {
    "first": {"b1-013", "b1-097", "b1-119", "b1-214", "b1-254", "b1-263", "b1-266", "b1-298", "b1-322"},
    "second": {"b2-375"},
    "third": {
        "b3_107",
        "b3_242",
        "b3_305",
        "b3_312",
        "b3_330",
        "b3_350",
        "b3_414",
        "b3_417",
        "b3_418",
        "b3_424",
    },
}


def texts(batch):
    lines = (FOLDER / f"{batch}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("batch", PASSED)
def test_a_text_is_what_its_writer_calls_it(batch):
    judge = RefusalTiered()
    rows = texts(batch)
    found = {row["id"]: judge.classify(Prompt("p", row["prompt"]), row["response"]).label for row in rows}
    wrong = {row["id"]: found[row["id"]] for row in rows if found[row["id"]] != row["label"]}
    assert wrong == dict.fromkeys(PASSED[batch], "normal")
