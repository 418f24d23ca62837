from typing import Literal

import pytest
from attrs import frozen

from steerkit_core import OptionError, Within, not_empty, option
from steerkit_core.recipe.converter import make_converter, problems, type_words


@frozen(kw_only=True)
class Inner:
    low: int = option(0, help="a bound")


@frozen(kw_only=True)
class Options:
    """One option of every type that a recipe may hold."""

    count: int = option(1, help="a count", checks=[Within(1, 9)])
    share: float = option(0.5, help="a share", checks=[Within(0, 1, open=True)])
    word: str = option("w", help="a word")
    switch: bool = option(False, help="a switch")
    choice: Literal["left", "right"] = option("left", help="a side")
    only: Literal["this"] = option("this", help="no choice at all")
    size: int | Literal["auto"] = option("auto", help="a size", checks=[Within(1)])
    maybe: float | None = option(None, help="perhaps a number", checks=[Within(low=0)])
    shares: tuple[float, ...] = option((0.5,), help="shares", checks=[not_empty, Within(0, 1, open=True)])
    words: tuple[str, ...] = option((), help="words")
    inner: Inner = option(Inner(), help="a table")


@frozen(kw_only=True)
class Required:
    id: str = option(help="needed")
    layer: int = option(help="needed too")


KNOWN = "count, share, word, switch, choice, only, size, maybe, shares, words, inner"


def structure(table, cl=Options):
    return make_converter().structure(table, cl)


def lines(table, cl=Options, where="t"):
    with pytest.raises(Exception) as caught:  # noqa: PT011  # reason: cattrs raises groups; their lines are asserted
        structure(table, cl)
    known = [attribute.name for attribute in cl.__attrs_attrs__]
    return [str(problem) for problem in problems(caught.value, where, known)]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("count", 3, 3),
        ("share", 0.25, 0.25),
        ("word", "", ""),
        ("switch", True, True),
        ("choice", "right", "right"),
        ("size", 4, 4),
        ("size", "auto", "auto"),
        ("maybe", 2, 2.0),
        ("shares", [0.1, 0.9], (0.1, 0.9)),
        ("words", ["a", "b"], ("a", "b")),
        ("words", [], ()),
        ("inner", {"low": 3}, Inner(low=3)),
    ],
)
def test_values_of_the_declared_type_are_taken_as_they_are(key, value, expected):
    found = getattr(structure({key: value}), key)
    assert found == expected
    assert type(found) is type(expected)


def test_what_is_not_given_has_its_default():
    assert structure({}) == Options()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        # a lenient converter would make True, 3, 1 and letters of these
        ({"switch": "no"}, "t.switch: expected true or false, got 'no'"),
        ({"switch": 1}, "t.switch: expected true or false, got 1"),
        ({"count": 3.9}, "t.count: expected an integer, got 3.9"),
        ({"count": "3"}, "t.count: expected an integer, got '3'"),
        ({"count": True}, "t.count: expected an integer, got True"),
        ({"share": "0.5"}, "t.share: expected a number, got '0.5'"),
        ({"share": False}, "t.share: expected a number, got False"),
        ({"share": float("nan")}, "t.share: expected a finite number, got nan"),
        ({"share": float("inf")}, "t.share: expected a finite number, got inf"),
        ({"word": 3}, "t.word: expected a string, got 3"),
        ({"words": "ab"}, "t.words: expected a list, each a string, got 'ab'"),
        ({"words": ["a", 3]}, "t.words[1]: expected a string, got 3"),
        ({"shares": 0.5}, "t.shares: expected a list, each a number, got 0.5"),
        ({"shares": [0.1, "x"]}, "t.shares[1]: expected a number, got 'x'"),
        ({"choice": "up"}, "t.choice: expected one of 'left', 'right', got 'up'"),
        (
            {"choice": "rigth"},
            "t.choice: expected one of 'left', 'right', got 'rigth', did you mean 'right'?",
        ),
        ({"choice": 1}, "t.choice: expected one of 'left', 'right', got 1"),
        ({"only": "that"}, "t.only: expected 'this', got 'that'"),
        ({"size": "huge"}, "t.size: expected an integer or 'auto', got 'huge'"),
        ({"size": 2.5}, "t.size: expected an integer or 'auto', got 2.5"),
        ({"maybe": "x"}, "t.maybe: expected a number, got 'x'"),
        ({"inner": 3}, "t.inner: expected a table, got 3"),
        ({"inner": {"low": "x"}}, "t.inner.low: expected an integer, got 'x'"),
        ({"inner": {"lo": 1}}, "t.inner.lo: unknown option, did you mean 'low'? (known: low)"),
        ({"count": 0}, "t.count: expected a number in [1, 9], got 0"),
        ({"count": 10}, "t.count: expected a number in [1, 9], got 10"),
        ({"share": 1.0}, "t.share: expected a number in (0, 1), got 1.0"),
        ({"size": 0}, "t.size: expected a number of at least 1, got 0"),
        ({"maybe": -0.5}, "t.maybe: expected a number of at least 0, got -0.5"),
        ({"shares": [0.2, 1.5]}, "t.shares: expected numbers in (0, 1), got 1.5"),
        ({"shares": []}, "t.shares: expected at least one value, got []"),
        ({"colour": 1}, f"t.colour: unknown option (known: {KNOWN})"),
        ({"cuont": 1}, f"t.cuont: unknown option, did you mean 'count'? (known: {KNOWN})"),
        ([], "t: expected a table, got []"),
    ],
)
def test_what_is_not_of_the_declared_type_or_size_is_one_line(table, message):
    assert lines(table) == [message]


def test_all_faults_of_a_table_come_at_once_each_with_its_place(says):
    says(
        "\n".join(
            lines({"count": 0, "share": "x", "shares": [0.1, "y", 2], "inner": {"low": 1.5}, "odd": 1})
        )
    )


def test_a_required_option_is_asked_for(says):
    says("\n".join(lines({}, Required)))


@pytest.mark.parametrize(
    ("within", "words"),
    [
        (Within(0, 1), "in [0, 1]"),
        (Within(0, 1, open=True), "in (0, 1)"),
        (Within(0), "of at least 0"),
        (Within(0, open=True), "above 0"),
        (Within(high=-1), "of at most -1"),
        (Within(high=2.5, open=True), "below 2.5"),
    ],
)
def test_bounds_are_words(within, words):
    assert str(within) == words


@pytest.mark.parametrize(
    ("within", "inside", "outside"),
    [
        (Within(0, 1), [0, 0.5, 1, [0, 1], None, "auto"], [-0.1, 1.1, [0.5, 2]]),
        (Within(0, 1, open=True), [0.01, 0.99, []], [0, 1, [0.5, 1]]),
        (Within(high=-1), [-1, -7], [0]),
    ],
)
def test_bounds_hold_at_their_ends(within, inside, outside):
    for value in inside:
        within(value)
    for value in outside:
        with pytest.raises(OptionError):
            within(value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("count", "an integer"),
        ("choice", "one of 'left', 'right'"),
        ("size", "an integer or 'auto'"),
        ("maybe", "a number"),
        ("shares", "a list, each a number"),
        ("inner", "a table of Inner"),
    ],
)
def test_types_are_words(name, words):
    (attribute,) = [each for each in Options.__attrs_attrs__ if each.name == name]
    assert type_words(attribute.type) == words
