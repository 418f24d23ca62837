"""`results.json`: all that a run has found."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from attrs import frozen

from steerkit_core.results.cells import CellResult
from steerkit_core.results.findings import (
    Comparison,
    ControlVerdict,
    ExcludedPair,
    QuantizationShift,
    SelectionBias,
    SelectionResult,
    StreamResult,
    TransferResult,
    Trend,
    Window,
)

SCHEMA_VERSION = 1


@frozen(kw_only=True)
class RunFacts:
    """Which run it is; earlier versions do not say the recipe's hash."""

    name: str
    seed: int = 0
    recipe_fingerprint: str | None = None


@frozen(kw_only=True, slots=False)
class RunResults:
    """What `results.json` holds.

    `selected` is the id of the best cell, None where every configuration failed; `optimism` its selection
    bias, where it was chosen on the prompts that it is measured on.
    """

    schema_version: int = SCHEMA_VERSION
    run: RunFacts
    cells: tuple[CellResult, ...]
    selections: tuple[SelectionResult, ...]
    selected: str | None
    selected_on_evaluation: bool | None = None
    optimism: SelectionBias | None = None
    windows: tuple[Window, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    controls: tuple[ControlVerdict, ...] = ()
    trends: tuple[Trend, ...] = ()
    quantization: tuple[QuantizationShift, ...] = ()
    transfers: tuple[TransferResult, ...] = ()
    excluded: tuple[ExcludedPair, ...] = ()
    health: tuple[StreamResult, ...] = ()
    notes: tuple[str, ...]

    @cached_property
    def by_id(self) -> Mapping[str, CellResult]:
        """The cells by their ids."""
        return {cell.id: cell for cell in self.cells}

    @property
    def chosen(self) -> CellResult | None:
        """The selected cell."""
        return None if self.selected is None else self.by_id.get(self.selected)
