"""Partial forward passes over a list of prompts under many candidate interventions.

Nothing is written: what is wanted are activations of a few layers at a few tokens, or the logits behind
the last token, for every prompt under every candidate. A candidate that edits what block l is given leaves
everything below l as it was, so that its pass begins with the input of block l of the plain pass; where
logits are not asked for, a pass ends with the last layer that is read. The candidates that begin at one
block are rows of one batch.

A pass is the model's own forward pass, in which stand-ins take the places of the blocks that are not
needed. So masks, position embeddings, the final norm and all else that a family does outside of its blocks
stay the family's own business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import torch
from attrs import define, field, frozen
from torch import Tensor
from torch.nn import Module

from steerkit_core.backends import HooksBackend
from steerkit_core.errors import ModelError
from steerkit_core.generation import left_pad, positions_of
from steerkit_core.interventions import LayerEdit, Place, apply_edit, compile_edits
from steerkit_core.values import BlockModule, Edit, Intervention, Probe, Prompt

if TYPE_CHECKING:
    from steerkit_core.model import ModelHandle

PASS_TOKENS = 8192  # of all rows of a pass together, padding included
# the same on a CPU, where a larger pass outgrows the processor's cache and gets slower
CACHED_TOKENS = 1024
CACHE_BYTES = 2**30  # of the block inputs that are kept of one batch of prompts
LOGITS = 2**25  # numbers in the logits of one pass; reducing them takes several copies in float64
EVERYWHERE: tuple[BlockModule, ...] = ("input", "attention", "mlp")

Read = Callable[[Place, Tensor], None]


def kl_divergence(plain: Tensor, other: Tensor) -> Tensor:
    """`KL(p || q)` in nats, for the distributions p and q of the logits `plain` and `other`.

    Both have shape (..., vocabulary), or shapes that broadcast. Returns shape (...), float64.
    """
    p, q = (logits.double().log_softmax(dim=-1) for logits in (plain, other))
    return (p.exp() * (p - q)).sum(dim=-1)


def probed_means(
    model: ModelHandle,
    prompts: Sequence[Prompt],
    probes: Sequence[Probe],
    layers: Sequence[int],
    positions: Sequence[int] = (-1,),
) -> tuple[Tensor, Tensor]:
    """See `ModelHandle.probed_means`."""
    passes = Passes(model)
    shape = (len(layers), len(positions), model.hidden_size)
    plain = torch.zeros(shape, dtype=torch.float64, device=model.device)
    found = torch.zeros((len(probes), *shape), dtype=torch.float64, device=model.device)
    columns = torch.tensor(list(positions), device=model.device)
    last = max(layers)

    def adding(sums: Tensor, count: int) -> Read:
        """Add what is read, summed over the prompts, to `sums`, of shape (candidates, layers, ...)."""

        def read(place: Place, residual: Tensor) -> None:
            at = residual[:, columns].double()
            sums[:, layers.index(place.layer)] += at.view(count, -1, *at.shape[1:]).sum(dim=1)

        return read

    for batch in passes.batches(prompts, probes, last):
        passes.plain(batch, Reads(layers, adding(plain.unsqueeze(0), 1)))
        for chunk in batch.chunks(probes):
            many, start = len(chunk.indices), chunk.start
            sums = plain.new_zeros(many, *shape)
            passes.probed(batch, chunk, Reads([at for at in layers if at >= start], adding(sums, many)))
            found.index_add_(0, torch.tensor(chunk.indices, device=model.device), sums)
    # what lies below the block where a candidate begins is as it was
    for index, probe in enumerate(probes):
        for row, layer in enumerate(layers):
            if layer < (probe.layer or 0):
                found[index, row] = plain[row]
    return (plain / len(prompts)).cpu(), (found / len(prompts)).cpu()


def probed_logits(
    model: ModelHandle,
    prompts: Sequence[Prompt],
    probes: Sequence[Probe],
    compare: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """See `ModelHandle.probed_logits`."""
    passes = Passes(model)
    if not probes:
        return torch.empty(0, len(prompts))
    kept: list[list[Tensor | None]] = [[None] * len(prompts) for _ in probes]
    for batch in passes.batches(prompts, probes, None):
        plain = cast("Tensor", passes.plain(batch)).float()
        for chunk in batch.chunks(probes):
            logits = cast("Tensor", passes.probed(batch, chunk)).float()
            numbers = compare(plain, logits.view(len(chunk.indices), *plain.shape)).cpu()
            for probe, row in zip(chunk.indices, numbers, strict=True):
                for prompt, number in zip(batch.indices, row, strict=True):
                    kept[probe][prompt] = number
    return torch.stack([torch.stack([one for one in row if one is not None]) for row in kept])


@frozen(eq=False)
class Reads:
    """Which blocks' outputs a pass is made for, and what is done with each."""

    layers: Sequence[int]
    read: Read


@frozen(eq=False)
class Chunk:
    """Candidates that are rows of one batch: their indices, their edit, and the block they begin at."""

    indices: list[int]
    start: int
    modules: tuple[BlockModule, ...]
    edit: LayerEdit


@define(eq=False)
class Batch:
    """Prompts that go through the model together, and what is kept of their plain pass.

    `given[l]` is what block l was given, for the blocks where candidates begin; `last` the last block that
    is wanted, None where logits are.
    """

    indices: list[int]
    inputs: dict[str, Any]
    last: int | None
    starts: frozenset[int]
    compiled: Callable[[Sequence[Probe]], LayerEdit]
    most_tokens: int
    most_rows: int
    given: dict[int, Tensor] = field(factory=dict)

    def chunks(self, probes: Sequence[Probe]) -> Iterator[Chunk]:
        """The candidates, those that begin at one block together, as many as a pass holds."""
        rows, tokens = self.inputs["input_ids"].shape
        size = max(1, min(self.most_tokens // tokens, self.most_rows) // rows)
        groups: dict[int | None, list[int]] = {}
        for index, probe in enumerate(probes):
            groups.setdefault(probe.layer, []).append(index)
        for layer, members in groups.items():
            if self.last is not None and (layer or 0) > self.last:
                continue
            modules: tuple[BlockModule, ...] = EVERYWHERE if layer is None else ("input",)
            for begin in range(0, len(members), size):
                chosen = members[begin : begin + size]
                edit = self.compiled([probes[index] for index in chosen])
                yield Chunk(chosen, layer or 0, modules, edit)

    def repeated(self, times: int) -> dict[str, Any]:
        """The inputs for every candidate: all prompts of the first one, then all of the next."""
        return {
            name: value.repeat(times, 1) if isinstance(value, Tensor) else value
            for name, value in self.inputs.items()
        }


@define(eq=False, slots=False)
class Passes:
    """The passes of one model. Between two of them the model is as it was: no hook and no stand-in stays.

    Raises:
        ModelError: the model is on a server, or its blocks cannot be left out.
    """

    handle: ModelHandle
    form: Any = None

    def __attrs_post_init__(self) -> None:
        if self.handle.spec.remote or self.handle.model.device.type == "meta":
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

    def batches(
        self, prompts: Sequence[Prompt], probes: Sequence[Probe], last: int | None
    ) -> Iterator[Batch]:
        """The prompts, longest first, in batches of which everything that is kept fits into memory."""
        model = self.handle
        reached = model.num_layers - 1 if last is None else last
        starts = frozenset(probe.layer for probe in probes if probe.layer and probe.layer <= reached)
        wide = model.hidden_size * torch.empty(0, dtype=model.stream_dtype).element_size()
        most_tokens = min(PASS_TOKENS, CACHED_TOKENS) if model.device.type == "cpu" else PASS_TOKENS
        tokens = min(most_tokens, CACHE_BYTES // (wide * max(1, len(starts))))
        most_rows = most_tokens if last is not None else max(1, LOGITS // int(model.config.vocab_size))
        order = sorted(range(len(prompts)), key=lambda index: -len(model.encode(prompts[index])))
        while order:
            size = max(1, min(tokens // len(model.encode(prompts[order[0]])), most_rows))
            chosen, order = order[:size], order[size:]
            ids, mask = left_pad(
                [model.encode(prompts[index]) for index in chosen], model.pad_id, model.device
            )
            inputs = {
                "input_ids": ids,
                "attention_mask": mask,
                "position_ids": positions_of(mask),
                "use_cache": False,
            }
            yield Batch(chosen, inputs, last, starts, self._compiled, most_tokens, most_rows)

    def _compiled(self, probes: Sequence[Probe]) -> LayerEdit:
        """One row for each candidate. A candidate's edit is the same wherever it applies."""
        model, place = self.handle, Place(0, "input")
        rows = [
            Intervention((Edit(0, probe.add, probe.unit, probe.gain, place.module),)) for probe in probes
        ]
        edits = compile_edits(
            rows, "prompt", width=model.width, dtype=model.stream_dtype, device=model.device
        )
        return edits[place]

    def plain(self, batch: Batch, reads: Reads | None = None) -> Tensor | None:
        """The pass without an intervention, which keeps what it gives the blocks where candidates begin."""
        functions: dict[Place, Callable[[Tensor], Tensor | None]] = {
            Place(layer, "input"): _looking(batch.given.__setitem__, layer) for layer in batch.starts
        }
        return self._pass(batch, batch.inputs, 0, None, functions, reads)

    def probed(self, batch: Batch, chunk: Chunk, reads: Reads | None = None) -> Tensor | None:
        """The pass of some candidates on all prompts of the batch, from the block where they begin."""
        many = len(chunk.indices)
        rows = len(batch.indices)
        edit = chunk.edit.select(torch.arange(many, device=self.handle.device).repeat_interleave(rows))
        end = self.handle.num_layers - 1 if batch.last is None else batch.last
        edited = range(chunk.start, end + 1) if len(chunk.modules) > 1 else (chunk.start,)
        functions = {
            Place(layer, module): (lambda found: apply_edit(found, edit))
            for layer in edited
            for module in chunk.modules
        }
        given = batch.given[chunk.start].repeat(many, 1, 1) if chunk.start else None
        return self._pass(batch, batch.repeated(many), chunk.start, given, functions, reads)

    @torch.inference_mode()
    def _pass(
        self,
        batch: Batch,
        inputs: Mapping[str, Any],
        start: int,
        given: Tensor | None,
        functions: Mapping[Place, Callable[[Tensor], Tensor | None]],
        reads: Reads | None,
    ) -> Tensor | None:
        """One pass from block `start` to the last that is wanted; the logits behind it, if these are."""
        looks = {} if reads is None else {at: _looking(reads.read, at) for at in _outputs(reads.layers)}
        hooked = {**functions, **looks}
        # the hooks first: an adapter that looks for the blocks would not know the stand-ins
        with self.hooks.hooked(hooked), self._only(start, batch.last, given):
            if batch.last is not None:
                self.hooks.decoder(**inputs)
                return None
            found = cast("Any", self.handle.model)(**inputs, logits_to_keep=1)
            return cast("Tensor", found.logits[:, -1])

    @contextmanager
    def _only(self, start: int, last: int | None, given: Tensor | None) -> Iterator[None]:
        """Leave out the blocks below `start`, in whose place `given` is given, and those above `last`."""
        blocks, put = list(self.handle.blocks), []
        end = len(blocks) if last is None else last + 1
        learning = blocks[0].register_forward_hook(self._learn_form) if self.form is None else None
        try:
            for index in (*range(start), *range(end, len(blocks))):
                parent, name = self.slots[index]
                put.append((parent, name, blocks[index]))
                parent.add_module(name, StandIn(blocks[index], self, given if index < start else None))
            yield
        finally:
            for parent, name, block in put:
                parent.add_module(name, block)
            if learning is not None:
                learning.remove()

    def _learn_form(self, _block: Module, _arguments: Any, output: Any) -> None:
        """Remember whether blocks return the residual stream alone, or as the first of several things."""
        rest = output[1:] if isinstance(output, tuple) else ()
        if any(isinstance(part, Tensor) for part in rest):
            raise self._cannot("they give more than the residual stream to each other")
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
    """Takes a block's place and computes nothing: it gives `stream`, or else what it is given."""

    def __init__(self, block: Module, passes: Passes, stream: Tensor | None) -> None:
        super().__init__()
        self.block = block
        self.written = passes.written
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        """What a decoder wants to know of a block, such as the kind of its attention."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("block"), name)

    def forward(self, hidden_states: Tensor, *_arguments: Any, **_options: Any) -> Any:
        """The residual stream, untouched."""
        return self.written(hidden_states if self.stream is None else self.stream)


def _outputs(layers: Sequence[int]) -> list[Place]:
    return [Place(layer, "residual") for layer in layers]


def _looking(read: Callable[[Any, Tensor], None], at: Any) -> Callable[[Tensor], None]:
    return lambda found: read(at, found)
