"""Batched decoding in which every row has its own intervention: edits, batches, sampling.

Sees a model as the few calls that `Decoder` lists, so that a prompt goes one way: generation, model, hook.
"""

from steerkit_core.generation.completions import complete, completion
from steerkit_core.generation.conditions import conditioned
from steerkit_core.generation.logits import kl_divergence, refusal_score
from steerkit_core.generation.rows import Row, Written
from steerkit_core.generation.schedule import generate

__all__ = [
    "Row",
    "Written",
    "complete",
    "completion",
    "conditioned",
    "generate",
    "kl_divergence",
    "refusal_score",
]
