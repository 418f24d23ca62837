"""Batched decoding in which every row has an intervention of its own: edits, batches, sampling.

Sees a model as the few calls that `Decoder` lists, so that a prompt goes one way: generation, model, hook.
"""

from steerkit_core.generation.first_token import refusal_score
from steerkit_core.generation.rows import Row, Written, left_pad, positions_of
from steerkit_core.generation.sampling import row_seed, sample
from steerkit_core.generation.schedule import generate

__all__ = ["Row", "Written", "generate", "left_pad", "positions_of", "refusal_score", "row_seed", "sample"]
