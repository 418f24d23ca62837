"""PyTorch forward hooks, as context managers that always take their hooks away again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor
from torch.nn import Module

from steerkit_core.components import ModelAdapter
from steerkit_core.interventions import LayerEdit, apply_edit


@contextmanager
def observing(
    blocks: Sequence[Module], adapter: ModelAdapter, observe: Callable[[int, Tensor], None]
) -> Iterator[None]:
    """Call `observe(layer, residual)` with every block's output as it is computed.

    `residual` has shape (rows, tokens, hidden).
    """

    def hook_for(layer: int) -> Callable[..., None]:
        def hook(_module: Module, _arguments: Any, output: Any) -> None:
            observe(layer, adapter.read(output))

        return hook

    with ExitStack() as stack:
        for layer, block in enumerate(blocks):
            stack.callback(block.register_forward_hook(hook_for(layer)).remove)
        yield


@contextmanager
def editing(
    blocks: Sequence[Module], adapter: ModelAdapter, edits: Mapping[int, LayerEdit]
) -> Iterator[None]:
    """Edit the outputs of the blocks named in `edits` while the context lasts."""

    def hook_for(edit: LayerEdit) -> Callable[..., Any]:
        def hook(_module: Module, _arguments: Any, output: Any) -> Any:
            return adapter.write(output, apply_edit(adapter.read(output), edit))

        return hook

    with ExitStack() as stack:
        for layer, edit in edits.items():
            stack.callback(blocks[layer].register_forward_hook(hook_for(edit)).remove)
        yield
