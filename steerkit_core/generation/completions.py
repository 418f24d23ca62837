"""What a model answers to requests, as texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steerkit_core.errors import SteerkitError
from steerkit_core.generation.rows import Row, Written
from steerkit_core.generation.schedule import generate
from steerkit_core.values import EMPTY, Completion, Intervention, Prompt

if TYPE_CHECKING:
    from steerkit_core.generation.decoder import Decoder
    from steerkit_core.recipe.options import GenerationOptions


def complete(
    model: Decoder, prompts: str | Prompt | Sequence[str | Prompt], options: GenerationOptions, seed: int
) -> list[Completion]:
    """What the model, without an intervention, answers to a text, or to texts or prompts, in their order.

    Raises:
        SteerkitError: one of them is neither a text nor a prompt.
    """
    given = [prompts] if isinstance(prompts, str | Prompt) else list(prompts)
    strange = next((one for one in given if not isinstance(one, str | Prompt)), None)
    if strange is not None:
        raise SteerkitError(f"complete: expected texts or prompts, got {strange!r}")
    asked = [
        one if isinstance(one, Prompt) else Prompt(f"prompt-{number}", one)
        for number, one in enumerate(given, start=1)
    ]
    rows = [Row(prompt, Intervention(), prompt.id) for prompt in asked]
    written = dict(generate(model, rows, options, seed))
    return [completion(model, prompt, written[row]) for row, prompt in enumerate(asked)]


def completion(model: Decoder, prompt: Prompt, written: Written) -> Completion:
    """What was written, as text. An empty answer is a failure to report, not a garbled one.

    Not so where its first token was watched: that is known, whatever came of the text.
    """
    text, stop, error = model.decode(written.token_ids), written.stop, written.error
    if error is None and written.score is None and not text.strip():
        stop, error = "failed", EMPTY
    return Completion(prompt, text, len(written.token_ids), stop, error, written.score)
