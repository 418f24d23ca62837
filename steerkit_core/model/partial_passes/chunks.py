"""What goes through a model together: candidates, and some rows and tokens of a batch of prompts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from attrs import define, field, frozen
from torch import Tensor

from steerkit_core.generation.edits import LayerEdit, apply_edit
from steerkit_core.values import BlockModule


@frozen(eq=False)
class Candidates:
    """Candidates that are edited in the same modules, by the block where they begin.

    `starts` are these blocks, in rising order, and `edit` has one row for each.
    """

    indices: list[int]
    starts: list[int]
    modules: tuple[BlockModule, ...]
    edit: LayerEdit

    def __getitem__(self, which: slice) -> Candidates:
        parts = (part if part is None else part[which] for part in self.edit.parts)
        return Candidates(self.indices[which], self.starts[which], self.modules, LayerEdit(*parts))

    def joining(self, layer: int) -> Candidates:
        """Those that begin at a block."""
        return self[bisect_left(self.starts, layer) : bisect_right(self.starts, layer)]

    def edited(self, stream: Tensor) -> Tensor:
        """Edit (candidates, prompts, tokens, width)."""
        parts = (part if part is None else part.unsqueeze(1) for part in self.edit.parts)
        return apply_edit(stream, LayerEdit(*parts))


@frozen(eq=False)
class Area:
    """Some rows and some tokens of a batch. `ends` says which of its tokens is the last of each row."""

    rows: slice
    tokens: slice
    ends: Tensor

    def at(self, found: Tensor, positions: Sequence[int] = (-1,)) -> Tensor:
        """Tokens by their distance from a row's end, out of (candidates x rows, tokens, width).

        Returns (candidates, rows, positions, width).
        """
        rows = torch.arange(len(self.ends), device=found.device).unsqueeze(1)
        columns = self.ends.unsqueeze(1) + torch.tensor([one + 1 for one in positions], device=found.device)
        by_candidate = found.reshape(-1, len(self.ends), *found.shape[1:])
        return by_candidate[:, rows, columns]

    def last(self, found: Tensor) -> Tensor:
        """The last token of each row, (candidates x rows, 1, width)."""
        return self.at(found).flatten(0, 1)


@frozen(eq=False)
class Chunk:
    """Candidates and prompts that share a pass, and the keys of the tokens before those of `area`."""

    candidates: Candidates
    area: Area
    prefix: Any = None

    @property
    def indices(self) -> list[int]:
        """Which candidates they are."""
        return self.candidates.indices

    @property
    def start(self) -> int:
        """The first block that is needed."""
        return self.candidates.starts[0]


@define(eq=False)
class Batch:
    """Prompts that go through the model together in the plain pass, longest first, and what is kept of it.

    `ids`, (prompts, tokens), are padded on the right; `given[l]` is what block l was given, for the blocks
    where candidates begin.
    """

    indices: list[int]
    ids: Tensor
    lengths: list[int]
    given: dict[int, Tensor] = field(factory=dict)

    def area(self, rows: slice, tokens: slice) -> Area:
        """Some rows, and some tokens of them, of which those behind the end of a row are padding."""
        ends = [min(length, tokens.stop) - 1 - tokens.start for length in self.lengths[rows]]
        return Area(rows, tokens, torch.tensor(ends, device=self.ids.device))

    def shared(self) -> int:
        """With how many same tokens all prompts begin."""
        same = (self.ids == self.ids[:1]).all(dim=0).long()
        return int(same.cumprod(dim=0).sum())

    def areas(self, begin: int, least: float) -> Iterator[Area]:
        """All rows, from token `begin` on, those of unlike lengths apart where it saves enough padding."""
        first, many = 0, len(self.lengths)
        for row in range(1, many + 1):
            if row == many or (many - row) * (self.lengths[first] - self.lengths[row]) > least:
                yield self.area(slice(first, row), slice(begin, self.lengths[first]))
                first = row


def pieces(many: int, most: int) -> Iterator[slice]:
    """Parts of about the same size, none larger than `most`."""
    size = -(-many // -(-many // most))
    for begin in range(0, many, size):
        yield slice(begin, begin + size)
