"""Option by option, the schema takes just what steerkit's own check takes."""

from typing import Literal

import attrs
import jsonschema
import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steerkit_core import Within, not_empty, option
from steerkit_core.recipe.converter import make_converter
from steerkit_core.recipe.schema.options import option_schema, table_schema
from steerkit_core.recipe.tables import COMPONENT_TABLES, OPTION_TABLES

# what a plugin's own check refuses is beyond the schema
BEYOND = {"no_blank_word", "no_blank_opening", "known_placeholders", "a_word"}
CHECKED = {"not_empty", "positions_once", "folder_name"}
NUMBERS = st.one_of(
    st.integers(-3, 3), st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.49, 0.5, 0.999, 1e-8, 1e-6, 1e9 + 0.5])
)
NUMBERS |= st.floats(-3, 3).filter(lambda number: not number.is_integer())
WORDS = st.sampled_from(
    ["", "auto", "suffix", "none", "off", "residual", "f1", "a/b", "..", "x", "variant"]
)
PLAIN = NUMBERS | WORDS | st.booleans()
VALUES = PLAIN | st.lists(PLAIN, max_size=3) | st.lists(NUMBERS, max_size=3) | st.just({})


def every_option(registry):
    for table, cl in OPTION_TABLES.items():
        yield from ((f"{table}.{field.name}", field) for field in fields(cl))
    for word, name, entry in registry:
        if word in COMPONENT_TABLES:
            yield from ((f"{name}.{field.name}", field) for field in fields(entry.component))


def fields(cl):
    attrs.resolve_types(cl)
    return attrs.fields(cl)


def checks_of(field):
    names = {getattr(check, "__name__", "") for check in field.metadata["checks"]}
    return names - {""}


CONVERTER = make_converter()


def taken(field, value):
    """Whether the check of recipes takes a value."""
    try:
        found = CONVERTER.structure(value, field.type)
        for check in field.metadata["checks"]:
            check(found)
    except Exception:  # noqa: BLE001  # reason: cattrs raises groups of any exception
        return False
    return True


def test_every_check_is_known(registry):
    """A check that is new is said in the schema, or is known to be beyond it."""
    found = {name for _, field in every_option(registry) for name in checks_of(field)}
    assert found == BEYOND | CHECKED


@pytest.fixture(scope="module")
def judged(registry):
    """A function that gives every kind of option once: place, declaration, and what the schema takes."""
    found = {}
    for place, field in every_option(registry):
        key = repr((field.type, field.metadata["checks"]))
        found.setdefault(key, (place, field, jsonschema.Draft7Validator(option_schema(field)).is_valid))
    return found.values


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(value=VALUES)
def test_both_take_the_same(judged, value):
    for place, field, says in judged():
        if taken(field, value):
            assert says(value), f"{place} takes {value!r}, and the schema does not"
        elif not checks_of(field) & BEYOND:
            assert not says(value), f"{place} refuses {value!r}, and the schema does not"


@frozen(kw_only=True)
class Options:
    """Options of every type."""

    flag: bool = option(False, help="a flag")
    share: float = option(0.5, help="a share", checks=[Within(0, 1, open=True)])
    count: int | None = option(None, help="a count", checks=[Within(1)])
    word: Literal["one", "two"] = option("one", help="a word")
    either: float | Literal["auto"] = option("auto", help="a number or auto", checks=[Within(high=2)])
    several: tuple[int, ...] = option(help="some numbers", checks=[not_empty, Within(0, 9)])


def test_a_table_by_hand():
    assert table_schema(Options, use="mine") == {
        "type": "object",
        "properties": {
            "use": {"const": "mine"},
            "flag": {"description": "a flag", "type": "boolean", "default": False},
            "share": {
                "description": "a share",
                "type": "number",
                "exclusiveMinimum": 0,
                "exclusiveMaximum": 1,
                "default": 0.5,
            },
            "count": {"description": "a count", "type": "integer", "minimum": 1},
            "word": {"description": "a word", "enum": ["one", "two"], "default": "one"},
            "either": {
                "description": "a number or auto",
                "anyOf": [{"type": "number", "maximum": 2}, {"enum": ["auto"]}],
                "default": "auto",
            },
            "several": {
                "description": "some numbers",
                "type": "array",
                "items": {"type": "integer", "minimum": 0, "maximum": 9},
                "minItems": 1,
            },
        },
        "additionalProperties": False,
        "required": ["use", "several"],
    }
    assert "required" not in table_schema(Options, partial=True)


def test_what_json_cannot_say_is_let_through():
    """3.0 is an integer to JSON, and not to TOML."""
    field = attrs.fields(Options).count
    attrs.resolve_types(Options)
    assert jsonschema.Draft7Validator(option_schema(field)).is_valid(3.0)
    assert not taken(field, 3.0)
