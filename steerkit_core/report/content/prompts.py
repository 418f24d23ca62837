"""The prompt audit as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steerkit_core.results.manifest import PromptAudit, TokenCount

FEW = 4


def audit_lines(audit: PromptAudit, *, example: bool = True) -> Iterator[str]:
    """What the model is given, one fact per line; with `example`, a prompt token by token."""
    yield f"template {audit.template_sha256[:12]}, {audit.suffix} tokens behind the user's text"
    if example and audit.example is not None:
        tokens = " ".join(repr(token.text) for token in audit.example.tokens)
        yield f"prompt {audit.example.id} as {len(audit.example.tokens)} tokens: {tokens}"
    yield f"{audit.double_bos} of {audit.prompts} prompts begin with two BOS tokens"
    for entry in audit.positions:
        yield (
            f"{entry.extractor} reads position {entry.position} of {entry.contrast}:"
            f" {_standing(entry.tokens)}"
        )
    for note in audit.notes:
        yield f"note: {note}"


def _standing(tokens: Sequence[TokenCount]) -> str:
    """`'\\n' (198) in all 10 prompts`, or the commonest tokens with their numbers."""
    if len(tokens) == 1:
        return f"{tokens[0].text!r} ({tokens[0].id}) in all {tokens[0].prompts} prompts"
    shown = ", ".join(f"{token.text!r} ({token.id}) in {token.prompts}" for token in tokens[:FEW])
    rest = f", and {len(tokens) - FEW} more" if len(tokens) > FEW else ""
    return f"{shown or 'no token'}{rest}"
