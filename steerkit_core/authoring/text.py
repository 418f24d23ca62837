"""Options as TOML text: a table with every key, its value or default, and its help as a comment."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, cast

import attrs

from steerkit_core.recipe.converter import type_words

WIDTH = 100


def option_lines(cl: type, values: Mapping[str, object], *, comments: bool = True) -> Iterator[str]:
    """A line for every option of a class, below its help, with the value given or the default.

    An option that has neither, or whose default is that nothing is set, is left as a comment. Without
    comments it is left out, and so is a default that takes more than a line.
    """
    attrs.resolve_types(cast("Any", cl))
    for field in attrs.fields(cast("Any", cl)):
        if comments:
            yield from commented(f"{field.metadata['help']} [{taken(field)}]")
        value = values.get(field.name, None if field.default is attrs.NOTHING else field.default)
        line = f"{field.name} = {toml(value)}"
        if value is not None and (comments or field.name in values or "\n" not in line):
            yield line
        elif comments:
            yield f"# {field.name} ="


def first_paragraph(cl: type) -> str:
    """The first paragraph of a class's docstring."""
    return (inspect.getdoc(cl) or "").partition("\n\n")[0]


def commented(text: str) -> Iterator[str]:
    """A text as comment lines."""
    for line in textwrap.wrap(" ".join(text.split()), WIDTH - 2, break_on_hyphens=False):
        yield f"# {line}"


def taken(field: attrs.Attribute[Any]) -> str:
    """What an option takes, in words: its type, its bounds, and its further checks by their names."""
    checks = field.metadata["checks"]
    bounds = [str(check) for check in checks if not inspect.isfunction(check)]
    named = [check.__name__.replace("_", " ") for check in checks if inspect.isfunction(check)]
    words = [type_words(field.type), *bounds]
    return " ".join([*words, f"({', '.join(named)})"] if named else words)


def toml(value: object) -> str:
    """A value as TOML; a long list has a line for each of its values, and nothing stands for None."""
    import tomlkit

    if value is None:
        return ""

    if isinstance(value, list | tuple):
        short = f"[{', '.join(toml(item) for item in value)}]"
        if len(short) <= WIDTH - 20:
            return short
        return "[\n" + "".join(f"    {toml(item)},\n" for item in value) + "]"
    if isinstance(value, str) and "\n" in value:
        return tomlkit.string(value, multiline=True).as_string()
    return tomlkit.item(value if isinstance(value, bool | int | float | str) else str(value)).as_string()
