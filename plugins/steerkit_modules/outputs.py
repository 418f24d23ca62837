"""Sites on what attention and MLP give: `attention-add`, `mlp-add`."""

from __future__ import annotations

from typing import ClassVar, Literal

from attrs import frozen

from steerkit_core import BlockModule, Edit, Intervention, Site, Steering, Unit, option


@frozen(kw_only=True)
class OutputAdd(Site):
    """Add the scaled direction to what one module of a block gives, before the block adds that up.

    Gemma 2 and 3 normalise what the module gives before they add it; the edit comes before this norm, so
    that its length in the residual stream is the norm's to decide.
    """

    multiplier: float | None = option(
        None, help="strength, in `unit`; by default the family's: 25 for Gemma, else 15"
    )
    unit: Unit = option(
        "absolute",
        help="absolute: the multiplier itself; residual: times the mean length of the residual stream at"
        " the layer; raw: times the length of the direction before normalising",
    )
    span: Literal["onward", "layer"] = option(
        "layer", help="onward: the chosen layer and all after it; layer: that layer alone"
    )
    tokens: Literal["all", "prompt", "generated"] = option("all", help="the tokens that are edited")

    def intervene(self, steering: Steering) -> Intervention:
        """`h <- h + m d` at the chosen layer, or from there on."""
        direction = steering.direction
        length = steering.length(self.unit, direction.raw_norm)
        last = steering.num_layers if self.span == "onward" else steering.layer + 1
        shift = direction.unit * length
        edits = tuple(Edit(layer, add=shift, module=self.module) for layer in range(steering.layer, last))
        return Intervention(edits, self.tokens, strength=abs(length))


@frozen(kw_only=True)
class AttentionAdd(OutputAdd):
    """Add the scaled direction to what the attention gives, before the block adds that to its input.

    The directions must have been read there: `extractor.module = "attention"`. Gemma 2 and 3 normalise what
    the attention gives before they add it; the edit comes before this norm, so that its length in the
    residual stream is the norm's to decide.
    """

    name: ClassVar[str] = "attention-add"

    @property
    def module(self) -> BlockModule:
        """The attention."""
        return "attention"


@frozen(kw_only=True)
class MlpAdd(OutputAdd):
    """Add the scaled direction to what the MLP gives, before the block adds that to its input.

    The directions must have been read there: `extractor.module = "mlp"`. Gemma 2 and 3 normalise what the
    MLP gives before they add it; the edit comes before this norm, so that its length in the residual stream
    is the norm's to decide.
    """

    name: ClassVar[str] = "mlp-add"

    @property
    def module(self) -> BlockModule:
        """The MLP."""
        return "mlp"
