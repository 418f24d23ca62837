"""Measuring the residual stream while it passes: the sums behind `StreamHealth`."""

from __future__ import annotations

import torch
from torch import Tensor

from steerkit_core.model.health import FLOAT16_MAX, StreamHealth


class StreamGauge:
    """Running sums over the outputs of blocks, kept on the model's device until they are read."""

    def __init__(self, num_layers: int, hidden: int, where: torch.device, suffix: int = 0) -> None:
        def zeros() -> Tensor:
            return torch.zeros(num_layers, dtype=torch.float64, device=where)

        self._hidden = hidden
        # of so many tokens, counted from a prompt's last, the lengths are wanted apart
        self._ends = {1: zeros(), suffix: zeros()}
        self._ends_finite = {1: zeros(), suffix: zeros()}
        self._suffix = suffix
        self._norms, self._largest = zeros(), zeros()
        self._tokens, self._finite = zeros(), zeros()
        self._beyond, self._sick = zeros(), zeros()

    def add(self, layer: int, residual: Tensor, mask: Tensor) -> None:
        """Take in a block's output, (rows, tokens, hidden); `mask`, (rows, tokens), is 0 at padding."""
        wide, seen = residual.float(), mask.bool()
        # in float64, because the square of a large float32 is none
        norms = torch.linalg.vector_norm(wide, dim=-1, dtype=torch.float64)
        finite = seen & torch.isfinite(norms)
        norms = torch.where(finite, norms, 0.0)
        self._norms[layer] += norms.sum()
        self._largest[layer] = torch.maximum(self._largest[layer], norms.max())
        self._tokens[layer] += seen.sum()
        self._finite[layer] += finite.sum()
        for tokens in self._ends:
            end = slice(norms.shape[1] - tokens, None)  # prompts are padded on the left
            self._ends[tokens][layer] += norms[:, end].sum()
            self._ends_finite[tokens][layer] += finite[:, end].sum()
        self._beyond[layer] += ((wide.abs() > FLOAT16_MAX).sum(dim=-1) * seen).sum()
        self._sick[layer] += ((~torch.isfinite(wide)).sum(dim=-1) * seen).sum()

    def health(self) -> StreamHealth:
        """What was seen so far."""
        # nothing divided by nothing is NaN, which is what a layer without a finite token has
        largest = torch.where(self._finite > 0, self._largest, torch.nan)
        return StreamHealth(
            tuple((self._norms / self._finite).tolist()),
            tuple(largest.tolist()),
            tuple((self._beyond / (self._tokens * self._hidden)).tolist()),
            tuple(int(count) for count in self._sick.tolist()),
            *(tuple((self._ends[n] / self._ends_finite[n]).tolist()) for n in (1, self._suffix)),
        )
