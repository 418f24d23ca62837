"""Ways to reach a model's tensors, behind one small interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steerkit_core.model.backends.base import Backend, Inputs
from steerkit_core.model.backends.heads import HeadLayout, head_layout
from steerkit_core.model.backends.hooks import HooksBackend

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from steerkit_core.components import ModelAdapter
    from steerkit_core.components.model_spec import ModelSpec

__all__ = [
    "Backend",
    "HeadLayout",
    "HooksBackend",
    "Inputs",
    "choose_backend",
    "head_layout",
    "make_backend",
]


def choose_backend(spec: ModelSpec) -> str:
    """The name of the backend that a recipe means; see docs/decisions/0005-backends.md."""
    if spec.backend != "auto":
        return spec.backend
    return "nnsight" if spec.remote else "hooks"


def make_backend(name: str, model: PreTrainedModel, adapter: ModelAdapter) -> Backend:
    """The backend called `name` on a loaded model; nnsight is imported only for its own."""
    if name == "nnsight":
        from steerkit_core.model.backends.nnsight import NNsightBackend

        return NNsightBackend(model, adapter)
    return HooksBackend(model, adapter)
