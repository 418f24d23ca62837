"""The values that travel through a run, in the order in which they come about.

All are frozen. Importing this module does not import torch: tensors appear in annotations only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from attrs import field, frozen

from steerkit_core.display import html_table, spanned
from steerkit_core.errors import DegenerateDirection, MissingDirection, SteerkitError

if TYPE_CHECKING:
    from torch import Tensor

    from steerkit_core.model import ModelHandle

Role = Literal["positive", "negative", "neutral"]
CellRole = Literal["steered", "baseline", "control"]
Unit = Literal["absolute", "residual", "raw"]
TokenSpan = Literal["all", "prompt", "generated", "last", "suffix", "answer"]
PromptPart = Literal["all", "last", "suffix"]
Side = Literal["above", "below"]
StopReason = Literal["eos", "length", "settled", "failed"]
BlockModule = Literal["input", "heads", "attention", "mlp", "residual"]

ROLES: tuple[Role, ...] = ("positive", "negative", "neutral")
# in the order in which a block computes them
BLOCK_MODULES: tuple[BlockModule, ...] = ("input", "heads", "attention", "mlp", "residual")
# why a completion without any text failed
EMPTY = "the output is empty"


@frozen
class Prompt:
    """A user's request, unrendered: the chat template is added by the model's adapter.

    Where a prompt is asked several times, `repeat` counts from 0, and the ids of all but the first end with
    `#1`, `#2`, ... `before` are the earlier turns of a conversation, as (`system`, `user` or `assistant`,
    text); a run's prompts have none.
    """

    id: str
    text: str
    role: Role = "neutral"
    category: str = ""
    repeat: int = 0
    before: tuple[tuple[str, str], ...] = ()

    @property
    def said(self) -> tuple[tuple[tuple[str, str], ...], str]:
        """All that the model is told, by which equal requests are known."""
        return self.before, self.text


@frozen
class ContrastSet:
    """Two classes of prompts; a direction points from the negative to the positive class."""

    name: str
    positive: tuple[Prompt, ...]
    negative: tuple[Prompt, ...]

    @property
    def sizes(self) -> tuple[int, int]:
        """How many positive and how many negative prompts there are."""
        return len(self.positive), len(self.negative)


@frozen(eq=False, repr=False)
class Direction:
    """A unit vector of what one module of a block gives, read at one layer and position.

    `unit` has shape (width,), float32; `raw_norm` is the length before normalising, in units of what was
    read. `residual_norm` is the mean length of the residual stream at the layer over the neutral prompts,
    None where nobody has measured it. `axes`, (number, width), are an orthonormal basis of the
    subspace that the direction was found with, which sites that remove it remove; None where there is none.
    """

    layer: int
    position: int
    unit: Tensor
    raw_norm: float
    module: BlockModule = "residual"
    residual_norm: float | None = None
    axes: Tensor | None = None

    @classmethod
    def from_raw(
        cls, vector: Tensor, layer: int, position: int = -1, module: BlockModule = "residual"
    ) -> Self:
        """Normalise a vector, (width,), that was found in another way than by an extractor.

        Raises:
            DegenerateDirection: its length is zero or not a number.
        """
        import torch

        raw = torch.as_tensor(vector).detach().cpu().reshape(1, 1, -1)
        found = DirectionSet.from_raw(raw, (position,), (layer,), module).at(layer, position)
        return cls(layer, position, found.unit, found.raw_norm, module)

    def __repr__(self) -> str:
        return (
            f"Direction(layer={self.layer}, position={self.position}, module={self.module!r},"
            f" width={self.unit.shape[-1]}, raw_norm={self.raw_norm:.4g})"
        )


def prompt_part(span: object) -> PromptPart:
    """Which of a prompt's tokens a span has, over which the residual stream is measured for it.

    All of them, the last, or the template's suffix. A span of generated tokens alone has none, and is
    measured over all.
    """
    return "last" if span in ("last", "answer") else "suffix" if span == "suffix" else "all"


@frozen(eq=False, repr=False)
class DirectionSet:
    """Directions for every (position, layer) that an extractor was asked for.

    `units` has shape (positions, layers, width), float32; `raw_norms` (positions, layers), float64.
    `positions` count from the end of the rendered prompt: -1 is its last token. `scores` holds further
    tables of shape (positions, layers) by name, such as a validation accuracy. `module` is what was read
    in the blocks; the width is the hidden size, and for `heads` that of all heads side by side.
    `residual_norms` has for every layer the mean length of the residual stream over the neutral prompts; it
    is empty where nobody has measured it, and needed for multipliers of unit `residual` alone. `axes`, of
    shape (positions, layers, number, width), float32, are orthonormal bases of subspaces in which the
    directions lie, where an extractor finds such.
    """

    positions: tuple[int, ...]
    layers: tuple[int, ...]
    units: Tensor
    raw_norms: Tensor
    scores: Mapping[str, Tensor] = field(factory=dict)
    module: BlockModule = "residual"
    residual_norms: tuple[float, ...] = ()
    axes: Tensor | None = None

    @classmethod
    def from_raw(
        cls,
        raw: Tensor,
        positions: tuple[int, ...],
        layers: tuple[int, ...],
        module: BlockModule = "residual",
    ) -> Self:
        """Normalise `raw`, of shape (positions, layers, width), vector by vector.

        A vector of length zero, or one that is not finite, stays as it is and is refused by `at`, so
        that one dead layer does not cost the others.
        """
        wide = raw.double()
        norms = wide.norm(dim=-1)
        units = wide / norms.clamp_min(1e-300).unsqueeze(-1)
        return cls(positions, layers, units.float(), norms, module=module)

    def at(self, layer: int, position: int | None = None) -> Direction:
        """The direction read at `layer` and `position`, which may be left out where there is but one.

        Raises:
            MissingDirection: the set has no such layer or position.
            DegenerateDirection: its length is zero or not a number.
        """
        if position is None:
            if len(self.positions) != 1:
                known = ", ".join(map(str, self.positions))
                raise MissingDirection(
                    f"directions at {len(self.positions)} positions, expected one to be named: {known}"
                )
            (position,) = self.positions
        if layer not in self.layers or position not in self.positions:
            known = f"layers {spanned(self.layers)}; positions {spanned(self.positions)}"
            raise MissingDirection(f"no direction at layer {layer}, position {position} ({known})")
        row, column = self.positions.index(position), self.layers.index(layer)
        norm = float(self.raw_norms[row, column])
        if not math.isfinite(norm) or norm == 0.0:
            raise DegenerateDirection(
                f"the direction at layer {layer}, position {position} has length {norm}: both prompt"
                " classes look the same there, or the activations overflowed; choose another layer or"
                " position, or a wider dtype"
            )
        stream = self.residual_norms[column] if self.residual_norms else None
        axes = None if self.axes is None else self.axes[row, column]
        return Direction(layer, position, self.units[row, column], norm, self.module, stream, axes)

    def __repr__(self) -> str:
        return (
            f"DirectionSet(layers {spanned(self.layers)}, positions {spanned(self.positions)},"
            f" module={self.module!r}, width={self.units.shape[-1]})"
        )

    def _repr_html_(self) -> str:
        """A notebook's view: the length before normalising, layer by layer."""
        rows = [
            [layer, *(f"{float(norm):.4g}" for norm in self.raw_norms[:, column])]
            for column, layer in enumerate(self.layers)
        ]
        heads = ["layer", *(f"raw norm at {position}" for position in self.positions)]
        return html_table(repr(self), heads, rows)

    def save(
        self,
        path: str | Path,
        *,
        model: ModelHandle | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Write all of it to a safetensors file, bit for bit, for `load` and the extractor `transfer`.

        Args:
            path: the file; one that is there is replaced.
            model: the model that they were found in. A recipe takes directions whose model is not known
                only if it says so.
            facts: what else is known of them, as JSON can hold it, such as `extractor`.

        Raises:
            StoreError: it cannot be written.
        """
        from steerkit_core.direction_files import AXES, NORMS, SCORE, STREAM, UNITS, write_directions

        known = {} if model is None else {"model": model.identity, "record": model.record}
        shape = {"positions": self.positions, "layers": self.layers, "module": self.module}
        tensors = {UNITS: self.units, NORMS: self.raw_norms}
        tensors |= {f"{SCORE}{name}": table for name, table in self.scores.items()}
        if self.axes is not None:
            tensors[AXES] = self.axes
        if self.residual_norms:
            tensors[STREAM] = self.raw_norms.new_tensor(self.residual_norms)
        write_directions(Path(path), tensors, {**known, **(facts or {}), **shape})

    @classmethod
    def load(cls, path: str | Path, key: str = "") -> Self:
        """The directions of a file that `save`, `steerkit export` or a run has written.

        Args:
            path: the file.
            key: the beginning of an extraction's key, where a run's file keeps several.

        Raises:
            StoreError: it is missing or damaged, holds no directions, or not exactly one set is meant.
        """
        from steerkit_core.direction_files import AXES, NORMS, SCORE, STREAM, UNITS, read_directions

        facts, tensors = read_directions(Path(path), key)
        scores = {name.removeprefix(SCORE): one for name, one in tensors.items() if name.startswith(SCORE)}
        positions, layers = tuple(facts["positions"]), tuple(facts["layers"])
        module = facts.get("module", "residual")
        stream = tuple(tensors[STREAM].tolist()) if STREAM in tensors else ()
        axes = tensors.get(AXES)
        return cls(positions, layers, tensors[UNITS], tensors[NORMS], scores, module, stream, axes)


@frozen(eq=False)
class ClassActivations:
    """What both classes' prompts give, token by token and layer by layer: what most extractors start from.

    `positive` and `negative` have shape (prompts, positions, layers, width), float32, on the CPU.
    """

    positions: tuple[int, ...]
    layers: tuple[int, ...]
    positive: Tensor
    negative: Tensor

    @classmethod
    def of(
        cls, found: Tensor, contrast: ContrastSet, positions: Sequence[int], layers: Sequence[int]
    ) -> Self:
        """Some layers of `found`, (prompts, positions, all layers, width), positive prompts first."""
        chosen, cut = found[:, :, list(layers)], len(contrast.positive)
        return cls(tuple(positions), tuple(layers), chosen[:cut], chosen[cut:])

    def at(self, layer: int, position: int) -> tuple[Tensor, Tensor]:
        """Both classes at one layer and position, each of shape (prompts, width)."""
        row, column = self.positions.index(position), self.layers.index(layer)
        return self.positive[:, row, column], self.negative[:, row, column]


@frozen
class Trial:
    """One way to steer that a selector wants to see tried; None means the site's own multiplier."""

    layer: int
    position: int
    multiplier: float | None = None


@frozen
class Outcome:
    """What became of a trial on the selection prompts that were asked.

    `clusters` is there where completions of one prompt were sampled several times, which agree more than
    those of different prompts: by label, for each prompt, how many of its completions have the label and
    how many have a verdict, as `clustered_wilson` takes them.
    """

    trial: Trial
    counts: Mapping[str, int]
    failed: int = 0
    clusters: Mapping[str, tuple[tuple[int, int], ...]] = field(factory=dict, eq=False)

    @property
    def judged(self) -> int:
        """How many completions have a verdict."""
        return sum(self.counts.values())

    @property
    def asked(self) -> int:
        """On how many prompts the trial was made: those with a verdict, and those that failed."""
        return self.judged + self.failed

    @property
    def sick(self) -> bool:
        """Whether at least half of the completions failed, so that the rest says nothing."""
        return self.failed > 0 and self.failed >= self.judged

    def rate(self, label: str) -> float:
        """Share of the judged completions with `label`; 0 where nothing could be judged."""
        return self.counts.get(label, 0) / self.judged if self.judged else 0.0


@frozen
class Selection:
    """Where to steer, and how a selector came to it.

    `table` has one flat row per candidate, in the selector's own columns, the best first; it is kept in the
    run and shown in this order. A column `excluded` says why a candidate was left out, if it was.
    """

    layer: int
    position: int
    multiplier: float | None = None
    reason: str = ""
    table: tuple[Mapping[str, Any], ...] = ()


@frozen(eq=False)
class Edit:
    """`h <- h + add - gain (h . unit) unit` on what `module` of block `layer` gives.

    `residual` is the output of the block and `input` what it is given, `attention` and `mlp` are what these
    modules add, `heads` the heads of the attention side by side, before they are projected. `add` and
    `unit` have shape (hidden,), for `heads` (number of heads x head width,); either may be None, meaning
    zero. `unit` has length 1.
    With `preserve_norm` each token's vector is then scaled back to the length that it had.
    """

    layer: int
    add: Tensor | None = None
    unit: Tensor | None = None
    gain: float = 0.0
    module: BlockModule = "residual"
    preserve_norm: bool = False


@frozen(eq=False)
class Condition:
    """Which prompts an intervention edits: those whose projection lies on one side of a threshold.

    Projected on `unit`, of length 1, is what `module` of block `layer` gives at token `position` of the
    prompt, -1 being its last, while nothing is edited. `above` is more than `threshold`, `below` is not
    more. `facts` go to the condition's entry in `results.json`, in the site's own columns.
    """

    unit: Tensor
    layer: int
    position: int
    threshold: float
    when: Side = "above"
    module: BlockModule = "residual"
    facts: Mapping[str, Any] = field(factory=dict)

    def holds(self, projection: float) -> bool:
        """Whether a prompt with this projection is edited."""
        return (projection > self.threshold) == (self.when == "above")


@frozen(eq=False)
class Intervention:
    """All edits of one completion, and the tokens at which they apply.

    `tokens`: `all`; `prompt`; `generated`; `last`, the prompt's last token alone; `suffix`, those that the
    chat template puts after the user's text; `answer`, the prompt's last token and all generated ones,
    which are the tokens that predict the answer.

    `strength` is the length of what is added, the largest where edits differ, in units of what is edited;
    of an edit that sets the projection the length that the multiplier asks for; None where there is no such
    length. `strength_layer` is the layer with whose norms it is compared, by default the chosen one;
    `raw_norm` is the length before normalising of what is added there, where it is not the direction's own
    but that of a part of it.

    Under a `condition` only the prompts that meet it are edited, the others are left as they are.
    """

    edits: tuple[Edit, ...] = ()
    tokens: TokenSpan = "all"
    strength: float | None = None
    strength_layer: int | None = None
    condition: Condition | None = None
    raw_norm: float | None = None


def _no_classes() -> ClassActivations:
    raise SteerkitError("the activations of the contrast set are known inside of a run only")


@frozen(eq=False)
class Probe:
    """One of many interventions that are compared on the same prompts, with nothing written.

    `h <- h + add - gain (h . unit) unit` on what block `layer` is given, at every token; where `layer` is
    None, on what every block is given and on what every attention and MLP gives. `add` and `unit` have
    shape (hidden,); either may be None, meaning zero. `unit` has length 1.
    """

    layer: int | None = None
    add: Tensor | None = None
    unit: Tensor | None = None
    gain: float = 0.0


@frozen(eq=False)
class Steering:
    """What a site is given to build an intervention from.

    `residual_norms[l]` is the mean length of the output of block l over the neutral prompts' tokens, and
    there are none where nobody has measured them, which a run always does; `num_heads` is how many
    attention heads a block has.
    """

    directions: DirectionSet
    layer: int
    position: int
    multiplier: float
    num_layers: int
    residual_norms: tuple[float, ...]
    num_heads: int = 1
    _classes: Callable[[], ClassActivations] = _no_classes

    @property
    def direction(self) -> Direction:
        """The direction at the chosen layer and position."""
        return self.directions.at(self.layer, self.position)

    @property
    def classes(self) -> ClassActivations:
        """The contrast set's activations in the model that is steered, where the directions were read.

        They cost a forward pass over the contrast set when they are first asked for, and nothing otherwise.

        Raises:
            SteerkitError: whoever made this value did not say how they are read.
        """
        return self._classes()

    def length(self, unit: Unit, raw_norm: float, layer: int | None = None) -> float:
        """The signed length of what is added, for a direction that was `raw_norm` long before normalising.

        `absolute` is the multiplier itself, `residual` times the mean length of the residual stream at
        `layer`, by default the chosen one, `raw` times `raw_norm`.

        Raises:
            SteerkitError: the stream's length was never measured, and is asked for.
        """
        if unit == "residual":
            return self.multiplier * self._stream(self.layer if layer is None else layer)
        return self.multiplier * {"absolute": 1.0, "raw": raw_norm}[unit]

    def _stream(self, layer: int) -> float:
        if not self.residual_norms:
            raise SteerkitError(
                "unit 'residual' needs the mean length of the residual stream, and these directions come"
                " without it: choose 'absolute' or 'raw', or extract them"
            )
        return self.residual_norms[layer]


@frozen
class Completion:
    """What the model wrote for one prompt under one intervention.

    `tokens` counts the new tokens without the one that ended the text. `stop` is `eos` where the model
    ended it, `length` at the limit, `settled` where its verdict could not change any more. `error` says
    why a row failed, and such a row has no verdict. `score` is how likely the first token was one of those
    that the cell's classifier watches, as log p - log(1 - p); None where nothing was watched.
    """

    prompt: Prompt
    text: str
    tokens: int
    stop: StopReason
    error: str | None = None
    score: float | None = None


@frozen
class Verdict:
    """What a completion is, by which rule, and the piece of text that decided it.

    `spans` are the places in the text that decided, as (start, end) in characters, in order and without
    overlap; the first is that of `evidence`. A classifier that knows none leaves them empty. `scores` are
    numbers that a judge decided by, under names of its own. `asked` is what a judge that is a model was
    given, word for word.
    """

    label: str
    rule: str = ""
    evidence: str = ""
    spans: tuple[tuple[int, int], ...] = ()
    scores: Mapping[str, float] = field(factory=dict, hash=False)
    asked: str = ""


@frozen
class Rate:
    """`k` of `n` with a confidence interval."""

    k: int
    n: int
    rate: float
    low: float
    high: float
