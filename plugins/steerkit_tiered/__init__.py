"""Classifier `refusal-tiered`: what is no text first, then refusals by what they say and where."""

from steerkit_core import Classifier, hookimpl
from steerkit_tiered.classifier import RefusalTiered


@hookimpl
def steerkit_register_classifiers() -> list[type[Classifier]]:
    """The one classifier of this plugin."""
    return [RefusalTiered]
