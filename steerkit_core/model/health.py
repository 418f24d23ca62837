"""Numeric health: how long the residual stream is at every layer, and what in it is no number.

A model whose numbers overflow writes nothing, or repeats one token, and a judge of texts takes that
for a style. Here the numbers themselves are looked at, in the pass that measures the stream anyway.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from attrs import frozen

from steerkit_core.files.json_numbers import finite
from steerkit_core.values import PromptPart

FLOAT16_MAX = 65504.0


@frozen
class StreamHealth:
    """The output of every block, over the tokens of some prompts; each field has one number per layer.

    `norm_mean` and `norm_max` are the mean and the largest length of a token's vector, over the tokens
    whose vector is finite, NaN where none is; `overflow` is the share of values that float16 cannot hold;
    `nonfinite` counts the values that are NaN or infinite. `norm_last` and `norm_suffix` are mean
    lengths over the last token of each prompt, and over those that the chat template puts after the user's
    text, NaN where it puts none.
    """

    norm_mean: tuple[float, ...]
    norm_max: tuple[float, ...]
    overflow: tuple[float, ...]
    nonfinite: tuple[int, ...]
    norm_last: tuple[float, ...] = ()
    norm_suffix: tuple[float, ...] = ()

    def norms(self, part: PromptPart) -> tuple[float, ...]:
        """Mean lengths over some of each prompt's tokens."""
        return {"all": self.norm_mean, "last": self.norm_last, "suffix": self.norm_suffix}[part]

    def as_json(self) -> dict[str, list[float | int | None]]:
        """The fields as lists, with null where a number is none."""
        return {name: [finite(value) for value in values] for name, values in attrs.asdict(self).items()}


def warnings_of(health: StreamHealth, what: str) -> list[str]:
    """What is wrong with a stream, one sentence each; `what` names the model."""
    found = []
    broken = _where(health.nonfinite)
    if broken:
        found.append(
            f"{what}: the residual stream has values that are NaN or infinite at {broken}; nothing that is"
            " computed from them means anything: choose a wider dtype."
        )
    beyond = _where(health.overflow)
    if beyond and not broken:
        found.append(
            f"{what}: the residual stream has values that float16 cannot hold at {beyond}, up to"
            f" {100 * max(health.overflow):.2g}% of them: it would overflow there in float16."
        )
    return found


def _where(values: Sequence[float]) -> str:
    layers = [layer for layer, value in enumerate(values) if value]
    if not layers:
        return ""
    if len(layers) > 1 and layers == list(range(layers[0], layers[-1] + 1)):
        return f"layers {layers[0]} to {layers[-1]}"
    return f"layer{'s' if len(layers) > 1 else ''} {', '.join(map(str, layers))}"
