"""How long the residual stream is, what in it overflows, and by how much an intervention changes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from steerkit_core.generation.batch_edits import compile_edits
from steerkit_core.generation.edits import LayerEdit, apply_edit, trailing_mask
from steerkit_core.model.forward import batches, forward
from steerkit_core.model.health import FLOAT16_MAX, StreamHealth
from steerkit_core.values import Intervention, Prompt

if TYPE_CHECKING:
    from steerkit_core.model.engine import Engine


def stream_health(model: Engine, prompts: Sequence[Prompt]) -> StreamHealth:
    """Lengths of each block's output over all tokens of the rendered prompts, and what overflows."""
    sums = StreamSums(model.num_layers, model.hidden_size, model.device, model.suffix_length)
    for batch in batches(model, prompts):
        forward(model, [prompts[index] for index in batch], sums.add)
    return sums.health()


def mean_change(
    model: Engine, prompts: Sequence[Prompt], intervention: Intervention, layer: int
) -> float | None:
    """Mean length by which an intervention changes what a module of a block gives in the baseline.

    Over the tokens that it edits in the rendered prompts; over all of them where it edits generated
    ones alone. None where it edits nothing at that layer.
    """
    own = [edit for edit in intervention.edits if edit.layer == layer]
    if not own:
        return None
    module = own[0].module
    edits = tuple(edit for edit in own if edit.module == module)
    span = "all" if intervention.tokens == "generated" else intervention.tokens
    total, tokens = 0.0, 0
    for batch in batches(model, prompts):
        (compiled,) = compile_edits(
            [Intervention(edits, span)] * len(batch),
            "prompt",
            width=model.width,
            dtype=torch.float32,
            device=model.device,
            suffix=model.suffix_to_edit,
        ).values()

        def add(_layer: int, found: Tensor, mask: Tensor, edit: LayerEdit = compiled) -> None:
            nonlocal total, tokens
            wide, seen = found.float(), mask.bool()
            if edit.trailing is not None:
                seen &= trailing_mask(edit.trailing, wide.shape[1])[..., 0]
            change = (apply_edit(wide, edit) - wide).double().norm(dim=-1)
            total += float(change[seen].sum())
            tokens += int(seen.sum())

        forward(model, [prompts[index] for index in batch], add, module, (layer,))
    return total / tokens


class StreamSums:
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
        self._beyond, self._nonfinite = zeros(), zeros()

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
        self._nonfinite[layer] += ((~torch.isfinite(wide)).sum(dim=-1) * seen).sum()

    def health(self) -> StreamHealth:
        """What was seen so far."""
        # nothing divided by nothing is NaN, which is what a layer without a finite token has
        largest = torch.where(self._finite > 0, self._largest, torch.nan)
        return StreamHealth(
            tuple((self._norms / self._finite).tolist()),
            tuple(largest.tolist()),
            tuple((self._beyond / (self._tokens * self._hidden)).tolist()),
            tuple(int(count) for count in self._nonfinite.tolist()),
            *(tuple((self._ends[n] / self._ends_finite[n]).tolist()) for n in (1, self._suffix)),
        )
