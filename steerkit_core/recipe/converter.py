"""A strict cattrs converter, and its errors as lines a person can act on.

The default converter is lenient: "no" becomes True, 3.9 becomes 3, unknown keys vanish, a string becomes
a tuple of letters. In a recipe each of these is a mistake that would change a result.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Union, cast, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from steerkit_core.components import OptionError
from steerkit_core.errors import Problem, nearest

PLAIN_WORDS: dict[type, str] = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a string",
}


def make_converter() -> Converter:
    """A converter that accepts a value only as the type that is declared, within its bounds."""
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    for kind in PLAIN_WORDS:
        converter.register_structure_hook(kind, _structure_plain)
    converter.register_structure_hook_func(_is_literal, _structure_literal)
    converter.register_structure_hook_factory(_is_tuple, _tuple_factory)
    converter.register_structure_hook_factory(_is_union, _union_factory)
    converter.register_structure_hook_factory(attrs.has, _class_factory)
    return converter


def problems(
    error: BaseException, where: str, known: Sequence[str] = (), shared: Sequence[str] = ()
) -> Iterator[Problem]:
    """Every single fault inside an error of the converter, each with the place it belongs to.

    `known` are the keys that may stand there; `shared` further ones of a class whose own are looked up.
    """
    if isinstance(error, ClassValidationError):
        fields = (
            tuple(attribute.name for attribute in attrs.fields(error.cl)) if attrs.has(error.cl) else ()
        )
        yield from _inner(
            error, where, (*fields, *shared), lambda note: f".{note.name}" if where else note.name
        )
    elif isinstance(error, IterableValidationError):
        yield from _inner(error, where, (), lambda note: f"[{note.index}]")
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields):
            yield Problem(f"{where}.{key}" if where else key, unknown_key("option", key, known))
    elif isinstance(error, KeyError):
        yield Problem(where, "required, but not given")
    else:
        yield Problem(where, str(error))


def _inner(
    group: ClassValidationError | IterableValidationError,
    where: str,
    known: Sequence[str],
    place: Callable[[Any], str],
) -> Iterator[Problem]:
    noted, rest = group.group_exceptions()
    for inner, note in noted:
        yield from problems(inner, where + place(note), known)
    for inner in rest:
        yield from problems(inner, where, known)


def unknown_key(word: str, key: str, known: Sequence[str]) -> str:
    """The message for a key that nothing reads."""
    return f"unknown {word}{nearest(key, known)} (known: {', '.join(known) or 'none'})"


def type_words(kind: Any) -> str:
    """What a declared type expects, in the words of an error message."""
    if kind in PLAIN_WORDS:
        return PLAIN_WORDS[kind]
    if _is_literal(kind):
        choices = [repr(choice) for choice in get_args(kind)]
        return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    if _is_tuple(kind):
        return f"a list, each {type_words(get_args(kind)[0])}"
    if _is_union(kind):
        return " or ".join(type_words(member) for member in get_args(kind) if member is not types.NoneType)
    return f"a table of {getattr(kind, '__name__', kind)}"


def _structure_plain(value: Any, kind: Any) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise OptionError(PLAIN_WORDS[kind], value)
    if kind is float and not math.isfinite(value):
        raise OptionError("a finite number", value)
    return value


def _is_literal(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _structure_literal(value: Any, kind: Any) -> Any:
    choices = get_args(kind)
    for choice in choices:
        if type(choice) is type(value) and choice == value:
            return value
    hint = nearest(value, [str(choice) for choice in choices]) if isinstance(value, str) else ""
    message = OptionError(type_words(kind), value)
    raise ValueError(f"{message}{hint}") if hint else message


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _tuple_factory(kind: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    (member, *_) = get_args(kind)
    as_list: Any = types.GenericAlias(list, (member,))
    structure_list = converter.get_structure_hook(as_list)

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise OptionError(type_words(kind), value)
        return tuple(structure_list(list(value), as_list))

    return structure


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _union_factory(kind: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    members = [member for member in get_args(kind) if member is not types.NoneType]

    def structure(value: Any, _: Any) -> Any:
        if value is None and len(members) < len(get_args(kind)):
            return None
        if len(members) == 1:
            return converter.structure(value, members[0])
        for member in members:
            try:
                return converter.structure(value, member)
            except (OptionError, ValueError):
                continue
        raise OptionError(type_words(kind), value)

    return structure


def _class_factory(cl: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    """Structure an attrs class; the checks of all its options run, not only the first that fails."""
    attrs.resolve_types(cl)
    overrides: dict[str, Any] = {
        attribute.name: override(struct_hook=_checked(attribute, converter))
        for attribute in attrs.fields(cl)
        if attribute.init
    }
    structure_table = make_dict_structure_fn(
        cl, converter, _cattrs_forbid_extra_keys=True, _cattrs_detailed_validation=True, **overrides
    )

    def structure(value: Any, kind: Any) -> Any:
        if not isinstance(value, Mapping):
            raise OptionError("a table", value)
        return structure_table(value, kind)

    return structure


def _checked(attribute: attrs.Attribute[Any], converter: Converter) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        result: Any = converter.structure(value, cast("Any", attribute.type))
        for check in attribute.metadata.get("checks", ()):
            check(result)
        return result

    return structure
