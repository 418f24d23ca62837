"""Between files and attrs classes, strictly: a value of another kind is told with its place.

Keys that a class does not have are left out, and defaults stand for keys that an earlier version lacks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import attrs
from attrs import Attribute, frozen
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

T = TypeVar("T")

WORDS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}
# the types of JSON values that are of a type: a bool is no number, a whole number is one
EXACT: Mapping[type, frozenset[type]] = {
    str: frozenset({str}),
    int: frozenset({int}),
    float: frozenset({int, float}),
    bool: frozenset({bool}),
    NoneType: frozenset({NoneType}),
}
INFINITY = "inf"


@frozen
class Misfit(Exception):
    """A value of another kind: where it stands (`cells[0].layer`), what was expected and what was found.

    `expected` is empty for a key that is missing.
    """

    where: str
    expected: str = ""
    found: object = None

    def __str__(self) -> str:
        if not self.expected:
            return f"{self.where} is missing"
        place = f"{self.where}: " if self.where else ""
        return f"{place}expected {self.expected}, got {self.found!r:.60}"

    def below(self, place: str) -> Misfit:
        """The same, seen from one level up."""
        joined = self.where if not self.where or self.where[0] == "[" else f".{self.where}"
        return Misfit(f"{place}{joined}", self.expected, self.found)


def structured(value: object, cl: type[T]) -> T:
    """An object of a class of results, from JSON values.

    Raises:
        Misfit: the first value that is missing, or of another kind.
    """
    try:
        return _CONVERTER.structure(value, cl)
    except (Misfit, KeyError, TypeError, ValueError, AttributeError):
        found = _misfit(value, cl)
        if found is None:
            raise
        raise found from None


def unstructured(value: object) -> Any:
    """What stands in a file for an object of a class of results."""
    return _CONVERTER.unstructure(value)


def _misfit(value: object, form: Any) -> Misfit | None:
    """The first misfit in a value, in the order of the form's fields; None where all is well."""
    if form in (object, Any):
        return None
    if attrs.has(form):
        return _class_misfit(value, form)
    origin, parts = get_origin(form), get_args(form)
    if origin in (Union, UnionType):
        if type(value) in _types(form):
            return None
        large = [part for part in parts if part is not NoneType and part not in EXACT]
        return _misfit(value, large[0]) if large and value is not None else Misfit("", _words(form), value)
    if origin is tuple:
        if type(value) is not list:
            return Misfit("", "a list", value)
        if parts[-1] is not ... and len(value) != len(parts):
            return Misfit("", f"a list of {len(parts)}", value)
        return _nth((f"[{number}]", entry, parts[0]) for number, entry in enumerate(value))
    if origin is Mapping:
        if type(value) is not dict:
            return Misfit("", "a table", value)
        return _nth((str(key), entry, parts[1]) for key, entry in value.items())
    known = value in parts if origin is Literal else type(value) in EXACT[form]
    return None if known else Misfit("", _words(form), value)


def _class_misfit(value: object, cl: Any) -> Misfit | None:
    if type(value) is not dict:
        return Misfit("", "a table", value)
    for own in _attributes(cl):
        if own.metadata.get("extra"):
            continue
        key = own.metadata.get("key", own.name)
        if key not in value:
            if own.default is attrs.NOTHING:
                return Misfit(key)
            continue
        if own.metadata.get("infinite") and value[key] == INFINITY:
            continue
        found = _misfit(value[key], own.type)
        if found is not None:
            return found.below(key)
    return None


def _nth(parts: Iterator[tuple[str, object, Any]]) -> Misfit | None:
    for place, entry, form in parts:
        if (found := _misfit(entry, form)) is not None:
            return found.below(place)
    return None


def _words(form: Any) -> str:
    if get_origin(form) is Literal:
        return f"one of {', '.join(map(str, get_args(form)))}"
    if _is_union(form):
        return " or ".join(_words(part) for part in get_args(form))
    return WORDS.get(form, "a list" if get_origin(form) is tuple else "a table")


@cache
def _types(form: Any) -> frozenset[type]:
    """The types of JSON values without parts that a form takes."""
    return frozenset().union(*(EXACT[part] for part in get_args(form) if part in EXACT))


@cache
def _attributes(cl: type) -> tuple[Attribute[Any], ...]:
    found: tuple[Attribute[Any], ...] = attrs.fields(attrs.resolve_types(cl))
    return found


def _exact(kind: type) -> Callable[[object, object], object]:
    types = EXACT[kind]

    def take(value: object, _form: object) -> object:
        if type(value) not in types:
            raise Misfit("", WORDS[kind], value)
        return value

    return take


def _one_of(value: object, form: object) -> object:
    if type(value) is not str or value not in get_args(form):
        raise Misfit("", _words(form), value)
    return value


def _either(form: Any, made: Converter) -> Callable[[Any, Any], Any]:
    """Of several types, of which one at most has parts."""
    simple = _types(form)
    large = [part for part in get_args(form) if part not in EXACT]
    within = made.get_structure_hook(large[0]) if large else None

    def take(value: object, _form: object) -> object:
        if type(value) in simple:
            return value
        if within is None:
            raise Misfit("", _words(form), value)
        return within(value, large[0])

    return take


def _list(form: Any, made: Converter) -> Callable[[Any, Any], Any]:
    parts = get_args(form)
    many = parts[-1] is ...
    hook, entry = made.get_structure_hook(parts[0]), parts[0]

    def take(value: object, _form: object) -> object:
        if type(value) is not list or not (many or len(value) == len(parts)):
            raise Misfit("", "a list", value)
        return tuple([hook(one, entry) for one in value])

    return take


def _table(form: Any, made: Converter) -> Callable[[Any, Any], Any]:
    part = get_args(form)[1]
    hook = None if part in (object, Any) else made.get_structure_hook(part)

    def take(value: object, _form: object) -> object:
        if type(value) is not dict:
            raise Misfit("", "a table", value)
        return value if hook is None else {key: hook(one, part) for key, one in value.items()}

    return take


def _structuring(cl: Any, made: Converter) -> Callable[[Any, Any], Any]:
    own = _attributes(cl)
    rest = next((one.name for one in own if one.metadata.get("extra")), None)
    overrides: dict[str, Any] = {
        one.name: override(rename=one.metadata["key"]) for one in own if "key" in one.metadata
    }
    overrides |= {
        one.name: override(struct_hook=_finite_or_infinite) for one in own if one.metadata.get("infinite")
    }
    plain = make_dict_structure_fn(cl, made, _cattrs_detailed_validation=False, **overrides)
    known = {one.metadata.get("key", one.name) for one in own}

    def take(value: Any, form: Any) -> Any:
        if type(value) is not dict:
            raise Misfit("", "a table", value)
        if rest is not None:
            value = {**value, rest: {key: one for key, one in value.items() if key not in known}}
        return plain(value, form)

    return take


def _unstructuring(cl: Any, made: Converter) -> Callable[[Any], Any]:
    own = _attributes(cl)
    rest = next((one.name for one in own if one.metadata.get("extra")), None)
    omitted = [one.name for one in own if one.metadata.get("omit")]
    overrides: dict[str, Any] = {
        one.name: override(rename=one.metadata["key"]) for one in own if "key" in one.metadata
    }
    overrides |= {one.name: override(unstruct_hook=_as_word) for one in own if one.metadata.get("infinite")}
    plain = make_dict_unstructure_fn(cl, made, **overrides)
    if rest is None and not omitted:
        return plain

    def give(value: Any) -> Any:
        found = plain(value)
        for name in omitted:
            if found[name] is None:
                del found[name]
        if rest is not None:
            found |= found.pop(rest)
        return found

    return give


def _finite_or_infinite(value: object, _form: object) -> float | None:
    if value == INFINITY:
        return math.inf
    if type(value) not in EXACT[float] and value is not None:
        raise Misfit("", "a number or null", value)
    return value  # type: ignore[return-value]  # reason: its type was just checked


def _as_word(end: float | None) -> float | str | None:
    return INFINITY if end is not None and math.isinf(end) else end


def _is_union(form: Any) -> bool:
    return get_origin(form) in (Union, UnionType)


def _is_list(form: Any) -> bool:
    return get_origin(form) is tuple


def _is_literal(form: Any) -> bool:
    return get_origin(form) is Literal


def _is_table(form: Any) -> bool:
    return get_origin(form) is Mapping


def _converter() -> Converter:
    made = Converter(detailed_validation=False)
    made.register_structure_hook_func(lambda form: form in (object, Any), lambda value, _form: value)
    for kind in EXACT:
        made.register_structure_hook(kind, _exact(kind))
    made.register_structure_hook_func(_is_literal, _one_of)
    made.register_structure_hook_factory(_is_union, lambda form: _either(form, made))
    made.register_structure_hook_factory(_is_list, lambda form: _list(form, made))
    made.register_structure_hook_factory(_is_table, lambda form: _table(form, made))
    made.register_structure_hook_factory(attrs.has, lambda form: _structuring(form, made))
    made.register_unstructure_hook_factory(attrs.has, lambda form: _unstructuring(form, made))
    return made


_CONVERTER = _converter()
