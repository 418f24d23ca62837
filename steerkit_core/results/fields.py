"""How a field of a result differs from what stands in its file; read by the converter."""

from __future__ import annotations

# left out of the file where it is None
OMIT = {"omit": True}
# collects the keys that no other field has: a plugin's own columns
EXTRA = {"extra": True}
# JSON has no number for an infinite value: the word `inf` stands there
INFINITE = {"infinite": True}
# keys that are no names in Python
FROM = {"key": "from"}
