"""Writes what the rules on word salad know of English.

`word_order.txt` says how much likelier one class of words is after another than anywhere, `letters.txt`
which groups of three letters English words have.

The counts come from the prose in the docstrings and comments of Python's own standard library, some half a
million words of English. Only classes and letters are counted: no text is kept.
`python -m steerkit_tiered.derive` writes the files anew; another version of Python gives slightly other
numbers.
"""

import ast
import math
import re
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from steerkit_tiered.classes import SENTENCE, classes, coarse
from steerkit_tiered.spelling import letter_groups

TARGET = Path(__file__).with_name("word_order.txt")
LETTERS = Path(__file__).with_name("letters.txt")
PSEUDO = 5.0  # how many times a pair is taken to have been seen beforehand, as often as by chance
SCALE = 10  # the table holds tenths of a nat
LOWEST, HIGHEST = -40, 30  # no single pair decides

_WORD = re.compile(r"[\"'(]?[A-Za-z][a-z]*(?:[-'][a-z]+)*[.,;:?!)\"']*")
_PLAIN = re.compile(r"(?<![\w.])[a-z]+(?![\w(])")
_COMMENT = re.compile(r"(?:^[ \t]*# .*\n?)+", re.MULTILINE)


def paragraphs() -> Iterator[str]:
    """Paragraphs of prose, each once: at least eight words, four fifths of them plain ones."""
    seen = set()
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py")):
        if "site-packages" in path.parts:
            continue
        for document in _documents(path):
            for paragraph in re.split(r"\n\s*\n", document):
                text = " ".join(paragraph.split())
                words = text.split()
                if len(words) < 8 or ">>>" in text or "::" in text or text in seen:
                    continue
                if sum(_WORD.fullmatch(word) is not None for word in words) >= 0.8 * len(words):
                    seen.add(text)
                    yield text


def _documents(path: Path) -> Iterator[str]:
    try:
        source = path.read_text("utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return  # the standard library ships some files that are wrong on purpose
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            document = ast.get_docstring(node)
            if document:
                yield document
        elif path.name == "topics.py" and isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
    for match in _COMMENT.finditer(source):
        yield re.sub(r"^[ \t]*# ?", "", match[0], flags=re.MULTILINE)


def table(sequences: list[list[str]]) -> str:
    """Rows of log(P(second | first) / P(second)) in tenths of a nat; the names stand in the first line."""
    singles: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for sequence in sequences:
        singles.update(sequence)
        pairs.update(pairwise(sequence))
    firsts: Counter[str] = Counter()
    for (first, _), count in pairs.items():
        firsts[first] += count
    names = sorted(singles)
    total = sum(singles.values())
    lines = [" ".join(names)]
    for first in names:
        row = []
        for second in names:
            chance = singles[second] / total
            given = (pairs[first, second] + PSEUDO * chance) / (firsts[first] + PSEUDO)
            row.append(str(max(LOWEST, min(HIGHEST, round(SCALE * math.log(given / chance))))))
        lines.append(" ".join(row))
    return "\n".join(lines) + "\n"


def triples(texts: list[str]) -> str:
    """The groups of three letters that two different words have, of words that occur twice, on end."""
    words = Counter(word for text in texts for word in _PLAIN.findall(text))
    found: Counter[str] = Counter()
    for word, count in words.items():
        if count > 1:
            found.update(set(letter_groups(word)))
    return "".join(sorted(group for group, count in found.items() if count > 1)) + "\n"


def main() -> None:
    """Write both tables, the fine one of English and the coarse one, and the letters."""
    texts = list(paragraphs())
    LETTERS.write_text(triples(texts), encoding="ascii")
    fine = []
    for text in texts:
        sequence = [SENTENCE, *classes(text)]
        fine.append(sequence if sequence[-1] == SENTENCE else [*sequence, SENTENCE])
    rough = [[coarse(name) for name in sequence] for sequence in fine]
    TARGET.write_text(f"{table(fine)}\n{table(rough)}", encoding="utf-8")


if __name__ == "__main__":
    main()
