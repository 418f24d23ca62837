"""Classifier `refusal-keywords`: the judge of Mohammad, 2026, kept exact so that rates can be compared."""

from steerkit_core import Classifier, hookimpl
from steerkit_keywords.classifier import RefusalKeywords


@hookimpl
def steerkit_register_classifiers() -> list[type[Classifier]]:
    """The one classifier of this plugin."""
    return [RefusalKeywords]
