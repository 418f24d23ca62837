"""A cell in `results.json`: what was steered and how, and what its completions came to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from steerkit_core.components import Method
from steerkit_core.results.fields import EXTRA, OMIT
from steerkit_core.stats.estimate import Rate

Role = Literal["baseline", "steered", "control"]


@frozen(kw_only=True)
class CellRate(Rate):
    """How often a label was given. `n_effective` is what the interval goes by, None in earlier versions."""

    n_effective: float | None = field(default=None, metadata=OMIT)


@frozen(kw_only=True)
class Strength:
    """The length of what is added, in all three units, so that models can be compared."""

    absolute: float | None = None
    residual: float | None = None
    raw: float | None = None


@frozen(kw_only=True)
class CellDirection:
    """The direction of a cell: its length before normalising, and of a control its cosine to the chosen."""

    raw_norm: float | None = None
    cosine: float | None = field(default=None, metadata=OMIT)


@frozen(kw_only=True)
class CellCondition:
    """Which prompts a cell edits: those whose projection lies on one side of a threshold.

    `facts` are the site's own columns, which stand beside the others.
    """

    layer: int
    position: int
    module: str
    threshold: float
    when: Literal["above", "below"]
    facts: Mapping[str, object] = field(factory=dict, metadata=EXTRA)


@frozen(kw_only=True)
class CellCalibration:
    """How a cell's multiplier was found, where one was searched; of earlier versions `tokens` is 1."""

    use: str
    target: float
    achieved: float | None
    tokens: int = 1


@frozen(kw_only=True)
class Origin:
    """Where directions come from that are not the steered model's own.

    `map` is what they went through, `none` if nothing; `differs` what of their source is not as in the
    steered model. `facts` is whatever else the extractor says.
    """

    model: str | None
    run: str | None
    map: str
    method: Method
    differs: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(factory=dict, metadata=EXTRA)

    @property
    def words(self) -> str:
        """The source in the words of tables and maps."""
        return f"{self.run or self.model}" + ("" if self.map == "none" else f", {self.map} map")


@frozen(kw_only=True)
class CellFacts:
    """The columns of a cell that are known before anything is generated.

    What says how a cell is steered is None for a baseline; `options` are those of its extractor, site,
    classifier and generation, by table.
    """

    id: str = ""
    model: str
    quantization: str
    dtype: str = ""
    prompts: str
    classifier: str
    extractor: str | None = None
    source: str | None = None
    selector: str | None = None
    site: str | None = None
    role: Role
    control: str | None = None
    options: Mapping[str, Mapping[str, object]]
    layer: int | None
    depth: float | None
    position: int | None = None
    multiplier: float | None
    unit: str | None = None
    strength: Strength | None = None
    direction: CellDirection | None = None
    condition: CellCondition | None = None
    calibration: CellCalibration | None = None
    extraction: str | None = None
    origin: Origin | None = None


@frozen(kw_only=True)
class CellResult(CellFacts):
    """An entry of `cells` in `results.json`.

    `n` rows have a verdict and `failed` have none, of `prompts_total` that the cell has; `counts` are over
    rows, `rates` over prompts. `errors` are the reasons of failed rows, `failure` why a cell says nothing.
    """

    n: int
    n_unique: int = 0
    failed: int
    prompts_total: int
    errors: tuple[str, ...]
    failure: str | None = field(default=None, metadata={"key": "sick"})
    stops: Mapping[str, int] = field(factory=dict)
    counts: Mapping[str, int]
    rates: Mapping[str, CellRate]
    edited: int | None = None
    selected: bool
    selected_on_evaluation: bool = False

    @property
    def rows(self) -> int:
        """How many completions were asked for."""
        return self.n + self.failed

    @property
    def is_whole(self) -> bool:
        """Whether every prompt was asked, which a cell that was ended early cannot say."""
        return self.rows == self.prompts_total

    @property
    def absolute(self) -> float | None:
        """The length of what is added, None where there is no such length."""
        return None if self.strength is None else self.strength.absolute


@frozen(kw_only=True)
class BegunCell:
    """A line of `cells.jsonl`: what a cell is as soon as it is begun, of earlier versions its id."""

    id: str
    model: str | None = None
    quantization: str | None = None
    role: str | None = None
    control: str | None = None
    extractor: str | None = None
    site: str | None = None
    prompts: str | None = None
    classifier: str | None = None
    layer: int | None = None
    multiplier: float | None = None
    prompts_total: int | None = None
