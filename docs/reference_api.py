"""What the page on the API says, from the names that a module makes public."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any, get_args, get_origin

HEADINGS = {
    "function": "Functions",
    "component": "Components and their options",
    "value": "Values",
    "exception": "Errors",
    "data": "Names that options may have",
}
DIRECTIVES = {"component": "class", "value": "class"}


def public_names(module: str) -> dict[str, Any]:
    """Every name of `__all__` with its object; those that are imported late are imported."""
    namespace = import_module(module)
    return {name: getattr(namespace, name) for name in sorted(namespace.__all__)}


def api_sections(module: str) -> str:
    """The public names by what they are, each kind under a heading."""
    found = public_names(module)
    parts: list[str] = []
    for kind, title in HEADINGS.items():
        names = {name: thing for name, thing in found.items() if _kind(thing) == kind}
        if names:
            parts += [f"## {title}", _documented(module, names)]
    return "\n\n".join(parts)


def api_table(module: str) -> str:
    """The public names of a module in one table."""
    return _documented(module, public_names(module))


def _documented(module: str, names: Mapping[str, Any]) -> str:
    """A table of names, and what the site puts its documentation of each in place of."""
    rows = [f"| `{name}` | {_summary(thing)} |" for name, thing in names.items()]
    table = "\n".join(["| name | what it is |", "| --- | --- |", *rows])
    return f"{table}\n\n```{{eval-rst}}\n{_directives(module, names)}\n```"


def _kind(thing: Any) -> str:
    if inspect.isclass(thing):
        if issubclass(thing, Exception):
            return "exception"
        return "component" if thing.__module__.endswith(".components") else "value"
    return "data" if get_origin(thing) is not None or not callable(thing) else "function"


def _summary(thing: Any) -> str:
    if _kind(thing) == "data":
        return ", ".join(f"`{value}`" for value in _choices(thing))
    first = (inspect.getdoc(thing) or "").partition("\n\n")[0]
    return first.replace("\n", " ").replace("|", "\\|")


def _choices(thing: Any) -> list[str]:
    """The values of a type's alternatives or of a sequence, and the names of types."""
    inner = get_args(thing) if get_origin(thing) is not tuple else ()
    if inner:
        return [word for value in inner for word in _choices(value)]
    if isinstance(thing, type) or get_origin(thing) is tuple:
        return [thing.__name__ if isinstance(thing, type) and not get_args(thing) else str(thing)]
    return [thing] if isinstance(thing, str) else [str(value) for value in thing]


def _directives(module: str, names: Mapping[str, Any]) -> str:
    lines = [f".. py:currentmodule:: {module}"]
    for name, thing in names.items():
        lines += ["", *_directive(name, thing)]
    return "\n".join(lines)


def _directive(name: str, thing: Any) -> list[str]:
    kind = _kind(thing)
    if kind == "data":  # what Sphinx would say of it is the docstring of its type
        return [f".. py:data:: {name}"]
    if kind == "function" and not inspect.isroutine(thing):  # a decorator that is an object
        return [f".. autodata:: {name}", "   :no-value:"]
    return [
        f".. auto{DIRECTIVES.get(kind, kind)}:: {name}",
        *(["   :members:"] if inspect.isclass(thing) else []),
    ]
