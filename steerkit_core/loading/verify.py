"""Proof, on a tiny forward pass, that an adapter reads and writes the residual stream of a model.

A block that is off by one, a read that takes row 0 for the batch, or a write that is lost would all give
plausible numbers. Each shows here, at load.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from attrs import field, mutable
from torch import Tensor

from steerkit_core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch.nn import Module
    from transformers import PreTrainedModel

    from steerkit_core.components import ModelAdapter

TOKENS = 5


def verify(model: PreTrainedModel, adapter: ModelAdapter) -> None:
    """Run a batch of two rows of five tokens, once as it is and once with every block's output negated.

    Checked are: the number of blocks; that attention and MLP lie inside their block; that what is read
    from block l has the shape (rows, tokens, hidden), is finite, sees no later token, and is exactly what
    block l+1 receives; that the last block's output, through the final norm, is the last hidden state
    that transformers reports; and that what is written is exactly what the next block receives.

    Raises:
        ModelError: one of these does not hold; the message names adapter, block and what was found.
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
    seen = _watch(model, adapter, blocks, config.hidden_size, negate=False)
    for layer in range(len(blocks)):
        _check_values(who, layer, seen.read[layer])
    _check_passed_on(who, seen, "what it reads from")
    _check_last(who, seen)
    written = _watch(model, adapter, blocks, config.hidden_size, negate=True)
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


@mutable
class _Seen:
    """What passed in one forward: per block what was read or written and what the block received."""

    read: dict[int, Tensor] = field(factory=dict)
    received: dict[int, Tensor] = field(factory=dict)
    norms: list[tuple[Tensor, Tensor]] = field(factory=list)
    last: Tensor = field(factory=lambda: torch.empty(0))


def _watch(
    model: PreTrainedModel, adapter: ModelAdapter, blocks: Sequence[Module], hidden: int, *, negate: bool
) -> _Seen:
    """Run the model with hooks; `negate` replaces the output of every block by its negative."""
    seen = _Seen()
    shape = (2, TOKENS, hidden)

    def receive(layer: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.received[layer] = (args[0] if args else kwargs["hidden_states"]).detach().clone()

    def read(layer: int, output: Any) -> Any:
        residual = adapter.read(output)
        found = tuple(residual.shape) if isinstance(residual, torch.Tensor) else type(residual).__name__
        if found != shape:
            raise ModelError(
                f"model adapter {adapter.name!r} reads {found} from block {layer}, expected a tensor of"
                f" shape {shape}: rows, tokens, hidden"
            )
        # a negative is exact in every dtype, differs everywhere, and cannot overflow
        seen.read[layer] = (-residual if negate else residual).detach().clone()
        return adapter.write(output, seen.read[layer].clone()) if negate else None

    def norm(inputs: tuple[Any, ...], output: Any) -> None:
        if inputs and all(isinstance(value, torch.Tensor) for value in (inputs[0], output)):
            seen.norms.append((inputs[0].detach().clone(), output.detach().clone()))

    within = {id(module) for block in blocks for module in block.modules()}
    outside = [
        module
        for module in model.modules()
        if "norm" in type(module).__name__.lower() and id(module) not in within
    ]
    with _hooks() as handles:
        for layer, block in enumerate(blocks):
            handles.append(
                block.register_forward_pre_hook(
                    lambda _block, args, kwargs, at=layer: receive(at, args, kwargs), with_kwargs=True
                )
            )
            handles.append(
                block.register_forward_hook(lambda _block, _args, output, at=layer: read(at, output))
            )
        for module in outside:
            handles.append(module.register_forward_hook(lambda _norm, args, output: norm(args, output)))
        ids = torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 8, 10]], device=model.device)
        with torch.no_grad():
            result = model(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                output_hidden_states=True,
                use_cache=False,
            )
    seen.last = result.hidden_states[-1]
    return seen


@contextmanager
def _hooks() -> Iterator[list[Any]]:
    handles: list[Any] = []
    try:
        yield handles
    finally:
        for handle in handles:
            handle.remove()


def _check_values(who: str, layer: int, residual: Tensor) -> None:
    if not bool(torch.isfinite(residual).all()):
        dtype = str(residual.dtype).removeprefix("torch.")
        raise ModelError(
            f"{who}: the output of block {layer} is not finite in {dtype}: choose a wider dtype"
        )
    # the two rows differ in their last token only; the tolerance is for kernels that round by row
    difference = (residual[0] - residual[1]).float().norm(dim=-1)
    scale = residual.float().norm(dim=-1).max()
    if float(difference[:-1].max()) > 1e-2 * float(scale):
        raise ModelError(
            f"{who}: at block {layer} a token sees the tokens after it, expected a causal decoder"
        )


def _check_passed_on(who: str, seen: _Seen, what: str) -> None:
    for layer in range(len(seen.read) - 1):
        received = seen.received[layer + 1]
        if not torch.equal(seen.read[layer], received):
            largest = _largest_difference(seen.read[layer], received)
            raise ModelError(
                f"{who}: {what} block {layer} is not what block {layer + 1} receives"
                f" (largest difference {largest:.3g})"
            )


def _check_last(who: str, seen: _Seen) -> None:
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
