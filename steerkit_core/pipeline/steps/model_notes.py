"""What the results say of a group's model besides its cells: drift, numeric health, and notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from steerkit_core.counting.transfer_efficiency import origin_notes
from steerkit_core.counting.trends import ModelSize
from steerkit_core.extraction.extraction import Extraction
from steerkit_core.extraction.quantization import drift_entries
from steerkit_core.model.health import warnings_of
from steerkit_core.pipeline.steps.group import LoadedGroup
from steerkit_core.recipe.recipe import Setting

Measured = Sequence[tuple[Setting, Extraction]]


def drift_of(loaded: LoadedGroup, measured: Measured) -> list[dict[str, Any]]:
    """How far this model's directions are from those without quantization."""
    return [
        entry
        for setting, extraction in measured
        for entry in drift_entries(
            extraction,
            loaded.columns | {"extractor": setting.extractor.name, "contrast": setting.contrast.name},
            loaded.store,
        )
    ]


def size_of(loaded: LoadedGroup) -> ModelSize:
    """What a trend over sizes knows of this model."""
    return ModelSize(loaded.model.config.model_type, loaded.model.num_parameters)


def health_of(
    loaded: LoadedGroup, measured: Measured, errors: Iterable[str | None]
) -> list[dict[str, Any]]:
    """What the residual stream is like on each set of neutral prompts, and how many rows failed.

    `errors` has one item for each row of the group's cells, None where it did not fail.
    """
    failures = list(errors)
    rows = {"rows": len(failures), "failed": sum(error is not None for error in failures)}
    streams = {setting.contrast: (setting.contrast.name, found.stream) for setting, found in measured}
    return [
        loaded.columns | {"prompts": name} | stream.as_json() | rows for name, stream in streams.values()
    ]


def notes_of(loaded: LoadedGroup, measured: Measured, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a reader has to know of this model's numbers; `entries` are those of its cells."""
    what = loaded.group.spec.label
    found = [note for _, extraction in measured for note in warnings_of(extraction.stream, what)]
    sick = [entry for entry in entries if entry["sick"]]
    if sick:
        found.append(
            f"{what}: {len(sick)} of {len(entries)} cells failed, such as {sick[0]['id']}:"
            f" {sick[0]['sick']}."
        )
    found += [note for setting, _ in measured if (note := _found_with(setting)) is not None]
    found += origin_notes(what, entries)
    conditional = [entry for entry in entries if entry["condition"] and entry["role"] != "control"]
    found += _condition_notes(what, conditional)
    return list(dict.fromkeys(found))


def _found_with(setting: Setting) -> str | None:
    """That directions were found with prompts that they are then measured on."""
    contrast = {prompt.text for prompt in (*setting.contrast.positive, *setting.contrast.negative)}
    asked = {prompt.text for prompt in setting.evaluation.prompts}
    if not contrast & asked:
        return None
    return (
        f"{len(contrast & asked)} of {len(asked)} evaluation prompts ({setting.evaluation.name}) are in the"
        f" contrast set too ({setting.contrast.name}): the direction was found with them, and its rate is"
        " not one of new prompts."
    )


def _condition_notes(what: str, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of cells under a condition: whether no prompt of theirs, or of the contrast set, meets it."""
    idle = [entry for entry in entries if not entry["edited"]]
    blind = [
        entry
        for entry in entries
        if not entry["condition"].get("positive", 1) + entry["condition"].get("negative", 1)
    ]
    notes = []
    for cells, whose in ((idle, "their prompts, which are all unedited"), (blind, "the contrast prompts")):
        if cells:
            limits = cells[0]["condition"]
            notes.append(
                f"{what}: the condition of {len(cells)} of {len(entries)} conditional cells holds for none"
                f" of {whose}, such as {cells[0]['id']}: projection {limits['when']}"
                f" {limits['threshold']:g} at layer {limits['layer']}, position {limits['position']}."
            )
    return notes
