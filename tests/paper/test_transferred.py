"""A transfer efficiency has an interval, whether or not the bootstrap has one."""

from pathlib import Path

import pytest
from attrs import asdict
from made_results import manifest, run_results

from steerkit_core.results.run import KeptRun
from steerkit_core.stats import wilson
from steerkit_paper.pack.answers import answer
from steerkit_paper.pack.cells import NoAnswer, Question
from steerkit_paper.pack.mapping import Column, Place
from steerkit_paper.pack.runs import Run
from steerkit_paper.records import Cell


def asked(moved, own, efficiency):
    arms = {"transferred": asdict(wilson(moved, 30)), "own": asdict(wilson(own, 30))}
    entry = {
        "source": "a", "target": "b", "map": "none", "cell": "c", "layer": 1, "multiplier": 2.0, "run": None,
        "quantization": "none", "differs": [], "source_layer": 1, "own_layer": 1, "cosine": None,
        "efficiency": efficiency, **arms,
    }  # fmt: skip
    run = Run(
        recipe="r",
        model="b",
        folder=Path(),
        status="kept",
        kept=KeptRun(Path(), manifest(), run_results(transfers=[entry])),
    )
    return Question(
        cell=Cell(id="x", row="x", column="TE", printed="1.25", source="1", value=1.25),
        place=Place(recipe="r", model="b", source="a", why="a pair"),
        column=Column(column="TE", quantity="efficiency", least=0.2),
        run=run,
        other=None,
        same=False,
    )


def test_the_bootstraps_interval_is_taken_where_there_is_one():
    found = answer(asked(15, 24, {"value": 0.625, "low": 0.4, "high": "inf", "degenerate": False}))
    assert (found.figure.low, found.figure.high) == (0.4, float("inf"))
    assert found.note == "15/30 by 24/30"


def test_an_efficiency_of_0_has_the_interval_of_its_counts(says):
    found = answer(asked(0, 30, {"value": 0.0, "low": 0.0, "high": 0.0, "degenerate": True}))
    # against a rate of 1 it ends where Wilson's of 0 of 30 does, z^2 / (n + z^2)
    assert found.figure.low == 0.0
    assert found.figure.high == pytest.approx(1.959964**2 / (30 + 1.959964**2))
    says(found.note)


def test_an_efficiency_is_not_read_where_the_target_is_not_steerable(says):
    with pytest.raises(NoAnswer) as told:
        answer(asked(4, 5, {"value": 0.8, "low": 0.1, "high": 2.0, "degenerate": False}))
    says(told)
