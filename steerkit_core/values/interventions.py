"""Edits of the residual stream, and what a site builds them from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from steerkit_core.errors import SteerkitError
from steerkit_core.values.blocks import BlockModule, Side, TokenSpan, Unit
from steerkit_core.values.directions import ClassActivations, Direction, DirectionSet

if TYPE_CHECKING:
    from torch import Tensor

CellRole = Literal["steered", "baseline", "control"]


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
    facts: Mapping[str, object] = field(factory=dict)

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


def _or_zero(multiplier: float | None) -> float:
    return 0.0 if multiplier is None else multiplier


@frozen(eq=False)
class Steering:
    """What a site is given to build an intervention from.

    `residual_norms[l]` is the mean length of the output of block l over the neutral prompts' tokens, and
    there are none where nobody has measured them, which a run always does; `num_heads` is how many
    attention heads a block has. The `multiplier` of a site that takes none is 0; None is given for it.
    """

    directions: DirectionSet
    layer: int
    position: int
    multiplier: float = field(converter=_or_zero)
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
