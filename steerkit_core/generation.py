"""Batched decoding in which every row has an intervention of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

import torch
from attrs import frozen
from torch import Tensor

from steerkit_core.errors import ModelError
from steerkit_core.interventions import compile_edits, select_rows
from steerkit_core.options import GenerationOptions
from steerkit_core.values import Intervention, Prompt, StopReason

if TYPE_CHECKING:
    from steerkit_core.model import ModelHandle

AUTO_ROWS = {"cpu": 64, "cuda": 128}
COMPACT_BELOW = 0.75


@frozen(eq=False)
class Row:
    """One completion to be made. `name` keys its random numbers, so that they depend on nothing else."""

    prompt: Prompt
    intervention: Intervention
    name: str = ""


@frozen
class Written:
    """What was generated for a row: the tokens without the one that ended it."""

    token_ids: tuple[int, ...]
    stop: StopReason
    error: str | None = None


def left_pad(
    sequences: Sequence[Sequence[int]], pad_id: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Token ids and attention mask, both (rows, longest), padded on the left."""
    longest = max(len(ids) for ids in sequences)
    ids = torch.full((len(sequences), longest), pad_id, dtype=torch.long)
    mask = torch.zeros((len(sequences), longest), dtype=torch.long)
    for row, sequence in enumerate(sequences):
        ids[row, longest - len(sequence) :] = torch.tensor(sequence)
        mask[row, longest - len(sequence) :] = 1
    return ids.to(device), mask.to(device)


def positions_of(mask: Tensor) -> Tensor:
    """Position ids from the mask, so that a padded prompt gets those that it would have alone."""
    return (mask.cumsum(dim=-1) - 1).clamp_min(0)


def batch_rows(options: GenerationOptions, device: torch.device) -> int:
    """How many rows are generated together."""
    if options.batch_size != "auto":
        return options.batch_size
    return AUTO_ROWS.get(device.type, AUTO_ROWS["cpu"])


def generate(
    model: ModelHandle, rows: Sequence[Row], options: GenerationOptions, seed: int = 0
) -> Iterator[tuple[int, Written]]:
    """Complete every row; yields (index into `rows`, what was written) as soon as a row ends.

    Rows are sorted by prompt length, so that little is padded, and cut into batches; the result of a row
    does not depend on the rows beside it (exactly so in float32).

    Raises:
        ModelError: a batch does not fit into the device's memory.
    """
    encoded = [model.encode(row.prompt) for row in rows]
    order = sorted(range(len(rows)), key=lambda index: -len(encoded[index]))
    device = model.device
    size = batch_rows(options, device)
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        batch = _generate_batch(
            model, [rows[index] for index in chosen], [encoded[index] for index in chosen], options, seed
        )
        try:
            for index, written in batch:
                yield chosen[index], written
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"{len(chosen)} rows at once do not fit into the memory of {device}: give the same command"
                f" with --set generation.batch_size={max(1, len(chosen) // 2)}; what was finished is kept"
            ) from error


@torch.inference_mode()
def _generate_batch(
    model: ModelHandle,
    rows: Sequence[Row],
    encoded: Sequence[Sequence[int]],
    options: GenerationOptions,
    seed: int,
) -> Iterator[tuple[int, Written]]:
    device = model.device
    interventions = [row.intervention for row in rows]
    shape = {"width": model.width, "dtype": model.stream_dtype, "device": device}
    edits = {
        phase: compile_edits(interventions, phase, **shape)  # type: ignore[arg-type]  # reason: a dict of keywords
        for phase in ("prompt", "generated")
    }
    choose = _chooser(rows, options, seed)
    tokens: list[list[int]] = [[] for _ in rows]
    alive = list(range(len(rows)))  # indices into rows, in the order of the tensors below
    done = [False] * len(rows)
    ids, mask = left_pad(encoded, model.pad_id, device)
    position_ids = positions_of(mask)
    cache = model.backend.new_cache()
    phase = "prompt"
    for step in range(options.max_new_tokens):
        logits = model.next_logits(ids, mask, position_ids, cache, edits[phase])
        phase = "generated"
        best, healthy = choose(logits, alive)
        for place, row in enumerate(alive):
            if done[row]:
                continue
            if not healthy[place]:
                error = f"logits are not finite at new token {step + 1}: the model's numbers overflowed"
                ending: Written | None = Written(tuple(tokens[row]), "failed", error)
            elif best[place] in model.eos_ids:
                ending = Written(tuple(tokens[row]), "eos")
            else:
                tokens[row].append(best[place])
                full = len(tokens[row]) == options.max_new_tokens
                ending = Written(tuple(tokens[row]), "length") if full else None
            if ending is not None:
                done[row] = True
                yield row, ending
        running = [place for place, row in enumerate(alive) if not done[row]]
        if not running:
            return
        if len(running) <= COMPACT_BELOW * len(alive):
            keep = torch.tensor(running, device=device)
            cache.batch_select_indices(keep)
            mask, position_ids = mask.index_select(0, keep), position_ids.index_select(0, keep)
            edits["generated"] = select_rows(edits["generated"], keep)
            best = [best[place] for place in running]
            alive = [alive[place] for place in running]
        ids = torch.tensor(best, device=device).unsqueeze(1)
        mask = torch.cat([mask, mask.new_ones(len(alive), 1)], dim=1)
        position_ids = position_ids[:, -1:] + 1


class _chooser:  # noqa: N801  # reason: used as a function that remembers its generators
    """Choose the next token of every row: the likeliest, or one sampled with the row's own generator."""

    def __init__(self, rows: Sequence[Row], options: GenerationOptions, seed: int) -> None:
        self.options = options
        self.generators: list[torch.Generator] = []
        if options.temperature > 0:
            self.generators = [torch.Generator().manual_seed(row_seed(seed, row)) for row in rows]

    def __call__(self, logits: Tensor, alive: Sequence[int]) -> tuple[list[int], list[bool]]:
        """Token ids and health of the rows, for logits of shape (rows, vocabulary)."""
        top = logits.max(dim=-1)
        # a NaN anywhere in a row is its maximum, and +inf is too: one look at the maximum finds both
        healthy = cast("list[bool]", torch.isfinite(top.values).tolist())
        if not self.generators:
            return cast("list[int]", top.indices.tolist()), healthy
        chosen = [
            sample(logits[place], self.options, self.generators[row]) if healthy[place] else 0
            for place, row in enumerate(alive)
        ]
        return chosen, healthy


def row_seed(seed: int, row: Row) -> int:
    """A seed of 63 bits from the run's seed, the row's name and its prompt."""
    text = f"{seed}\n{row.name}\n{row.prompt.id}\n{row.prompt.text}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def sample(logits: Tensor, options: GenerationOptions, generator: torch.Generator) -> int:
    """One token from the nucleus of the tempered distribution; `logits` has shape (vocabulary,)."""
    probabilities = (logits.double().cpu() / options.temperature).softmax(dim=-1)
    ranked, indices = probabilities.sort(descending=True)
    # a token belongs to the nucleus if those before it do not yet reach top_p; the first always does
    ranked[ranked.cumsum(dim=-1) - ranked >= options.top_p] = 0.0
    return int(indices[torch.multinomial(ranked, 1, generator=generator)])
