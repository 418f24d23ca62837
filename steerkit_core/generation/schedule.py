"""Rows into batches: packed by length, as large as pays, and smaller where memory ends."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from attrs import evolve

from steerkit_core.errors import ModelError
from steerkit_core.generation.batch_size import FIRST, find_batch_rows, out_of_memory
from steerkit_core.generation.conditions import conditioned
from steerkit_core.generation.decode import generate_batch
from steerkit_core.generation.rows import Row, Written
from steerkit_core.recipe.options import GenerationOptions

if TYPE_CHECKING:
    from steerkit_core.generation.decoder import Decoder

LENGTH_STEP = 64


def generate(
    model: Decoder, rows: Sequence[Row], options: GenerationOptions, seed: int = 0
) -> Iterator[tuple[int, Written]]:
    """Complete every row; yields (index into `rows`, what was written) as soon as a row ends.

    Rows are sorted by prompt length, so that little is padded, and cut into batches; the result of a row
    does not depend on the rows beside it (exactly so in float32). With `batch_size = "auto"` the size is
    measured for prompts of about this length and kept in `model.batch_rows`; where memory ends it is
    halved, and the rows of the broken batch that had not ended are done again. A row whose prompt does not
    meet its intervention's condition is written without any edit.

    Raises:
        ModelError: a batch of the size that the options ask for, or a single row, does not fit into the
            device's memory.
    """
    steered = conditioned(model, [(row.prompt, row.intervention) for row in rows])
    rows = [evolve(row, intervention=way) for row, way in zip(rows, steered, strict=True)]
    encoded = [model.encode(row.prompt) for row in rows]
    pending = sorted(range(len(rows)), key=lambda index: -len(encoded[index]))
    while pending:
        size = _batch_rows(model, [encoded[index] for index in pending], options)
        # equal batches: of 70 rows at most 64 together, 35 and 35 are done sooner than 64 and 6
        size = -(-len(pending) // -(-len(pending) // size))
        chosen = pending[:size]
        ended: set[int] = set()
        broken: Exception | None = None
        batch = generate_batch(
            model, [rows[index] for index in chosen], [encoded[index] for index in chosen], options, seed
        )
        try:
            for place, written in batch:
                ended.add(chosen[place])
                yield chosen[place], written
        except RuntimeError as error:  # torch's own OutOfMemoryError is one too
            if not out_of_memory(error):
                raise
            broken = error
        pending = [index for index in pending if index not in ended]
        if broken is not None:
            _shrink(model, options, len(chosen), len(encoded[chosen[0]]), broken)


def _batch_rows(model: Decoder, encoded: Sequence[Sequence[int]], options: GenerationOptions) -> int:
    """How many rows go together; `encoded` are the prompts, the longest first."""
    if options.batch_size != "auto":
        return options.batch_size
    bucket, rows = _bucket(len(encoded[0]), options), len(encoded)
    if bucket in model.batch_rows:
        return model.batch_rows[bucket]
    if rows <= max(FIRST, model.rows_that_fit.get(bucket, 0)):
        return rows
    size = find_batch_rows(model, encoded, options.max_new_tokens)
    if size < rows:
        model.batch_rows[bucket] = size
    else:  # the rows ended before the gain did: of more rows a larger batch may be better still
        model.rows_that_fit[bucket] = size
    return size


def _bucket(prompt_tokens: int, options: GenerationOptions) -> int:
    """Total length in tokens, rounded up: batches of about one length have one size."""
    return -(-(prompt_tokens + options.max_new_tokens) // LENGTH_STEP) * LENGTH_STEP


def _shrink(
    model: Decoder, options: GenerationOptions, rows: int, prompt_tokens: int, broken: Exception
) -> None:
    """Halve the size that did not fit, and forget what the broken batch held."""
    half = rows // 2
    if options.batch_size != "auto" or half == 0:
        remedy = (
            f"give the same command with --set generation.batch_size={half}; what was finished is kept"
            if half
            else "shorten the prompts or max_new_tokens, or quantize the model; what was finished is kept"
        )
        raise ModelError(
            f"{rows} rows at once do not fit into the memory of {model.device}: {remedy}"
        ) from broken
    model.batch_rows[_bucket(prompt_tokens, options)] = half
    broken.__traceback__ = None  # it holds the frames, and with them the tensors, of the broken batch
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
