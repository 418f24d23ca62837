"""Proof, on a tiny forward pass, that an adapter reads and writes the residual stream of a model.

A block that is off by one, a read that takes row 0 for the batch, or a write that is lost would all give
plausible numbers. Each shows here, at load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from steerkit_core.errors import ModelError, NumericError
from steerkit_core.model.loading.watch import Seen, watch

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel

    from steerkit_core.components import ModelAdapter


def verify(model: PreTrainedModel, adapter: ModelAdapter) -> None:
    """Run a batch of two rows of five tokens, once as it is and once with every block's output negated.

    Checked are: the number of blocks; that attention and MLP lie inside their block; that what is read
    from block l has the shape (rows, tokens, hidden), is finite, sees no later token, and is exactly what
    block l+1 receives; that the last block's output, through the final norm, is the last hidden state
    that transformers reports; and that what is written is exactly what the next block receives.

    Raises:
        ModelError: one of these does not hold; the message names adapter, block and what was found.
            A `NumericError` where the numbers overflow.
    """
    config = model.config.get_text_config()
    blocks = adapter.blocks(model)
    who = f"model adapter {adapter.name!r}"
    if len(blocks) != config.num_hidden_layers:
        raise ModelError(
            f"{who} finds {len(blocks)} blocks, expected {config.num_hidden_layers} as the config says"
        )
    for layer, block in enumerate(blocks):
        _check_parts(who, layer, block, adapter)
    seen = watch(model, adapter, blocks, negate=False)
    for layer in range(len(blocks)):
        _check_values(who, layer, seen.read[layer])
    _check_passed_on(who, seen, "what it reads from")
    _check_last(who, seen)
    written = watch(model, adapter, blocks, negate=True)
    _check_passed_on(who, written, "what it writes to")
    if torch.equal(written.last, seen.last):
        raise ModelError(f"{who}: what it writes to block {len(blocks) - 1}, the last, has no effect")


def _check_parts(who: str, layer: int, block: Module, adapter: ModelAdapter) -> None:
    inside = {id(module) for module in block.modules()} - {id(block)}
    attention, mlp = adapter.attention(block), adapter.mlp(block)
    for name, part in (("attention", attention), ("mlp", mlp)):
        if id(part) not in inside:
            raise ModelError(f"{who}: {name} of block {layer} is {type(part).__name__}, which is not in it")
    if attention is mlp:
        raise ModelError(f"{who}: attention and mlp of block {layer} are the same {type(mlp).__name__}")


def _check_values(who: str, layer: int, residual: Tensor) -> None:
    if not bool(torch.isfinite(residual).all()):
        dtype = str(residual.dtype).removeprefix("torch.")
        raise NumericError(
            f"{who}: the output of block {layer} is not finite in {dtype}: choose a wider dtype"
        )
    # the two rows differ in their last token only; the tolerance is for kernels that round by row
    difference = (residual[0] - residual[1]).float().norm(dim=-1)
    scale = residual.float().norm(dim=-1).max()
    if float(difference[:-1].max()) > 1e-2 * float(scale):
        raise ModelError(
            f"{who}: at block {layer} a token sees the tokens after it, expected a causal decoder"
        )


def _check_passed_on(who: str, seen: Seen, what: str) -> None:
    for layer in range(len(seen.read) - 1):
        received = seen.received[layer + 1]
        if not torch.equal(seen.read[layer], received):
            largest = _largest_difference(seen.read[layer], received)
            raise ModelError(
                f"{who}: {what} block {layer} is not what block {layer + 1} receives"
                f" (largest difference {largest:.3g})"
            )


def _check_last(who: str, seen: Seen) -> None:
    """The last block's output must lead to the reported hidden state, through a norm or unchanged."""
    final = max(seen.read)
    output = seen.read[final]
    pairs = [(output, output), *seen.norms]
    if not any(torch.equal(taken, output) and torch.equal(given, seen.last) for taken, given in pairs):
        raise ModelError(
            f"{who}: what it reads from block {final}, the last, does not give the model's last hidden"
            " state after the final norm"
        )


def _largest_difference(one: Tensor, other: Tensor) -> float:
    return float((one.float() - other.float()).abs().max()) if one.shape == other.shape else float("inf")
