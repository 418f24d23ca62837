"""How a component declares an option, once: type, default, help and bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from attrs import NOTHING, Attribute, field, frozen


class OptionError(ValueError):
    """A value of the right type and the wrong size; carries what was expected and what was found."""

    def __init__(self, expected: str, found: object) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"expected {expected}, got {found!r}")


@frozen
class Within:
    """A bound on an option: a number, or every number of a sequence, lies between `low` and `high`."""

    low: float | None = None
    high: float | None = None
    open: bool = False

    def __call__(self, value: object) -> None:
        """Raise `OptionError` for a number out of bounds; None and words pass."""
        many = isinstance(value, Sequence) and not isinstance(value, str)
        for number in cast("Sequence[object]", value) if many else (value,):
            if isinstance(number, int | float) and not self._holds(number):
                raise OptionError(f"{'numbers' if many else 'a number'} {self}", number)

    def _holds(self, number: float) -> bool:
        above = self.low is None or (number > self.low if self.open else number >= self.low)
        below = self.high is None or (number < self.high if self.open else number <= self.high)
        return above and below

    def __str__(self) -> str:
        left, right = ("(", ")") if self.open else ("[", "]")
        if self.high is None:
            return f"{'above' if self.open else 'of at least'} {self.low:g}"
        if self.low is None:
            return f"{'below' if self.open else 'of at most'} {self.high:g}"
        return f"in {left}{self.low:g}, {self.high:g}{right}"


def not_empty(value: object) -> None:
    """Raise `OptionError` for an empty list."""
    if isinstance(value, Sequence) and not value:
        raise OptionError("at least one value", list(value))


def option(
    default: Any = NOTHING,
    *,
    help: str,  # noqa: A002  # reason: the word that click and argparse users expect here
    checks: Sequence[Callable[[object], None]] = (),
) -> Any:
    """Declare a recipe option, once: the recipe check, `plugins show` and the docs derive from it.

    Args:
        default: the value used where a recipe says nothing; without one the option is required.
        help: one line, shown by `steerkit plugins show`.
        checks: called with the value; each raises `OptionError` for one that is out of bounds.
    """

    def validate(_instance: object, _attribute: Attribute[Any], value: object) -> None:
        for check in checks:
            check(value)

    return field(default=default, validator=validate, metadata={"help": help, "checks": checks})
