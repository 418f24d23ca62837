"""The form of a run's files: which kind of value stands under which key, for all that readers look at."""

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
class OneOf:
    """One of some words."""

    words: tuple[str, ...]


@frozen
class ListOf:
    """A list, each entry of the same form; of exactly `length` entries, where one is given."""

    entry: Form
    length: int | None = None


@frozen
class TableOf:
    """A table whose keys are anybody's, each value of the same form."""

    value: Form


@frozen
class Perhaps:
    """A value of a form, or null."""

    form: Form


# a mapping is the form of a table: keys that the table lacks, or has besides, are no misfit
Form: TypeAlias = "Kind | OneOf | ListOf | TableOf | Perhaps | Mapping[str, Form]"

TEXT = Kind("a string", frozenset({str}))
WHOLE = Kind("a whole number", frozenset({int}))
NUMBER = Kind("a number", frozenset({int, float}))
FLAG = Kind("true or false", frozenset({bool}))
NULL = Kind("null", frozenset({type(None)}))
TABLE: Mapping[str, Form] = {}

# a bound that is infinite is the word `inf`, as JSON has no number for it
END = NUMBER | TEXT | NULL
RATE: Form = {
    **dict.fromkeys(("k", "n"), WHOLE),
    **dict.fromkeys(("rate", "low", "high", "n_effective"), NUMBER),
}
STRENGTH: Mapping[str, Form] = dict.fromkeys(("multiplier", "absolute", "residual", "raw"), NUMBER | NULL)
OPTIMISM: Form = Perhaps({"label": TEXT, "rate": NUMBER, "corrected": NUMBER, "optimism": NUMBER})
CELL: Form = {
    **dict.fromkeys(("id", "model", "quantization", "dtype", "prompts", "classifier"), TEXT),
    "role": OneOf(("baseline", "steered", "control")),
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
    "calibration": Perhaps({"use": TEXT, "target": NUMBER, "achieved": NUMBER | NULL, "tokens": WHOLE}),
    "origin": Perhaps(TABLE),
    **dict.fromkeys(("selected", "selected_on_evaluation"), FLAG),
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
TREND: Form = {
    **dict.fromkeys(("model_type", "quantization", "prompts", "label", "test"), TEXT),
    "overrides": TABLE,
    "sizes": ListOf(
        {
            **dict.fromkeys(("model", "cell"), TEXT),
            "parameters": WHOLE,
            "layer": WHOLE | NULL,
            "multiplier": NUMBER | NULL,
            "strength": Perhaps(STRENGTH),
            "rate": RATE,
        }
    ),
    **dict.fromkeys(("z", "p", "p_holm"), NUMBER),
}
DRIFT: Form = {
    **dict.fromkeys(("model", "quantization", "dtype", "extractor", "reference"), TEXT),
    "position": WHOLE,
    "layers": ListOf(WHOLE),
    **dict.fromkeys(("cosines", "raw_norms", "reference_raw_norms"), ListOf(NUMBER | NULL)),
}
HEALTH: Form = {
    **dict.fromkeys(("model", "quantization", "dtype", "prompts"), TEXT),
    **dict.fromkeys(
        ("norm_mean", "norm_max", "overflow", "norm_last", "norm_suffix"), ListOf(NUMBER | NULL)
    ),
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
    "trends": ListOf(TREND),
    "quantization": ListOf(DRIFT),
    "transfers": ListOf(TRANSFER),
    "excluded": ListOf({"source": TEXT, "target": TEXT, "reason": TEXT}),
    "health": ListOf(HEALTH),
    "notes": ListOf(TEXT),
}
MANIFEST_FORM: Form = {
    **dict.fromkeys(("name", "recipe_fingerprint", "recipe", "started", "steerkit", "python"), TEXT),
    **dict.fromkeys(("shipped", "finished"), TEXT | NULL),
    **dict.fromkeys(("changes", "resumed"), ListOf(TEXT)),
    "versions": TableOf(TEXT | NULL),
    "planned": WHOLE | NULL,
    "settings": ListOf(
        {
            "model": {"id": TEXT, "quantization": TEXT},
            "extractor": {"use": TEXT},
            "selector": {"use": TEXT},
        }
    ),
    "models": ListOf(
        {
            **dict.fromkeys(("id", "quantization", "dtype"), TEXT),
            "revision": TEXT | NULL,
            "prompts": Perhaps(TABLE),
        }
    ),
}
SPAN: Form = ListOf(WHOLE, length=2)
# of the files of lines, those whose rows people read
ROW_FORMS: Mapping[str, Form] = {
    "completions.jsonl": {
        **dict.fromkeys(("cell", "prompt_id", "prompt", "text", "stop"), TEXT),
        "error": TEXT | NULL,
        "tokens": WHOLE,
    },
    "verdicts.jsonl": {
        # a label that is none is told by the counts
        **dict.fromkeys(("cell", "prompt_id"), TEXT),
        **dict.fromkeys(("rule", "evidence"), TEXT | NULL),
        "spans": ListOf(SPAN),
        "scores": TableOf(NUMBER | NULL),
    },
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
    if isinstance(form, OneOf):
        known = type(value) is str and value in form.words
        return None if known else Misfit("", f"one of {', '.join(form.words)}", value)
    if isinstance(form, ListOf):
        if type(value) is not list:
            return Misfit("", "a list", value)
        if form.length is not None and len(value) != form.length:
            return Misfit("", f"a list of {form.length}", value)
        parts = ((f"[{number}]", entry, form.entry) for number, entry in enumerate(value))
    elif type(value) is not dict:
        return Misfit("", "a table", value)
    elif isinstance(form, TableOf):
        parts = ((key, entry, form.value) for key, entry in value.items())
    else:
        parts = ((key, value[key], own) for key, own in form.items() if key in value)
    return next((found.below(place) for place, entry, own in parts if (found := misfit(entry, own))), None)
