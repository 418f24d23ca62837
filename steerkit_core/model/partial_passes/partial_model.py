"""A model's own forward pass with some of its blocks left out.

Stand-ins take the places of the blocks that are not needed, so that masks, position embeddings, the final
norm and all else that a family does outside of its blocks stay the family's own business. Between two
passes the model is as it was: no hook and no stand-in stays.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import torch
from attrs import define
from torch import Tensor
from torch.nn import Module
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from steerkit_core.errors import ModelError
from steerkit_core.generation.edits import HookPoint
from steerkit_core.model.backends import HooksBackend, Inputs

if TYPE_CHECKING:
    from steerkit_core.model.engine import Engine

# what blocks are given besides the stream that depends on the tokens' places alone, not on the tokens
TOKEN_PLACES = {
    "attention_mask",
    "position_ids",
    "position_embeddings",
    "cache_position",
    "past_key_values",
}


@define(eq=False, slots=False)
class PartialModel:
    """The passes of one model through some of its blocks.

    Raises:
        ModelError: the model is on a server, or its blocks cannot be left out.
    """

    handle: Engine
    form: Any = None
    one_row: bool = False
    """Whether blocks take from a pass of one row what they are given besides the stream; known after the
    first pass through block 0."""

    def __attrs_post_init__(self) -> None:
        if self.handle.spec.remote:
            raise ModelError(
                f"{self.handle.spec.id} is on a server: candidates are compared by passes through some of"
                " the blocks, which only a model that is loaded here can do"
            )

    @cached_property
    def hooks(self) -> HooksBackend:
        """Plain hooks, whatever the backend: what nnsight has wrapped works as before out of traces."""
        return HooksBackend(self.handle.model, self.handle.adapter)

    @cached_property
    def slots(self) -> list[tuple[Module, str]]:
        """Where each block hangs: its parent, and the name that it has there."""
        model = cast("Module", self.handle.model)
        where = {
            id(child): (parent, name)
            for parent in model.modules()
            for name, child in parent.named_children()
        }
        if any(id(block) not in where for block in self.handle.blocks):
            raise self._cannot("they are not modules of the model")
        return [where[id(block)] for block in self.handle.blocks]

    @cached_property
    def keeps_keys(self) -> bool:
        """Whether a prefix can be shared: all that blocks know of earlier tokens are keys and values."""
        layers = DynamicCache(config=self.handle.config).layers
        return self.one_row and all(
            type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers
        )

    @torch.inference_mode()
    def run(
        self,
        inputs: Inputs,
        start: int,
        last: int | None,
        functions: Mapping[HookPoint, Callable[[Tensor], Tensor | None]],
        tail: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor | None:
        """A pass from block `start` to block `last`; the logits behind it where `last` is None.

        Args:
            inputs: what the model is given. Below `start` only the embedding is computed of it; the stream
                that block `start` works on is for a function at its input to bring.
            start: the first block.
            last: the last block.
            functions: what is called with the tensors at some hook points, and may return others.
            tail: takes the token that matters out of each row of (rows, tokens, width), as (rows, 1,
                width). With it the last block's output projection and MLP work on these tokens alone, and
                what the block gives is right at these alone.
        """
        end = self.handle.num_layers - 1 if last is None else last
        # the hooks first: an adapter that looks for the blocks would not know the stand-ins
        with self.hooks.hooked(functions), self._tail(end, tail), self._only(start, end):
            if last is not None:
                self.hooks.decoder(**inputs)
                return None
            found = cast("Any", self.handle.model)(**inputs, logits_to_keep=1)
            return cast("Tensor", found.logits[:, -1])

    @contextmanager
    def _only(self, start: int, end: int) -> Iterator[None]:
        """Leave out the blocks below `start` and those above `end`."""
        blocks, put = list(self.handle.blocks), []
        with ExitStack() as stack:
            if self.form is None:
                first = blocks[0]
                stack.callback(first.register_forward_hook(self._learn_form, with_kwargs=True).remove)
            try:
                for index in (*range(start), *range(end + 1, len(blocks))):
                    parent, name = self.slots[index]
                    put.append((parent, name, blocks[index]))
                    parent.add_module(name, StandIn(blocks[index], self))
                yield
            finally:
                for parent, name, block in put:
                    parent.add_module(name, block)

    @contextmanager
    def _tail(self, last: int, tail: Callable[[Tensor], Tensor] | None) -> Iterator[None]:
        """Give the output projection and the MLP of the last block only the tokens that matter.

        What these return is broadcast where the block adds it to the stream.
        """

        def before(_module: Any, arguments: tuple[Any, ...]) -> Any:
            return (cast("Any", tail)(arguments[0]), *arguments[1:])

        with ExitStack() as stack:
            for module in self._by_token(last) if tail is not None else ():
                stack.callback(module.register_forward_pre_hook(before).remove)
            yield

    def _by_token(self, layer: int) -> list[Module]:
        """The modules of a block that treat each token for itself, as far as the adapter finds them."""
        adapter, block = self.handle.adapter, self.handle.blocks[layer]
        try:
            return [adapter.output_projection(adapter.attention(block)), adapter.mlp(block)]
        except ModelError:  # then the block does all of its work
            return []

    def _learn_form(self, block: Module, arguments: Any, options: Any, output: Any) -> None:
        """Remember what blocks return, the residual stream alone or as the first of several things.

        And whether anything that they are given besides it depends on the tokens themselves.
        """
        rest = output[1:] if isinstance(output, tuple) else ()
        if any(isinstance(part, Tensor) for part in rest):
            raise self._cannot("they give more than the residual stream to each other")
        # the class's own, as nnsight replaces that of the module
        _, _, *names = inspect.signature(type(block).forward).parameters
        given = dict(zip(names, arguments[1:], strict=False)) | options
        told = {name for name, value in given.items() if isinstance(value, Tensor | tuple | list | dict)}
        self.one_row = "past_key_values" in given and told <= TOKEN_PLACES
        stream = self.handle.adapter.read(output)
        self.form = self.handle.adapter.write(output, stream.new_empty(0))

    def written(self, stream: Tensor) -> Any:
        """The residual stream in the form in which blocks return it."""
        return self.handle.adapter.write(self.form, stream)

    def _cannot(self, why: str) -> ModelError:
        kind = type(self.handle.model).__name__
        return ModelError(
            f"candidates cannot be compared in {kind}: some of its blocks cannot be left out, {why}"
        )


class StandIn(Module):
    """Takes a block's place and computes nothing: it gives what it is given."""

    def __init__(self, block: Module, model: PartialModel) -> None:
        super().__init__()
        self.block = block
        self.written = model.written

    def __getattr__(self, name: str) -> Any:
        """What a decoder wants to know of a block, such as the kind of its attention."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("block"), name)

    def forward(self, hidden_states: Tensor, *_arguments: Any, **_options: Any) -> Any:
        """The residual stream, untouched."""
        return self.written(hidden_states)
