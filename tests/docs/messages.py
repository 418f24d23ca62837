"""What the code can say: its texts as patterns, read from the sources."""

import ast
import re
from functools import cache

from docs_pages import ROOT

PACKAGES = ("steerkit_core", "plugins", "steerkit_contrib_cosmic", "steerkit_contrib_rfm")
# a text that is all gaps would say anything
LETTERS, SHARE = 12, 0.3


@cache
def patterns():
    """Every text of the sources that has words of its own, with its length; what is filled in may be anything."""
    found = set()
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            found |= {
                pattern for node in ast.walk(ast.parse(file.read_text("utf-8"))) if (pattern := _of(node))
            }
    return [(letters, re.compile(pattern)) for letters, pattern in sorted(found)]


def _of(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        parts = [node]
    elif isinstance(node, ast.JoinedStr):
        parts = node.values
    else:
        return None
    words = "".join(part.value for part in parts if isinstance(part, ast.Constant))
    if len(re.sub(r"\W", "", words)) < LETTERS or "\n" in words:
        return None
    return len(words), "".join(
        re.escape(part.value) if isinstance(part, ast.Constant) else ".*" for part in parts
    )


def says(line):
    """Whether the code has a text that is this line, but for what is filled in, which is not most of it."""
    return any(letters >= SHARE * len(line) and pattern.fullmatch(line) for letters, pattern in patterns())
