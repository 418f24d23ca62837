"""One batch, token by token: every row under its own intervention, until it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from attrs import define, field

from steerkit_core.generation.batch_edits import Phase, edits_of_batch
from steerkit_core.generation.edits import select_rows
from steerkit_core.generation.logits import first_scores
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
        "prompt": edits_of_batch(model, interventions, "prompt"),
        "generated": edits_of_batch(model, interventions, "generated"),
    }
    choose = Chooser(rows, options, seed)
    texts = [_Text(row) for row in rows]
    alive = list(range(len(rows)))  # indices into rows, in the order of the tensors below
    ids, mask = left_pad(encoded, model.pad_id, device)
    position_ids = positions_of(mask)
    cache = model.new_cache()
    for _ in range(options.max_new_tokens):
        logits = model.next_logits(ids, mask, position_ids, cache, edits[phase])
        if phase == "prompt":
            for text, score in zip(texts, first_scores(rows, logits), strict=True):
                text.score = score
        phase = "generated"
        best, healthy = choose(logits, alive)
        for place, row in enumerate(alive):
            if texts[row].done:
                continue
            ending = texts[row].take(model, best[place] if healthy[place] else None, options)
            if ending is not None:
                yield row, ending
        running = [place for place, row in enumerate(alive) if not texts[row].done]
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


@define(eq=False)
class _Text:
    """What is being written for a row."""

    row: Row
    tokens: list[int] = field(factory=list)
    score: float | None = None
    done: bool = False

    def take(self, model: Decoder, token: int | None, options: GenerationOptions) -> Written | None:
        """Take in the next token, None where the logits are not finite; gives the text if it ends there."""
        if token is None:
            self.done = True
            error = (
                f"logits are not finite at new token {len(self.tokens) + 1}: the model's numbers overflowed"
            )
            return Written(tuple(self.tokens), "failed", error)
        stop: StopReason | None = "eos"
        if token not in model.eos_ids:
            self.tokens.append(token)
            stop = self._stop(model, options)
        if stop is None:
            return None
        self.done = True
        return Written(tuple(self.tokens), stop, score=self.score)

    def _stop(self, model: Decoder, options: GenerationOptions) -> StopReason | None:
        """Why the text ends behind another token; None where it goes on."""
        count = len(self.tokens)
        if self.row.enough is not None and count >= self.row.enough:
            return "settled"
        if count == options.max_new_tokens:
            return "length"
        # now and then is enough: a loop that is found eight tokens late has still cost little
        if self.row.settled is None or count % SETTLED_EVERY:
            return None
        return "settled" if self.row.settled(model.decode(self.tokens)) else None
