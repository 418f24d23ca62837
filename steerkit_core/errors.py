"""What a user can put right, as opposed to what only a bug can cause.

The command line prints a `SteerkitError` as it stands and exits with 2; every other exception keeps its
traceback and exits with 1.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from attrs import frozen


class SteerkitError(Exception):
    """One sentence in lower case: where, what was found, what was expected, the remedy."""


@frozen
class Problem:
    """One thing that is wrong in a recipe, at the place `where` (`table.key`)."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class RecipeError(SteerkitError):
    """Everything that is wrong with a recipe, found in one reading."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PromptFileError(SteerkitError):
    """Everything that is wrong with a file of prompts."""


class ModelError(SteerkitError):
    """A model that cannot be found, loaded, or edited."""


class NumericError(ModelError):
    """The model produced NaN or infinite values where a result was needed."""


class StoreError(SteerkitError):
    """A run directory that cannot be used, and why."""


class PluginError(SteerkitError):
    """A plugin that failed inside a hook; names the plugin and the hook."""


class DegenerateDirection(SteerkitError):
    """A direction without a length, or with one that is not a number."""


class MissingDirection(SteerkitError, KeyError):
    """A layer or position that no direction was asked for."""

    __str__ = Exception.__str__  # a KeyError would print its message as a quoted key


def nearest(name: str, known: Sequence[str]) -> str:
    """`", did you mean 'x'?"` when one of `known` is close to `name`, else the empty string.

    >>> from steerkit_core import nearest
    >>> "no site named 'residual-ad'" + nearest("residual-ad", ["residual-add", "residual-clamp"])
    "no site named 'residual-ad', did you mean 'residual-add'?"
    """
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f", did you mean {close[0]!r}?" if close else ""


def lowered(sentence: str) -> str:
    """The sentence with its first letter in lower case, as an error of ours quotes that of a library."""
    return sentence[:1].lower() + sentence[1:]
