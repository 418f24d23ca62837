"""One batch, token by token: every row under an intervention of its own, until it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch

from steerkit_core.generation.edits import Phase, select_rows
from steerkit_core.generation.first_token import first_scores
from steerkit_core.generation.rows import Row, Written, left_pad, positions_of
from steerkit_core.generation.sampling import Chooser
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.values import StopReason

if TYPE_CHECKING:
    from steerkit_core.generation.decoder import Decoder

COMPACT_BELOW = 0.9
SETTLED_EVERY = 8


@torch.inference_mode()
def generate_batch(
    model: Decoder,
    rows: Sequence[Row],
    encoded: Sequence[Sequence[int]],
    options: GenerationOptions,
    seed: int,
) -> Iterator[tuple[int, Written]]:
    """Complete the rows of one batch; yields (index into `rows`, what was written) as soon as a row ends.

    Rows that have ended are taken out of the batch as soon as they are a tenth of it.
    """
    device = model.device
    interventions = [row.intervention for row in rows]
    phase: Phase = "prompt"
    edits = {
        "prompt": model.compiled(interventions, "prompt"),
        "generated": model.compiled(interventions, "generated"),
    }
    choose = Chooser(rows, options, seed)
    tokens: list[list[int]] = [[] for _ in rows]
    alive = list(range(len(rows)))  # indices into rows, in the order of the tensors below
    done = [False] * len(rows)
    ids, mask = left_pad(encoded, model.pad_id, device)
    position_ids = positions_of(mask)
    cache = model.new_cache()
    scores: list[float | None] = [None] * len(rows)
    for _ in range(options.max_new_tokens):
        logits = model.next_logits(ids, mask, position_ids, cache, edits[phase])
        if phase == "prompt":
            scores = first_scores(rows, logits)
        phase = "generated"
        best, healthy = choose(logits, alive)
        for place, row in enumerate(alive):
            if done[row]:
                continue
            if not healthy[place]:
                ending: Written | None = _overflowed(tokens[row])
            elif best[place] in model.eos_ids:
                ending = Written(tuple(tokens[row]), "eos", score=scores[row])
            else:
                tokens[row].append(best[place])
                stop = _stop_after_a_token(model, rows[row], tokens[row], options)
                ending = None if stop is None else Written(tuple(tokens[row]), stop, score=scores[row])
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


def _overflowed(tokens: Sequence[int]) -> Written:
    error = f"logits are not finite at new token {len(tokens) + 1}: the model's numbers overflowed"
    return Written(tuple(tokens), "failed", error)


def _stop_after_a_token(
    model: Decoder, row: Row, tokens: Sequence[int], options: GenerationOptions
) -> StopReason | None:
    """Why a row ends that has just got another token; None where it goes on."""
    if row.enough is not None and len(tokens) >= row.enough:
        return "settled"
    if len(tokens) == options.max_new_tokens:
        return "length"
    # now and then is enough: a loop that is found eight tokens late has still cost little
    if row.settled is None or len(tokens) % SETTLED_EVERY:
        return None
    return "settled" if row.settled(model.decode(tokens)) else None
