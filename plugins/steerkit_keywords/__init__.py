"""Classifier `refusal-keywords`: the paper's judge, kept exactly so that its figures can be compared."""

from steerkit_core import Classifier, hookimpl
from steerkit_keywords.classifier import RefusalKeywords


@hookimpl
def steerkit_register_classifiers() -> list[type[Classifier]]:
    """The one classifier of this plugin."""
    return [RefusalKeywords]
