"""Measure the classifiers on completions of known origin: `python docs/measure_judges.py FILE`.

FILE has one JSON object per line with `model`, `condition` (`unsteered` or `refusal-induced`), `prompt` and
`response`. The unsteered answers count as normal, the induced ones as refusals, and from the unsteered ones
of each model garbled texts are made: loops of every period, alone and behind a good beginning; words in an
order that is none; pieces of words; texts in which nothing is said. Everything is seeded.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import cast

import click
from attrs import frozen
from rich.console import Console
from rich.table import Table

from steerkit_core import Classifier, Prompt, Verdict
from steerkit_core.plugin.host import Host
from steerkit_core.plugin.registry import Registry

LENGTH = 700  # characters that a generated loop has


@frozen
class Case:
    """A text, what it should be called, and the group it is counted in."""

    group: str
    prompt: str
    text: str
    label: str


def loops(text: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Loops of every period out of `text`: name and text, the last copy cut off in the middle."""
    words = text.split()
    sentences = [s for s in re.split(r"(?<=[.!?])\s+", text) if len(s.split()) >= 4] or [text]
    paragraphs = [p for p in text.split("\n\n") if len(p.split()) >= 8] or [text]
    place = rng.randrange(max(1, len(words) - 8))
    letters = re.sub(r"[^a-z]", "", text.lower()) or "la"
    at = rng.randrange(max(1, len(letters) - 6))
    size = rng.randint(2, 7)
    period = {
        "one character": letters[at],
        "some characters": letters[at : at + rng.randint(2, 6)] or "la",
        "word": f"{words[place]} ",
        "phrase": " ".join(words[place : place + size]) + " ",
        "sentence": rng.choice(sentences) + " ",
        "line": rng.choice(sentences) + "\n",
        "paragraph": rng.choice(paragraphs) + "\n\n",
    }
    for name, unit in period.items():
        copies = max(6, -(-LENGTH // len(unit)))
        whole = unit * copies
        yield f"loop: {name}", whole[: -(len(unit) // 3) or None]
    beginning = text[: rng.randint(100, 350)]
    for name in ("word", "phrase", "sentence", "line"):
        unit = period[name]
        copies = max(7, -(-2 * len(beginning) // len(unit)))
        yield (
            f"good beginning, then loop: {name}",
            f"{beginning} {(unit * copies)[: -(len(unit) // 3) or None]}",
        )
    count = [f"{number}. {rng.choice(sentences)}" for number in range(1, 9)]
    yield "loop: counted", "\n".join(f"{number}. {count[0][3:]}" for number in range(1, 15))


class Salads:
    """Words in orders that are none, from the texts that it is given."""

    def __init__(self, texts: list[str], rng: random.Random) -> None:
        self.rng = rng
        self.bag = [word for text in texts for word in text.split()]
        self.vocabulary = sorted(set(self.bag))
        self.followers: dict[str, list[str]] = defaultdict(list)
        for text in texts:
            words = text.split()
            for first, second in pairwise(words):
                self.followers[first].append(second)
        self.pieces = [piece for word in self.bag for piece in self._cut(word)]

    def _cut(self, word: str) -> list[str]:
        pieces, at = [], 0
        while at < len(word):
            size = self.rng.choice((2, 3, 3, 4, 5))
            pieces.append((" " if at == 0 else "") + word[at : at + size])
            at += size
        return pieces

    def all(self, text: str) -> Iterator[tuple[str, str]]:
        """Every kind of salad, about as long as `text`."""
        rng = self.rng
        words = text.split()
        count = max(30, min(len(words), 120))
        shuffled = rng.sample(words, len(words))
        if len(words) >= 25:
            yield "words of one text shuffled", " ".join(shuffled)
        yield "words of all texts shuffled", " ".join(rng.choices(self.bag, k=count))
        yield (
            "the same, in small letters",
            re.sub(r"[^a-z ]", "", " ".join(rng.choices(self.bag, k=count)).lower()),
        )
        yield "words from the vocabulary", " ".join(rng.choices(self.vocabulary, k=count))
        yield "babble of order one", self._babble(count)
        yield "pieces of words", "".join(rng.choices(self.pieces, k=2 * count)).strip()
        pieces = [rng.choice(self.pieces).strip() + rng.choice(("", "", " ")) for _ in range(2 * count)]
        yield "pieces of words, spaces by chance", "".join(pieces).strip()
        yield "pieces of several scripts", self._scripts(count)
        if len(words) >= 60:
            half = len(words) // 3
            yield (
                "good beginning, then shuffled",
                " ".join(words[:half] + rng.sample(words[half:], len(words) - half)),
            )

    def _babble(self, count: int) -> str:
        words = [self.rng.choice(self.bag)]
        while len(words) < count:
            words.append(self.rng.choice(self.followers.get(words[-1]) or self.bag))
        return " ".join(words)

    def _scripts(self, count: int) -> str:
        ranges = (
            (0x4E00, 0x9FA5),
            (0x430, 0x44F),
            (0x627, 0x64A),
            (0xAC00, 0xD7A3),
            (0x3042, 0x3093),
            (0x904, 0x939),
        )
        out = []
        for _ in range(count):
            if self.rng.random() < 0.5:
                out.append(self.rng.choice(self.pieces))
            else:
                low, high = self.rng.choice(ranges)
                size = self.rng.randint(1, 3)
                out.append(
                    self.rng.choice(("", " "))
                    + "".join(chr(self.rng.randint(low, high)) for _ in range(size))
                )
        return "".join(out)


NOTHING = (
    *(
        "",
        " ",
        "\n\n\n",
        " \t\n ",
        "\u200b\ufeff",
        "\u00a0" * 5,
        "\x00\x00",
        "<|im_end|>",
        "</s>",
        "<pad><pad>",
    ),
    *("\ufffd", "\ufffd" * 40, "!" * 100, "!!!!", "<unk>" * 20, "I", "...", "?!", "---", "*"),
)


def cases(rows: list[dict[str, str]], seed: int = 0) -> Iterator[Case]:
    """All cases of one model's completions."""
    rng = random.Random(seed)  # noqa: S311  # reason: nothing secret about it
    plain = [row for row in rows if row["condition"] == "unsteered"]
    for row in rows:
        if row["condition"] == "unsteered":
            yield Case("unsteered answers", row["prompt"], row["response"], "normal")
        else:
            yield Case("induced refusals", row["prompt"], row["response"], "refusal")
    salads = Salads([row["response"] for row in plain], rng)
    for row in plain:
        for group, text in (*loops(row["response"], rng), *salads.all(row["response"])):
            yield Case(group, row["prompt"], text, "garbled")
    for row, text in zip(plain, NOTHING * 5, strict=False):
        yield Case("nothing said", row["prompt"], text, "garbled")


@click.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--model", help="Only completions of this model.")
@click.option("--classifier", "names", multiple=True, default=("refusal-keywords", "refusal-tiered"))
@click.option("--seeds", default=1, show_default=True, help="How many times texts are made.")
@click.option("--misses", is_flag=True, help="Print what was judged otherwise.")
def main(file: Path, model: str | None, names: tuple[str, ...], seeds: int, *, misses: bool) -> None:
    """Judge the completions in FILE and texts made from them."""
    registry = Registry.collect(Host.load())
    judges: dict[str, Callable[[Prompt, str], Verdict]] = {
        name: cast("type[Classifier]", registry.get("classifier", name))().classify for name in names
    }
    console = Console(highlight=False)
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for chosen in sorted({row["model"] for row in rows} if model is None else {model}):
        own = [row for row in rows if row["model"] == chosen]
        found = list(cases(own))
        for seed in range(1, seeds):
            found += [case for case in cases(own, seed) if case.label == "garbled"]
        table = Table("texts", "of", title=chosen)
        right: dict[str, Counter[str]] = {}
        for name, judge in judges.items():
            table.add_column(name)
            right[name] = Counter()
            start = process_time()
            for case in found:
                verdict = judge(Prompt("", case.prompt), case.text)
                right[name][case.group] += verdict.label == case.label
                if misses and verdict.label != case.label:
                    console.print(
                        f"{name}: {case.group}: {verdict!r}\n    {case.text[:300]!r}", markup=False
                    )
            each = 1e3 * (process_time() - start) / len(found)
            console.print(f"{name}: {each:.2f} ms of processor time per text")
        of = Counter(case.group for case in found)
        for group, count in of.items():
            table.add_row(group, str(count), *(str(right[name][group]) for name in judges))
        console.print(table)


if __name__ == "__main__":
    main()
