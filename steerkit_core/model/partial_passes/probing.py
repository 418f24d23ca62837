"""Partial forward passes over a list of prompts under many candidate interventions.

Nothing is written: what is wanted are activations of a few layers at a few tokens, or the logits behind
the last token, for every prompt under every candidate. A candidate that edits what block l is given leaves
everything below l as it was, so that its rows join a pass at block l, with what the plain pass has given
that block; where logits are not asked for, a pass ends with the last layer that is read.

Prompts are padded on the right, where causal attention needs no mask: what a model does outside of its
blocks is the same for all rows, and is done for one. The tokens with which all prompts begin are computed
once for each candidate, and the prompts' own tokens attend to their keys and values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import torch
from attrs import define, field, frozen
from torch import Tensor
from transformers import DynamicCache

from steerkit_core.generation.batch_edits import compile_edits
from steerkit_core.generation.edits import HookPoint
from steerkit_core.model.activations import check_finite
from steerkit_core.model.backends import Inputs
from steerkit_core.model.forward import check_positions
from steerkit_core.model.partial_passes.chunks import Area, Batch, Candidates, Chunk, pieces
from steerkit_core.model.partial_passes.partial_model import PartialModel
from steerkit_core.model.partial_passes.prefix_cache import prefix_cache
from steerkit_core.values import BlockModule, Edit, Intervention, Probe, Prompt

if TYPE_CHECKING:
    from steerkit_core.model.engine import Engine

PASS_TOKENS = 8192  # of all rows of a pass together, padding included
# the same on a CPU, where a larger pass outgrows the processor's cache and gets slower
CACHED_TOKENS = 1024
CACHE_BYTES = 2**30  # of the block inputs that are kept of one batch of prompts, and of a prefix's keys
LOGITS = 2**25  # numbers in the logits of one pass; reducing them takes several copies in float64
SMALL = 16  # a pass of its own costs about as much as this part of the tokens that a pass may have
EVERYWHERE: tuple[BlockModule, ...] = ("input", "attention", "mlp")

Read = Callable[[int, Tensor], None]
Functions = dict[HookPoint, Callable[[Tensor], Tensor | None]]


def probed_means(
    model: Engine,
    prompts: Sequence[Prompt],
    probes: Sequence[Probe],
    layers: Sequence[int],
    positions: Sequence[int] = (-1,),
) -> tuple[Tensor, Tensor]:
    """See `Model.probed_means`."""
    check_positions(model, prompts, positions)
    passes = Passes(model, probes, max(layers), tuple(positions))
    shape = (len(layers), len(positions), model.hidden_size)
    plain = torch.zeros(shape, dtype=torch.float64, device=model.device)
    found = torch.zeros((len(probes), *shape), dtype=torch.float64, device=model.device)

    def add_plain(layer: int, read: Tensor) -> None:
        plain[layers.index(layer)] += read[0].double().sum(dim=0)

    for batch in passes.batches(prompts):
        passes.plain(batch, Reads(layers, add_plain))
        for chunk in passes.chunks(batch):

            def add(layer: int, read: Tensor, indices: list[int] = chunk.indices) -> None:
                found[indices[: len(read)], layers.index(layer)] += read.double().sum(dim=1)

            passes.probed(batch, chunk, Reads([at for at in layers if at >= chunk.start], add))
    # what lies below the block where a candidate begins is as it was
    for index, probe in enumerate(probes):
        for row, layer in enumerate(layers):
            if layer < (probe.layer or 0):
                found[index, row] = plain[row]
    means = (plain / len(prompts)).cpu()
    check_finite(model, means.permute(1, 0, 2).unsqueeze(0), layers)
    return means, (found / len(prompts)).cpu()


def probed_logits(
    model: Engine,
    prompts: Sequence[Prompt],
    probes: Sequence[Probe],
    compare: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """See `Model.probed_logits`."""
    passes = Passes(model, probes, None)
    if not probes:
        return torch.empty(0, len(prompts))
    kept: list[list[Tensor | None]] = [[None] * len(prompts) for _ in probes]
    for batch in passes.batches(prompts):
        plain = cast("Tensor", passes.plain(batch)).float()
        for chunk in passes.chunks(batch):
            logits = cast("Tensor", passes.probed(batch, chunk)).float()
            rows = chunk.area.rows
            numbers = compare(plain[rows], logits.view(len(chunk.indices), -1, logits.shape[-1])).cpu()
            for probe, row in zip(chunk.indices, numbers, strict=True):
                for prompt, number in zip(batch.indices[rows], row, strict=True):
                    kept[probe][prompt] = number
    return torch.stack([torch.stack([one for one in row if one is not None]) for row in kept])


@frozen(eq=False)
class Reads:
    """Which blocks' outputs a pass is made for, and what is done with each.

    `read` gets a layer and what is asked for of it, (candidates, prompts, positions, hidden).
    """

    layers: Sequence[int]
    read: Read


@define(eq=False, slots=False)
class Passes:
    """The passes for some candidates. `last` is the last block that is wanted, None where logits are.

    Raises:
        ModelError: the model is on a server, or its blocks cannot be left out.
    """

    handle: Engine
    probes: Sequence[Probe]
    last: int | None
    positions: tuple[int, ...] = (-1,)
    model: PartialModel = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.model = PartialModel(self.handle)

    @cached_property
    def end(self) -> int:
        """The last block that is needed."""
        return self.handle.num_layers - 1 if self.last is None else self.last

    @cached_property
    def starts(self) -> list[int]:
        """The blocks where candidates begin, as far as they are reached."""
        return sorted({probe.layer or 0 for probe in self.probes if (probe.layer or 0) <= self.end})

    @cached_property
    def most_tokens(self) -> int:
        """Of all rows of a pass together."""
        return min(PASS_TOKENS, CACHED_TOKENS) if self.handle.device.type == "cpu" else PASS_TOKENS

    @cached_property
    def most_rows(self) -> int:
        """Of a pass."""
        if self.last is not None:
            return self.most_tokens
        return max(1, LOGITS // int(self.handle.config.vocab_size))

    @property
    def _token_bytes(self) -> int:
        """What one token takes in the stream."""
        return self.handle.hidden_size * self.handle.stream_dtype.itemsize

    @cached_property
    def candidates(self) -> list[Candidates]:
        """All of them; those that begin at unlike blocks apart, where blocks need inputs for all rows."""
        groups: dict[Any, list[int]] = {}
        for index, probe in enumerate(self.probes):
            if (probe.layer or 0) <= self.end:
                joins = probe.layer is not None and self.model.one_row
                groups.setdefault("joins" if joins else probe.layer, []).append(index)
        return [self._compiled(members) for members in groups.values()]

    def _compiled(self, members: list[int]) -> Candidates:
        """A candidate's edit is the same wherever it applies."""
        members = sorted(members, key=lambda index: self.probes[index].layer or 0)
        chosen = [self.probes[index] for index in members]
        model, point = self.handle, HookPoint(0, "input")
        rows = [
            Intervention((Edit(0, probe.add, probe.unit, probe.gain, point.module),)) for probe in chosen
        ]
        edits = compile_edits(
            rows, "prompt", width=model.width, dtype=model.stream_dtype, device=model.device
        )
        modules: tuple[BlockModule, ...] = EVERYWHERE if chosen[0].layer is None else ("input",)
        return Candidates(members, [probe.layer or 0 for probe in chosen], modules, edits[point])

    def batches(self, prompts: Sequence[Prompt]) -> Iterator[Batch]:
        """The prompts, longest first, in batches of which everything that is kept fits into memory."""
        tokens = min(self.most_tokens, CACHE_BYTES // (self._token_bytes * max(1, len(self.starts))))
        encoded = [self.handle.encode(prompt) for prompt in prompts]
        order = sorted(range(len(prompts)), key=lambda index: -len(encoded[index]))
        while order:
            size = max(1, min(tokens // len(encoded[order[0]]), self.most_rows))
            chosen, order = order[:size], order[size:]
            lengths = [len(encoded[index]) for index in chosen]
            ids = torch.full((len(chosen), lengths[0]), self.handle.pad_id)
            for row, index in enumerate(chosen):
                ids[row, : lengths[row]] = torch.tensor(encoded[index])
            yield Batch(chosen, ids.to(self.handle.device), lengths)

    def chunks(self, batch: Batch) -> Iterator[Chunk]:
        """What goes through the model together, after the plain pass: as much as a pass holds."""
        for candidates, keys, begin in self._behind_prefixes(batch):
            many = len(candidates.indices)
            for area in batch.areas(begin, least=self._least / many):
                rows, tokens = len(area.ends), area.tokens.stop - begin
                size = max(1, min(self.most_tokens // tokens, self.most_rows) // rows)
                for piece in pieces(many, size):
                    prefix = prefix_cache(keys, piece, rows, begin) if keys else None
                    yield Chunk(candidates[piece], area, prefix)

    def _behind_prefixes(self, batch: Batch) -> Iterator[tuple[Candidates, DynamicCache | None, int]]:
        """Candidates, with the keys and values of the tokens that all prompts share, and their number."""
        for candidates in self.candidates:
            many, begin = len(candidates.indices), 0
            if self.model.keeps_keys:
                begin = min(batch.shared(), batch.lengths[-1] + min(self.positions))
            if begin * many * (len(batch.lengths) - 1) <= self._least:
                yield candidates, None, 0
                continue
            kept = 2 * self._token_bytes * self.handle.num_layers * begin
            for piece in pieces(many, max(1, min(PASS_TOKENS // begin, CACHE_BYTES // kept))):
                yield candidates[piece], self._keys(batch, candidates[piece], begin), begin

    @property
    def _least(self) -> int:
        """How many tokens a pass more has to save."""
        return self.most_tokens // SMALL

    def _keys(self, batch: Batch, candidates: Candidates, begin: int) -> DynamicCache:
        """Keys and values of the tokens before `begin`, one row for each candidate."""
        cache = DynamicCache()
        chunk = Chunk(candidates, batch.area(slice(0, 1), slice(0, begin)), cache)
        self.model.run(
            self._inputs(batch, chunk), chunk.start, self.end, self._edits(batch, chunk), chunk.area.last
        )
        return cache

    def plain(self, batch: Batch, reads: Reads | None = None) -> Tensor | None:
        """The pass without an intervention, which keeps what it gives the blocks where candidates begin."""

        def keep(layer: int) -> Callable[[Tensor], None]:
            return lambda found: batch.given.__setitem__(layer, found)

        inputs = {"input_ids": batch.ids, "use_cache": False}
        area = batch.area(slice(0, len(batch.lengths)), slice(0, batch.lengths[0]))
        functions: Functions = {HookPoint(layer, "input"): keep(layer) for layer in self.starts}
        return self._run(inputs, 0, functions, area, reads)

    def probed(self, batch: Batch, chunk: Chunk, reads: Reads | None = None) -> Tensor | None:
        """The pass of some candidates on some prompts, from the block where the first of them begins."""
        edits = self._edits(batch, chunk)
        return self._run(self._inputs(batch, chunk), chunk.start, edits, chunk.area, reads)

    def _run(
        self,
        inputs: Inputs,
        start: int,
        functions: Functions,
        area: Area,
        reads: Reads | None,
    ) -> Tensor | None:
        """A pass that reads, or gives the logits behind the last token of each row."""

        def look(layer: int, read: Read) -> Callable[[Tensor], None]:
            return lambda found: read(layer, area.at(found, self.positions))

        looks: Functions = {}
        if reads is None:
            # the model's own head takes the last token
            looks[HookPoint(self.end)] = lambda found: area.last(found).expand_as(found)
        else:
            looks = {HookPoint(layer): look(layer, reads.read) for layer in reads.layers}
        tail = area.last if self.positions == (-1,) else None
        return self.model.run(inputs, start, self.last, {**functions, **looks}, tail)

    def _inputs(self, batch: Batch, chunk: Chunk) -> Inputs:
        """What the model is given: one row, or all of them where its blocks need that."""
        ids = batch.ids[chunk.area.rows, chunk.area.tokens]
        ids = ids[:1] if self.model.one_row else ids.repeat(len(chunk.indices), 1)
        return {
            "input_ids": ids,
            "past_key_values": chunk.prefix,
            "use_cache": chunk.prefix is not None,
        }

    def _edits(self, batch: Batch, chunk: Chunk) -> Functions:
        """The rows of each candidate join where it begins, and are edited."""
        area, candidates = chunk.area, chunk.candidates

        def join(layer: int) -> Callable[[Tensor], Tensor]:
            new = candidates.joining(layer)
            given = batch.given[layer][area.rows, area.tokens]

            def joined(found: Tensor) -> Tensor:
                rows = new.edited(given.expand(len(new.indices), *given.shape)).flatten(0, 1)
                return rows if layer == chunk.start else torch.cat((found, rows))

            return joined

        def edited(found: Tensor) -> Tensor:
            rows = found.reshape(len(candidates.indices), -1, *found.shape[1:])
            return candidates.edited(rows).flatten(0, 1)

        functions: Functions = {}
        if len(candidates.modules) > 1:
            for layer in range(self.end + 1):
                functions |= {HookPoint(layer, module): edited for module in candidates.modules}
        return functions | {HookPoint(layer, "input"): join(layer) for layer in set(candidates.starts)}
