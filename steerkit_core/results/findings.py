"""What a run finds beyond its cells: selections, comparisons, windows, trends, transfers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from attrs import field, frozen

from steerkit_core.files.json_numbers import finite
from steerkit_core.results.cells import CellRate, Strength
from steerkit_core.results.fields import FROM, INFINITE
from steerkit_core.stats.estimate import Estimate, Rate


def all_finite(values: Iterable[float]) -> tuple[float | None, ...]:
    """Numbers with None for those that JSON cannot hold."""
    return tuple(map(finite, values))


WindowState = Literal["inside", "outside", "unknown", "failed"]


@frozen(kw_only=True)
class SelectionBias:
    """How much of a winner's rate is due to its having been chosen for it (winner's curse).

    `rate` is the winner's on the prompts that it was chosen on, `corrected` what it may be on others, and
    `optimism` the difference.
    """

    label: str
    candidates: int = 0
    prompts: int = 0
    resamples: int = 0
    rate: float
    corrected: float
    optimism: float


@frozen(kw_only=True)
class SelectionResult:
    """An entry of `selections`: how a configuration came to its cell, or why it failed.

    `overrides` are what the grid has set; `tried` the ids of the cells that the selector saw; `table` its
    own columns, a row a candidate, the best first.
    """

    cell: str | None
    failed: bool = False
    selector: str = ""
    overrides: Mapping[str, object] = field(factory=dict)
    reason: str = ""
    prompts: str = ""
    shared_prompts: int = 0
    selected_on_evaluation: bool = False
    tried: tuple[str, ...] = ()
    refusal_rate: float | None = None
    table: tuple[Mapping[str, object], ...]
    optimism: SelectionBias | None = None


@frozen(kw_only=True)
class Comparison:
    """An entry of `comparisons`: a chosen cell beside its baseline or one of its controls.

    `both`, `cell_only`, `reference_only` and `neither` count prompts with the label; `difference` is the
    cell's rate less the reference's; `p_holm` is adjusted for all comparisons of the run.
    """

    cell: str
    reference: str
    role: str
    label: str
    test: str
    n: int
    both: int
    cell_only: int
    reference_only: int
    neither: int
    difference: Estimate
    cohens_h: float
    p: float
    p_holm: float = 1.0


@frozen(kw_only=True)
class ControlVerdict:
    """An entry of `controls`: whether a chosen cell beats its controls.

    `left_out` says which controls could not be made, and why.
    """

    cell: str
    label: str
    beaten: bool
    controls: int
    unbeaten: tuple[str, ...] = ()
    sentence: str
    left_out: tuple[str, ...] = ()


@frozen(kw_only=True)
class CellStrength(Strength):
    """The strength of a cell: its multiplier, and the length in three units where the site has one."""

    cell: str = ""
    multiplier: float | None = None


@frozen(kw_only=True)
class WindowPoint(CellStrength):
    """A strength that was tried at a layer, and the rates there; None where the cell failed."""

    state: WindowState = "unknown"
    n: int
    prompts_total: int = 0
    refusal: float | None
    garbled: float | None


@frozen(kw_only=True)
class WindowRange:
    """Strengths between which a layer steers; open where the next one was not tried, or says nothing."""

    from_: CellStrength = field(metadata=FROM)
    to: CellStrength
    open_below: bool
    open_above: bool


@frozen(kw_only=True)
class BreakingPoint(CellStrength):
    """The weakest strength at which texts are known to break."""

    open_below: bool


@frozen(kw_only=True)
class Window:
    """An entry of `windows`: between which strengths one layer steers, and where texts begin to break."""

    model: str
    quantization: str
    dtype: str
    extractor: str | None = None
    source: str | None = None
    site: str | None = None
    unit: str | None = None
    position: int | None = None
    classifier: str
    prompts: str
    layer: int
    depth: float | None
    steerable_from: float
    garbling_from: float
    tried: tuple[WindowPoint, ...]
    from_: CellStrength = field(metadata=FROM)
    to: CellStrength
    ranges: tuple[WindowRange, ...]
    garbling: BreakingPoint | None
    best: CellStrength | None


@frozen(kw_only=True)
class TrendSize:
    """One size of a trend: the chosen cell of one model."""

    model: str
    parameters: int
    cell: str
    layer: int | None
    multiplier: float | None
    strength: Strength | None
    rate: Rate


@frozen(kw_only=True)
class Trend:
    """An entry of `trends`: does a rate rise or fall with size, among models of one architecture?"""

    model_type: str
    quantization: str
    prompts: str
    overrides: Mapping[str, object]
    label: str
    test: str
    sizes: tuple[TrendSize, ...]
    z: float
    p: float
    p_holm: float = 1.0


@frozen(kw_only=True)
class QuantizationShift:
    """An entry of `quantization`: cosines of quantized directions to those found in full precision.

    One number a layer; None where a direction has no length.
    """

    model: str
    quantization: str
    dtype: str
    extractor: str
    contrast: str = ""
    extraction: str
    reference: str
    reference_dtype: str = ""
    position: int
    layers: tuple[int, ...]
    cosines: tuple[float | None, ...]
    raw_norms: tuple[float | None, ...] = ()
    reference_raw_norms: tuple[float | None, ...] = ()


@frozen(kw_only=True)
class Efficiency:
    """Transfer efficiency with its interval; an end that is infinite is the word `inf`."""

    value: float | None
    low: float | None = field(default=None, metadata=INFINITE)
    high: float | None = field(default=None, metadata=INFINITE)
    degenerate: bool = False


@frozen(kw_only=True)
class RandomArm:
    """What random directions of one length do where a cell steers, and whether it beats them all."""

    directions: int
    strongest: CellRate
    p_holm: float
    beaten: bool


@frozen(kw_only=True)
class RandomArms:
    """Random directions beside both arms of a transfer; None where there were none."""

    transferred: RandomArm | None = None
    own: RandomArm | None = None


@frozen(kw_only=True)
class TransferResult:
    """An entry of `transfers`: a direction from elsewhere beside the model's own."""

    source: str
    run: str | None
    target: str
    quantization: str
    map: str
    method: str = ""
    differs: tuple[str, ...]
    cell: str = ""
    own_cell: str = ""
    layer: int | None
    source_layer: int | None
    own_layer: int | None
    multiplier: float | None
    transferred: Rate
    own: Rate
    efficiency: Efficiency
    cosine: float | None
    cosine_by_chance: float | None = None
    random: RandomArms = field(factory=RandomArms)
    reading: str = ""


@frozen(kw_only=True)
class ExcludedPair:
    """An entry of `excluded`: two models that directions were not transferred between, and why."""

    source: str
    target: str
    reason: str


@frozen(kw_only=True)
class StreamResult:
    """An entry of `health`: the residual stream over a set of prompts, one number a layer.

    `norm_mean`, `norm_max`, `norm_last` and `norm_suffix` are lengths, `overflow` the share of values
    beyond float16, `nonfinite` how many are NaN or infinite; None where a number is none.
    """

    model: str = ""
    quantization: str = ""
    dtype: str = ""
    prompts: str = ""
    norm_mean: tuple[float | None, ...]
    norm_max: tuple[float | None, ...] = ()
    overflow: tuple[float | None, ...] = ()
    nonfinite: tuple[int, ...] = ()
    norm_last: tuple[float | None, ...] = ()
    norm_suffix: tuple[float | None, ...] = ()
    rows: int = 0
    failed: int = 0
