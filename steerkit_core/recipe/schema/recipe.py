"""The schema of a whole recipe.

Its shape is one that editors complete from: every key stands below `properties`, or below the `properties`
of a choice. A component's table is checked by the choice that its `use` names (`if` and `then`), so that a
mistake is reported where it stands; the same choices stand below `anyOf`, beside one that takes anything,
since editors look for keys there and not below `then`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from steerkit_core.components import PromptSet
from steerkit_core.components.core_keys import CORE_KEYS
from steerkit_core.plugin.registry import KIND_OF, Registry, summary
from steerkit_core.recipe.options import TransferOptions
from steerkit_core.recipe.schema.options import Schema, table_schema
from steerkit_core.recipe.tables import COMPONENT_TABLES, OPTION_TABLES, TABLES, TRANSFER

DRAFT = "http://json-schema.org/draft-07/schema#"
GRID_HELP = "the cartesian product over any options of the other tables"
# what a set is there for is known by the roles of its prompts
CLASSES = ("contrast", "validation")


def recipe_schema(registry: Registry) -> Schema:
    """A JSON Schema (draft 7) of the recipes that can be run with the installed components."""
    option_tables = {name: _option_table(name, cl, registry) for name, cl in OPTION_TABLES.items()}
    components = {name: component_table(name, registry) for name in COMPONENT_TABLES}
    tables = {**option_tables, **components}
    tables[TRANSFER] = _option_table(TRANSFER, TransferOptions, registry)
    tables["grid"] = {"description": GRID_HELP, **_grid(registry)}
    needed = [name for name in TABLES if tables[name].get("required")]
    return {
        "$schema": DRAFT,
        "title": "steerkit recipe",
        "description": f"made by `steerkit schema` for {', '.join(_distributions(registry))}",
        "type": "object",
        "properties": {name: tables[name] for name in (*TABLES, TRANSFER)},
        "required": needed,
        "additionalProperties": False,
        "definitions": dict(_definitions(registry)),
    }


def _distributions(registry: Registry) -> list[str]:
    records = registry.host.records.values()
    return sorted(
        {f"{one.distribution} {one.version}".strip() for one in records if one.status == "active"}
    )


def _option_table(name: str, cl: type, registry: Registry, *, partial: bool = False) -> Schema:
    table = {"description": summary(cl), **table_schema(cl, partial=partial)}
    if name == "prompts":
        for key, schema in table["properties"].items():
            names = list(_prompt_sets(registry, classes=key in CLASSES))
            # any other word may be a file
            schema["anyOf"] = [{"enum": names}, {"type": schema.pop("type")}]
    return table


def _prompt_sets(registry: Registry, *, classes: bool) -> Iterator[str]:
    for word, name, entry in registry:
        if word == "prompt set" and issubclass(entry.component, PromptSet):
            roles = {prompt.role for prompt in entry.component().prompts()}
            if classes == ({"positive", "negative"} <= roles):
                yield name


def _place(word: str, name: str) -> str:
    return f"{word}-{name}"


def _definitions(registry: Registry) -> Iterator[tuple[str, Schema]]:
    for word in COMPONENT_TABLES:
        shared = table_schema(CORE_KEYS[word])["properties"] if word in CORE_KEYS else {}
        for name in registry.names(word):
            component = registry.get(word, name)
            schema = table_schema(component, use=name)
            schema["properties"]["use"]["description"] = summary(component)
            schema["properties"] |= shared
            yield _place(word, name), {"description": inspect.getdoc(component) or "", **schema}


def component_table(word: str, registry: Registry) -> Schema:
    """The table of a kind of component: `use`, and the options of the component that it names."""
    names = registry.names(word)
    choices: list[Schema] = [{"$ref": f"#/definitions/{_place(word, name)}"} for name in names]
    chosen: Schema = {}
    for name, choice in zip(reversed(names), reversed(choices), strict=True):
        asked = {"properties": {"use": {"const": name}}, "required": ["use"]}
        chosen = {"if": asked, "then": choice, **({"else": chosen} if chosen else {})}
    help_ = f"which {word}: {summary(KIND_OF[word].base)}"
    return {
        "description": summary(KIND_OF[word].base),
        "type": "object",
        "properties": {"use": {"enum": list(names), "description": help_}},
        "required": ["use"],
        "anyOf": [{}, *choices],
        **chosen,
    }


def _grid(registry: Registry) -> Schema:
    """`"site.multiplier"`, `[grid.site]` with `multiplier`, and `[[grid.site]]` with whole tables."""
    properties: Schema = {}
    for table in TABLES:
        if table in ("run", "grid"):
            continue
        whole: Schema
        if table in OPTION_TABLES:
            whole = _option_table(table, OPTION_TABLES[table], registry, partial=True)
            keys = {key: [schema] for key, schema in whole["properties"].items()}
        else:
            whole, keys = component_table(table, registry), _keys(table, registry)
        axes = {key: _axis(choices) for key, choices in keys.items()}
        nested = {"type": "object", "properties": axes, "additionalProperties": False}
        properties[table] = {"anyOf": [_axis([whole]), nested]}
        properties |= {f"{table}.{key}": axis for key, axis in axes.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _keys(word: str, registry: Registry) -> dict[str, list[Schema]]:
    """The keys of all components of a kind, each with what any of them takes there."""
    found: dict[str, list[Schema]] = {"use": [{"enum": list(registry.names(word))}]}
    tables = [table_schema(registry.get(word, name)) for name in registry.names(word)]
    if word in CORE_KEYS:
        tables.append(table_schema(CORE_KEYS[word]))
    for table in tables:
        for key, schema in table["properties"].items():
            taken = found.setdefault(key, [])
            if schema not in taken:
                taken.append(schema)
    return found


def _axis(choices: list[Any]) -> Schema:
    items = choices[0] if len(choices) == 1 else {"anyOf": choices}
    return {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}
