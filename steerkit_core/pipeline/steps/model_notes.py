"""What the results say of a group's model besides its cells: drift, numeric health, and notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from steerkit_core.counting.transfer_efficiency import origin_notes
from steerkit_core.counting.trends import ModelSize
from steerkit_core.extraction.extraction import Extraction
from steerkit_core.extraction.quantization import quantization_shifts
from steerkit_core.model.health import warnings_of
from steerkit_core.pipeline.steps.group import LoadedGroup
from steerkit_core.recipe.recipe import Setting
from steerkit_core.results.cells import CellCondition, CellResult
from steerkit_core.results.findings import QuantizationShift, StreamResult, all_finite

Measured = Sequence[tuple[Setting, Extraction]]


def shifts_of(loaded: LoadedGroup, measured: Measured) -> list[QuantizationShift]:
    """How far this model's directions are from those without quantization."""
    return [
        entry
        for setting, extraction in measured
        for entry in quantization_shifts(
            extraction,
            loaded.columns | {"extractor": setting.extractor.name, "contrast": setting.contrast.name},
            loaded.store,
        )
    ]


def size_of(loaded: LoadedGroup) -> ModelSize:
    """What a trend over sizes knows of this model."""
    return ModelSize(loaded.model.config.model_type, loaded.model.num_parameters)


def health_of(loaded: LoadedGroup, measured: Measured, errors: Iterable[str | None]) -> list[StreamResult]:
    """What the residual stream is like on each set of neutral prompts, and how many rows failed.

    `errors` has one item for each row of the group's cells, None where it did not fail.
    """
    failures = list(errors)
    failed = sum(error is not None for error in failures)
    streams = {setting.contrast: (setting.contrast.name, found.stream) for setting, found in measured}
    return [
        StreamResult(
            **loaded.columns,
            prompts=name,
            norm_mean=all_finite(stream.norm_mean),
            norm_max=all_finite(stream.norm_max),
            overflow=all_finite(stream.overflow),
            nonfinite=stream.nonfinite,
            norm_last=all_finite(stream.norm_last),
            norm_suffix=all_finite(stream.norm_suffix),
            rows=len(failures),
            failed=failed,
        )
        for name, stream in streams.values()
    ]


def notes_of(loaded: LoadedGroup, measured: Measured, cells: Sequence[CellResult]) -> list[str]:
    """What a reader has to know of this model's numbers, given its cells."""
    what = loaded.group.spec.label
    found = [note for _, extraction in measured for note in warnings_of(extraction.stream, what)]
    failed = [cell for cell in cells if cell.failure]
    if failed:
        found.append(
            f"{what}: {len(failed)} of {len(cells)} cells failed, such as {failed[0].id}:"
            f" {failed[0].failure}."
        )
    found += [note for setting, _ in measured if (note := _found_with(setting)) is not None]
    found += origin_notes(what, cells)
    conditional = [cell for cell in cells if cell.condition is not None and cell.role != "control"]
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


def _condition_notes(what: str, conditional: Sequence[CellResult]) -> list[str]:
    """Of cells under a condition: whether no prompt of theirs, or of the contrast set, meets it."""
    idle = [cell for cell in conditional if not cell.edited]
    blind = [cell for cell in conditional if cell.condition is not None and _meets_none(cell.condition)]
    notes = []
    for cells, whose in ((idle, "their prompts, which are all unedited"), (blind, "the contrast prompts")):
        limits = cells[0].condition if cells else None
        if limits is not None:
            notes.append(
                f"{what}: the condition of {len(cells)} of {len(conditional)} conditional cells holds for"
                f" none of {whose}, such as {cells[0].id}: projection {limits.when} {limits.threshold:g} at"
                f" layer {limits.layer}, position {limits.position}."
            )
    return notes


def _meets_none(condition: CellCondition) -> bool:
    """Whether the site says that no prompt of either class meets it."""
    met = [condition.facts.get(name, 1) for name in ("positive", "negative")]
    return not any(met)
