"""How a field of a result differs from what stands in its file; read by the converter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import attrs

# left out of the file where it is None
OMIT = {"omit": True}
# collects the keys that no other field has: a plugin's own columns
EXTRA = {"extra": True}
# JSON has no number for an infinite value: the word `inf` stands there
INFINITE = {"infinite": True}
# keys that are no names in Python
FROM = {"key": "from"}


class Bridge(Mapping[str, Any]):
    """Lets code that still asks by key read a class of results; goes when none does."""

    __slots__ = ()

    def _fields(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in attrs.fields(cast("Any", type(self))):
            value = getattr(self, one.name)
            if one.metadata.get("extra"):
                found |= value
            elif not (one.metadata.get("omit") and value is None):
                found[one.metadata.get("key", one.name)] = value
        return found

    def __getitem__(self, key: str) -> Any:
        return self._fields()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields())

    def __len__(self) -> int:
        return len(self._fields())
