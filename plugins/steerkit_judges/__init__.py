"""Judges that ask a model: the steered one's first token, or another model about the text."""

from steerkit_core import Classifier, hookimpl
from steerkit_judges.logprob import RefusalLogprob
from steerkit_judges.model import JudgeModel


@hookimpl
def steerkit_register_classifiers() -> tuple[type[Classifier], ...]:
    """Both of them."""
    return (JudgeModel, RefusalLogprob)
