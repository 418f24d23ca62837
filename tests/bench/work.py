"""The work that every way of steering is given: the same cells, prompts and numbers of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

if TYPE_CHECKING:
    from torch import Tensor

    from steerkit_core.model.handle import ModelHandle

DEPTHS = (0.3, 0.4, 0.5, 0.6, 0.7)
SHARES = (0.05, 0.1, 0.2)  # of the residual stream's length at the layer; enough to change most texts


@frozen(eq=False)
class Cell:
    """`shift`, of shape (hidden,), is added to the outputs of block `layer` and all after it."""

    layer: int
    shift: Tensor


@frozen(eq=False)
class Work:
    """Every prompt under every cell, `tokens` new tokens each."""

    cells: tuple[Cell, ...]
    prompts: tuple[Any, ...]
    encoded: tuple[tuple[int, ...], ...]
    tokens: int

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Indices of (cell, prompt), cell by cell."""
        yield from ((c, p) for c in range(len(self.cells)) for p in range(len(self.prompts)))

    def batches(self, pairs: Sequence[tuple[int, int]], size: int) -> Iterator[list[tuple[int, int]]]:
        """Pairs that are generated together, as steerkit cuts them: the longest prompts first, equal batches."""
        ordered = sorted(pairs, key=lambda pair: -len(self.encoded[pair[1]]))
        while ordered:
            count = -(-len(ordered) // size)
            rows = -(-len(ordered) // count)
            yield ordered[:rows]
            ordered = ordered[rows:]

    def shorter(self, tokens: int) -> Work:
        """The same with fewer new tokens."""
        return evolve(self, tokens=tokens)

    def some_cells(self, count: int) -> list[tuple[int, int]]:
        """All prompts of `count` cells that lie evenly among all."""
        chosen = {len(self.cells) * k // count for k in range(min(count, len(self.cells)))}
        return [pair for pair in self.pairs() if pair[0] in chosen]


@frozen
class Written:
    """What a way of steering wrote, and how long it took. `tokens` counts those that ended texts too."""

    seconds: float
    tokens: int
    texts: dict[tuple[int, int], tuple[int, ...]]

    @property
    def rate(self) -> float:
        """New tokens per second."""
        return self.tokens / self.seconds


def sweep(handle: ModelHandle, prompts: Sequence[Any], tokens: int) -> Work:
    """Five layers and three strengths along random directions, the same in every run."""
    import torch

    generator = torch.Generator().manual_seed(0)
    shape = (handle.num_layers, handle.hidden_size)
    directions = torch.nn.functional.normalize(torch.randn(shape, generator=generator), dim=-1)
    norms = handle.residual_norms(prompts)
    layers = [int(handle.num_layers * depth) for depth in DEPTHS]
    cells = [Cell(at, directions[at] * share * norms[at]) for at in layers for share in SHARES]
    return Work(tuple(cells), tuple(prompts), tuple(handle.encode(p) for p in prompts), tokens)


def without_end(ids: Sequence[int], ends: frozenset[int]) -> tuple[tuple[int, ...], int]:
    """New tokens up to the one that ends the text, and how many were made, with that one."""
    for place, token in enumerate(ids):
        if token in ends:
            return tuple(ids[:place]), place + 1
    return tuple(ids), len(ids)
