"""One row of a prompt file, whatever the format: from keys and values to a prompt, or to problems."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field, frozen

from steerkit_core.errors import nearest
from steerkit_core.values import Prompt, Role

KEYS = ("text", "prompt", "id", "role", "category")
ROLE_NAMES: dict[str, Role] = {
    "positive": "positive",
    "negative": "negative",
    "neutral": "neutral",
    "harmful": "positive",
    "harmless": "negative",
}


@frozen
class Row:
    """What stands at one place of a file: `at` follows the file's name, `called` is used in prose.

    A row of line 14 has the place `:14` and is called `line 14`. Absent and null values are left out.
    """

    at: str
    called: str
    values: Mapping[str, object]

    @classmethod
    def of_line(cls, line: int, values: Mapping[str, object]) -> Row:
        """A row that begins at `line`, counted from 1."""
        return cls(
            f":{line}", f"line {line}", {key: value for key, value in values.items() if value is not None}
        )


@define
class PromptCollector:
    """Turns rows into prompts, and keeps every problem on the way."""

    stem: str
    prompts: list[Prompt] = field(factory=list)
    problems: list[str] = field(factory=list)
    _texts: dict[str, str] = field(factory=dict)
    _ids: dict[str, str] = field(factory=dict)
    _rows: int = 0

    def problem(self, at: str, message: str) -> None:
        """Note a problem at a place of the file, the empty string being the whole file."""
        self.problems.append(f"{at}: {message}")

    def add(self, row: Row) -> None:
        """Read one row."""
        self._rows += 1
        before = len(self.problems)
        for key in row.values:
            if key not in KEYS:
                self.problem(row.at, unknown("key", key))
        text = self._text(row)
        name = self._word(row, "id") or f"{self.stem}-{self._rows}"
        self._refuse_second(row, "id", name, self._ids)
        role = self._role(row)
        category = self._word(row, "category")
        if len(self.problems) == before:
            self.prompts.append(Prompt(name, text, role, category))

    def _text(self, row: Row) -> str:
        if "text" in row.values and "prompt" in row.values:
            self.problem(row.at, "has both 'text' and 'prompt'; they mean the same, keep one")
        key = "text" if "text" in row.values else "prompt"
        if key not in row.values:
            self.problem(row.at, "no 'text'")
            return ""
        text = row.values[key]
        if not isinstance(text, str):
            self.problem(row.at, f"expected words for {key!r}, got {text!r}")
            return ""
        if not text.strip():
            self.problem(row.at, "empty prompt")
            return ""
        if not _encodable(text):
            self.problem(row.at, f"{key!r} holds half a surrogate pair, which is no character")
        self._refuse_second(row, "text", text.strip(), self._texts)
        return text

    def _refuse_second(self, row: Row, what: str, value: str, seen: dict[str, str]) -> None:
        """Note a value that an earlier row has: repeats of one prompt are one observation."""
        if value in seen:
            which = f": {value!r}" if what == "id" else ""
            self.problem(row.at, f"same {what} as {seen[value]}{which}")
        else:
            seen[value] = row.called

    def _word(self, row: Row, key: str) -> str:
        value = row.values.get(key, "")
        if not isinstance(value, str):
            self.problem(row.at, f"expected words for {key!r}, got {value!r}")
            return ""
        return value.strip()

    def _role(self, row: Row) -> Role:
        word = self._word(row, "role").lower() or "neutral"
        if word not in ROLE_NAMES:
            self.problem(row.at, unknown("role", word, tuple(ROLE_NAMES)))
        return ROLE_NAMES.get(word, "neutral")


def unknown(what: str, name: str, known: tuple[str, ...] = KEYS) -> str:
    """`unknown role 'positiv', did you mean 'positive'? (known: ...)`."""
    return f"unknown {what} {name!r}{nearest(name, known)} (known: {', '.join(known)})"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
