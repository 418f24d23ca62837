"""Repeats of a prompt are one observation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def fold(observations: Iterable[tuple[str, str]]) -> dict[str, str]:
    """One label for each prompt: the one that most of its completions have.

    Greedy repeats are identical, so that it is the label of each of them. Sampled ones may differ; where
    two labels are equally frequent, the one that came first stands.

    Args:
        observations: (text of the prompt, label of a completion), one for each judged completion.

    Returns:
        label by text, in the order in which the texts came first.
    """
    by_text: dict[str, Counter[str]] = {}
    for text, label in observations:
        by_text.setdefault(text, Counter())[label] += 1
    # most_common keeps the order of first occurrence among equals
    return {text: labels.most_common(1)[0][0] for text, labels in by_text.items()}
