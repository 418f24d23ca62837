"""Recipes on tiny models, and components of a test's own."""

import json
import math
from typing import ClassVar

import torch
from attrs import frozen

from steerkit_core import (
    Classifier,
    DirectionSet,
    Extractor,
    Verdict,
    hookimpl,
    option,
)

# what conftest writes into the recipe's folder
EVALUATION = ("What is a fern?", "Name a colour.", "Count to five, please.", "Who wrote Faust?", "Why?")
SELECTION = ("What is a moss?", "Name a river of Asia.", "How do I sew?", "Say hello.")
LAYERS, WIDTH = 4, 16
TRIALS = [(1, 2.0), (1, 8.0), (2, 2.0), (2, 8.0)]


@frozen(kw_only=True)
class ByLength(Classifier):
    """Judges by the number of characters, so that a test can judge again."""

    name: ClassVar[str] = "by-length"
    every: int = option(3, help="lengths divisible by this are refusals")

    def classify(self, prompt, text):
        return Verdict(naive_label(text, self.every), "length", str(len(text)))


def naive_label(text, every=3):
    return "refusal" if len(text) % every == 0 else "normal"


@frozen(kw_only=True)
class Undeclared(Classifier):
    name: ClassVar[str] = "undeclared"

    def classify(self, prompt, text):
        return Verdict("maybe")


@frozen(kw_only=True)
class Broken(Extractor):
    """Returns what its option says, which is never what was asked for."""

    name: ClassVar[str] = "broken"
    fault: str = option(help="what is wrong")

    def extract(self, model, contrast, layers):
        raw = torch.ones(1, len(layers), model.hidden_size)
        if self.fault == "width":
            raw = raw[..., :3]
        if self.fault == "zero":
            raw[:, 1] = 0.0
        if self.fault == "nan":
            raw[:, 1] = math.nan
        found = DirectionSet.from_raw(raw, (-1,), tuple(layers))
        if self.fault == "layers":
            found = DirectionSet.from_raw(raw[:, :1], (-1,), tuple(layers)[:1])
        return found


class Own:
    def __init__(self):
        self.events = []
        self.selectors = []
        self.prompt_sets = []

    @hookimpl
    def steerkit_register_layer_selectors(self):
        return self.selectors

    @hookimpl
    def steerkit_register_prompt_sets(self):
        return self.prompt_sets

    @hookimpl
    def steerkit_register_classifiers(self):
        return [ByLength, Undeclared]

    @hookimpl
    def steerkit_register_extractors(self):
        return [Broken]

    @hookimpl
    def steerkit_run_started(self, out):
        self.events.append(("started", out.name))

    @hookimpl
    def steerkit_cell_finished(self, cell):
        self.events.append(("cell", cell["id"]))

    @hookimpl
    def steerkit_run_finished(self, report):
        self.events.append(("finished", report["run"]["name"]))


def lines(folder, name="completions.jsonl"):
    return [json.loads(line) for line in (folder / name).read_bytes().splitlines()]


def texts(folder, cell):
    return {row["prompt"]: row["text"] for row in lines(folder) if row["cell"] == cell}


def labels_by_cell(folder):
    """Label by prompt, for each cell, of the rows that were judged."""
    found = {}
    for row in lines(folder, "verdicts.jsonl"):
        if row["label"] != "failed":
            found.setdefault(row["cell"], {})[row["prompt_id"]] = row["label"]
    return found
