"""What is read or edited in a block, at which tokens, and in which unit."""

from __future__ import annotations

from typing import Literal

Unit = Literal["absolute", "residual", "raw"]
TokenSpan = Literal["all", "prompt", "generated", "last", "suffix", "answer"]
PromptPart = Literal["all", "last", "suffix"]
Side = Literal["above", "below"]
BlockModule = Literal["input", "heads", "attention", "mlp", "residual"]
# in the order in which a block computes them
BLOCK_MODULES: tuple[BlockModule, ...] = ("input", "heads", "attention", "mlp", "residual")


def prompt_part(span: object) -> PromptPart:
    """Which of a prompt's tokens a span has, over which the residual stream is measured for it.

    All of them, the last, or the template's suffix. A span of generated tokens alone has none, and is
    measured over all.
    """
    return "last" if span in ("last", "answer") else "suffix" if span == "suffix" else "all"
