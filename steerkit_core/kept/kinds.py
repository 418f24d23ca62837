"""The form of `results.json`: which kind of value stands under which key, for all that readers look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from attrs import frozen


@frozen
class Kind:
    """A value without parts: what it is called, and its types; no subtype passes, such as bool for int."""

    words: str
    types: frozenset[type]

    def __or__(self, other: Kind) -> Kind:
        return Kind(f"{self.words} or {other.words}", self.types | other.types)


@frozen
class ListOf:
    """A list, each entry of the same form."""

    entry: Form


@frozen
class TableOf:
    """A table whose keys are anybody's, each value of the same form."""

    value: Form


@frozen
class Perhaps:
    """A value of a form, or null."""

    form: Form


# a mapping is the form of a table: keys that the table lacks, or has besides, are no misfit
Form: TypeAlias = "Kind | ListOf | TableOf | Perhaps | Mapping[str, Form]"

TEXT = Kind("a string", frozenset({str}))
WHOLE = Kind("a whole number", frozenset({int}))
NUMBER = Kind("a number", frozenset({int, float}))
FLAG = Kind("true or false", frozenset({bool}))
NULL = Kind("null", frozenset({type(None)}))
TABLE: Mapping[str, Form] = {}

# a bound that is infinite is the word `inf`, as JSON has no number for it
END = NUMBER | TEXT | NULL
RATE: Form = {"k": WHOLE, "n": WHOLE, "rate": NUMBER, "low": NUMBER, "high": NUMBER}
STRENGTH: Mapping[str, Form] = dict.fromkeys(("multiplier", "absolute", "residual", "raw"), NUMBER | NULL)
OPTIMISM: Form = Perhaps({"label": TEXT, "rate": NUMBER, "corrected": NUMBER, "optimism": NUMBER})
CELL: Form = {
    **dict.fromkeys(("id", "role", "model", "quantization", "dtype", "prompts", "classifier"), TEXT),
    **dict.fromkeys(("extractor", "source", "selector", "site", "unit", "control", "sick"), TEXT | NULL),
    **dict.fromkeys(("n", "n_unique", "failed", "prompts_total"), WHOLE),
    **dict.fromkeys(("layer", "position"), WHOLE | NULL),
    **dict.fromkeys(("depth", "multiplier"), NUMBER | NULL),
    "options": TableOf(TABLE),
    "errors": ListOf(TEXT),
    "counts": TableOf(WHOLE),
    "stops": TableOf(WHOLE),
    "rates": TableOf(RATE),
    "strength": Perhaps(STRENGTH),
    "direction": Perhaps({"raw_norm": NUMBER | NULL, "cosine": NUMBER | NULL}),
    "calibration": Perhaps({"use": TEXT, "target": NUMBER, "achieved": NUMBER | NULL}),
    "origin": Perhaps(TABLE),
    "selected": FLAG,
}
SELECTION: Form = {
    **dict.fromkeys(("selector", "reason", "prompts"), TEXT),
    "cell": TEXT | NULL,
    "failed": FLAG,
    "selected_on_evaluation": FLAG,
    "shared_prompts": WHOLE,
    "overrides": TABLE,
    "tried": ListOf(TEXT),
    "refusal_rate": NUMBER | NULL,
    "table": ListOf(TABLE),
    "optimism": OPTIMISM,
}
COMPARISON: Form = {
    **dict.fromkeys(("role", "label", "test"), TEXT),
    **dict.fromkeys(("cell", "reference"), TEXT | NULL),
    **dict.fromkeys(("p", "p_holm", "cohens_h"), NUMBER | NULL),
    "n": WHOLE,
    "difference": dict.fromkeys(("value", "low", "high"), NUMBER | NULL),
}
CONTROL: Form = {"cell": TEXT | NULL, "label": TEXT, "controls": WHOLE, "sentence": TEXT}
WINDOW: Form = {
    **dict.fromkeys(("model", "quantization", "dtype", "prompts", "classifier"), TEXT),
    "layer": WHOLE,
    "depth": NUMBER | NULL,
    "steerable_from": NUMBER,
    "garbling_from": NUMBER,
    "tried": ListOf({**STRENGTH, "n": WHOLE, "refusal": NUMBER | NULL, "garbled": NUMBER | NULL}),
    "ranges": ListOf({"from": STRENGTH, "to": STRENGTH, "open_below": FLAG, "open_above": FLAG}),
    "from": STRENGTH,
    "to": STRENGTH,
    "garbling": Perhaps({**STRENGTH, "open_below": FLAG}),
    "best": Perhaps(STRENGTH),
}
RANDOM: Form = Perhaps({"directions": WHOLE, "strongest": RATE, "p_holm": NUMBER, "beaten": FLAG})
TRANSFER: Form = {
    **dict.fromkeys(("source", "target", "quantization", "cell", "own_cell"), TEXT),
    **dict.fromkeys(("layer", "source_layer", "own_layer"), WHOLE | NULL),
    "multiplier": NUMBER | NULL,
    "cosine": NUMBER | NULL,
    "transferred": RATE,
    "own": RATE,
    "efficiency": {"value": NUMBER | NULL, "low": END, "high": END},
    "cosine_by_chance": NUMBER | NULL,
    "random": dict.fromkeys(("transferred", "own"), RANDOM),
    "reading": TEXT,
}
DRIFT: Form = {
    **dict.fromkeys(("model", "quantization", "dtype", "extractor", "reference"), TEXT),
    "position": WHOLE,
    "layers": ListOf(WHOLE),
    **dict.fromkeys(("cosines", "raw_norms", "reference_raw_norms"), ListOf(NUMBER | NULL)),
}
HEALTH: Form = {
    **dict.fromkeys(("model", "quantization", "dtype", "prompts"), TEXT),
    **dict.fromkeys(("norm_mean", "norm_max", "overflow"), ListOf(NUMBER | NULL)),
    "nonfinite": ListOf(WHOLE),
    "rows": WHOLE,
    "failed": WHOLE,
}
RESULTS_FORM: Form = {
    "run": {"name": TEXT, "recipe_fingerprint": TEXT},
    "cells": ListOf(CELL),
    "selections": ListOf(SELECTION),
    "selected": TEXT | NULL,
    "optimism": OPTIMISM,
    "windows": ListOf(WINDOW),
    "comparisons": ListOf(COMPARISON),
    "controls": ListOf(CONTROL),
    "quantization": ListOf(DRIFT),
    "transfers": ListOf(TRANSFER),
    "excluded": ListOf({"source": TEXT, "target": TEXT, "reason": TEXT}),
    "health": ListOf(HEALTH),
    "notes": ListOf(TEXT),
}


@frozen
class Misfit:
    """A value of another kind: where it stands (`cells[0].layer`), what was expected and what was found."""

    where: str
    expected: str
    found: Any

    def below(self, place: str) -> Misfit:
        """The same, seen from one level up."""
        joined = self.where if not self.where or self.where[0] == "[" else f".{self.where}"
        return Misfit(f"{place}{joined}", self.expected, self.found)


def misfit(value: Any, form: Form) -> Misfit | None:
    """The first value that has not the form, in the order of the form; None where all is well."""
    if isinstance(form, Kind):
        return None if type(value) in form.types else Misfit("", form.words, value)
    if isinstance(form, Perhaps):
        return None if value is None else misfit(value, form.form)
    if isinstance(form, ListOf):
        if type(value) is not list:
            return Misfit("", "a list", value)
        parts = ((f"[{number}]", entry, form.entry) for number, entry in enumerate(value))
    elif type(value) is not dict:
        return Misfit("", "a table", value)
    elif isinstance(form, TableOf):
        parts = ((key, entry, form.value) for key, entry in value.items())
    else:
        parts = ((key, value[key], own) for key, own in form.items() if key in value)
    return next((found.below(place) for place, entry, own in parts if (found := misfit(entry, own))), None)
