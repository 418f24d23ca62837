"""Shifts of the residual stream during training that say nothing about harmful or harmless.

Steering adds one vector to every token. A small model that never met such a shift loses its words at
once, whatever the vector means. So part of the rows is trained under one: the difference of the last-token
residuals of two requests of the SAME mode. It carries what the requests were about, never whether to refuse,
and the right answer stays what it was. No steering direction is extracted or used here.
"""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from attrs import define, field
from torch import Tensor, nn
from transformers import PreTrainedModel

MEMORY = 200
ENOUGH = 40
STRONGEST = 2.0


@define
class Shifts:
    """Remembers last-token residuals of both modes, [blocks, width] each, and draws shifts from them."""

    rng: random.Random
    share: float
    memory: dict[bool, list[Tensor]] = field(factory=lambda: {True: [], False: []})

    def remember(self, residuals: Tensor, *, harmful: bool) -> None:
        """Keep one request's residuals, forgetting the oldest."""
        self.memory[harmful] = [*self.memory[harmful], residuals][-MEMORY:]

    def draw(self, rows: int, blocks: int, width: int) -> tuple[Tensor, Tensor]:
        """For each row a shift, [rows, width], and the block where it starts, [rows]; many are zero.

        By the last block a shift adds up to at most twice the distance of two requests of different modes.
        """
        shifts, starts = torch.zeros(rows, width), torch.zeros(rows, dtype=torch.long)
        if min(map(len, self.memory.values())) < ENOUGH:
            return shifts, starts
        for row in range(rows):
            start = self.rng.randint(2, int(blocks * 0.7))
            starts[row] = start
            if self.rng.random() < self.share:
                one, other = self.rng.sample(self.memory[self.rng.random() < 0.5], 2)
                gap = self.rng.choice(self.memory[True]) - self.rng.choice(self.memory[False])
                size = gap[start].norm() * self.rng.random() * STRONGEST / (blocks - start)
                shifts[row] = nn.functional.normalize(one[start] - other[start], dim=0) * size
        return shifts, starts


@contextmanager
def shifted(model: PreTrainedModel, shifts: Tensor, starts: Tensor) -> Iterator[list[Tensor]]:
    """Add each row's shift to the outputs of its blocks. Yields the outputs, [rows, length, width] each."""
    outputs: list[Tensor] = []

    def hook(block: int) -> object:
        def add(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
            outputs.append(output.detach().float())
            return output + (shifts * (starts <= block)[:, None])[:, None].to(output.dtype)

        return add

    with ExitStack() as hooks:
        for block, module in enumerate(model.model.layers):
            hooks.callback(module.register_forward_hook(hook(block)).remove)
        yield outputs


@contextmanager
def masked_early(model: PreTrainedModel, blocks: int, mask: Tensor) -> Iterator[None]:
    """Give the first blocks another attention mask than the rest."""

    def replace(_module: nn.Module, inputs: tuple[object, ...], named: dict[str, object]) -> object:
        return inputs, {**named, "attention_mask": mask}

    with ExitStack() as hooks:
        for module in model.model.layers[:blocks]:
            hooks.callback(module.register_forward_pre_hook(replace, with_kwargs=True).remove)
        yield
