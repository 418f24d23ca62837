"""Model adapters: where the blocks of a family are, its template, numerics and defaults."""

from steerkit_core import ModelAdapter, hookimpl
from steerkit_families.fallback import Fallback
from steerkit_families.gemma import Gemma
from steerkit_families.mistral import Mistral
from steerkit_families.qwen import Qwen


@hookimpl
def steerkit_register_model_adapters() -> tuple[type[ModelAdapter], ...]:
    """The families that the field steers most, and a checked fallback for the others."""
    return (Fallback, Gemma, Mistral, Qwen)
