"""What a declared option takes, as JSON Schema (draft 7)."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union, cast, get_args, get_origin

import attrs

from steerkit_core.components import Within, not_empty, positions_once
from steerkit_core.recipe.options import folder_name

Schema = dict[str, Any]

PLAIN: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}
# what checks that are functions refuse, by the JSON type that they look at; others are left to steerkit
CHECKS: Mapping[Callable[[object], None], Mapping[str, Schema]] = {
    not_empty: {"array": {"minItems": 1}, "string": {"minLength": 1}},
    positions_once: {"array": {"minItems": 1, "uniqueItems": True}},
    folder_name: {"string": {"pattern": r"^[^/\\]+$", "not": {"enum": [".", ".."]}}},
}


def option_schema(attribute: attrs.Attribute[Any]) -> Schema:
    """Type, bounds, default and help of one option.

    Nothing that steerkit accepts is refused. What JSON Schema cannot say is let through: a check that is a
    function of a plugin's own, and 3.0 where 3 is expected.
    """
    schema = value_schema(attribute.type)
    for check in attribute.metadata["checks"]:
        schema = bounded(schema, check)
    found: Schema = {"description": attribute.metadata["help"], **schema}
    if attribute.default is not attrs.NOTHING and attribute.default is not None:
        found["default"] = attribute.default
    return found


def value_schema(kind: Any) -> Schema:
    """What a declared type takes; TOML has no word for None, so that an optional value is the value."""
    origin, members = get_origin(kind), get_args(kind)
    if kind in PLAIN:
        return {"type": PLAIN[kind]}
    if origin is Literal:
        return {"enum": list(members)}
    if origin is tuple:
        return {"type": "array", "items": value_schema(members[0])}
    if origin in (Union, types.UnionType):
        choices = [value_schema(member) for member in members if member is not types.NoneType]
        return choices[0] if len(choices) == 1 else {"anyOf": choices}
    if attrs.has(kind):
        return table_schema(kind)
    return {}


def bounded(schema: Schema, check: Callable[[object], None]) -> Schema:
    """A schema with what a check refuses; of several choices each is bounded by itself."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [bounded(choice, check) for choice in schema["anyOf"]]}
    kind = schema.get("type", "")
    if not isinstance(check, Within):
        return {**schema, **CHECKS.get(check, {}).get(kind, {})}
    if kind == "array":
        return {**schema, "items": bounded(schema["items"], check)}
    if kind not in ("integer", "number"):
        return schema
    low, high = ("exclusiveMinimum", "exclusiveMaximum") if check.open else ("minimum", "maximum")
    bounds = {low: check.low, high: check.high}
    return {**schema, **{word: bound for word, bound in bounds.items() if bound is not None}}


def table_schema(cl: type, *, use: str = "", partial: bool = False) -> Schema:
    """A table of an attrs class's options, and no other keys.

    Args:
        cl: the class.
        use: the name of the component that the table has, as its key `use`; an option table has none.
        partial: whether required keys may be missing, as where a grid sets some keys of a table.
    """
    attrs.resolve_types(cast("Any", cl))
    fields = attrs.fields(cast("Any", cl))
    required = [field.name for field in fields if field.default is attrs.NOTHING]
    properties = {field.name: option_schema(field) for field in fields}
    if use:
        properties = {"use": {"const": use}, **properties}
        required.insert(0, "use")
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": required} if required and not partial else found
