"""`steerkit label`."""

from __future__ import annotations

import getpass
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steerkit_core.cli import completing
from steerkit_core.cli.runs import finished_run
from steerkit_core.errors import SteerkitError

if TYPE_CHECKING:
    from rich.console import Console

    from steerkit_core.judging.human_labels import LabelSheet
    from steerkit_core.judging.run_texts import Text
    from steerkit_core.results.cells import CellResult

SKIP, UNDO, QUIT = "s", "u", "q"


@click.command(short_help="Label a run's texts yourself, blind.")
@click.argument("run", type=click.Path(path_type=Path), shell_complete=completing.runs)
@click.option("--rater", metavar="NAME", help="Whose labels these are.  [default: your login name]")
@click.option(
    "--cell",
    "--cells",
    "cells",
    multiple=True,
    shell_complete=completing.cells,
    help="Only texts of this cell; can be repeated.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N texts of the shuffled order.")
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Seed of the order, together with the rater's name.",
)
@click.option(
    "--early", is_flag=True, help="Include texts that stopped early because their verdict was settled."
)
def label(
    run: Path, rater: str | None, cells: tuple[str, ...], limit: int | None, seed: int, *, early: bool
) -> None:
    """Read the texts of RUN one by one, in random order, and label each with one key.

    Labeling is blind: neither the cell nor any verdict is shown, and equal answers to one request are shown
    once. Each label is written to `labels.csv` in the run directory at once; the same command resumes where
    you stopped. Several people can label one run, each under their own name.

    \b
    Examples:
        steerkit label quickstart
        steerkit label runs/quickstart --rater alice --limit 50
    """
    from steerkit_core.judging.human_labels import LabelSheet
    from steerkit_core.judging.run_texts import run_texts

    kept = finished_run(run)
    folder, name = kept.folder, _rater(rater)
    keys = _keys(kept.results.cells)
    order = list(run_texts(folder, cells, early=early).texts)
    random.Random(f"{seed}:{name}").shuffle(order)  # noqa: S311  # reason: an order, no secret
    session = _Session(LabelSheet.open(folder), name, order[:limit], keys)
    session.ask_all()
    session.say_goodbye(run)


class _Session:
    """One person's way through the texts."""

    def __init__(
        self, sheet: LabelSheet, rater: str, texts: Sequence[Text], keys: Mapping[str, str]
    ) -> None:
        from rich.console import Console

        from steerkit_core.judging.human_labels import Label

        self.console: Console = Console(highlight=False)
        self.sheet, self.rater, self.texts, self.keys = sheet, rater, texts, keys
        places = {row: text for text in texts for row in text.rows}
        self.make = Label
        # what this person has labelled already, in the order of the file, so that it can be taken back
        self.history = [
            (places[one.row], one) for one in sheet.labels if one.rater == rater and one.row in places
        ]
        self.done = {text.pair for text, _ in self.history}

    def ask_all(self) -> None:
        """Show text after text until all are labelled or skipped, or the person stops."""
        waiting = [text for text in self.texts if text.pair not in self.done]
        while waiting:
            key = self._ask(waiting[0])
            if key == QUIT:
                return
            if key == SKIP:
                waiting.pop(0)
            elif key == UNDO:
                self._take_back(waiting)
            else:
                text = waiting.pop(0)
                cell, prompt_id = text.rows[0]
                given = self.make(prompt_id, cell, self.keys[key], self.rater)
                self.sheet.add(given)
                self.history.append((text, given))
                self.done.add(text.pair)

    def _ask(self, text: Text) -> str:
        from rich.markup import escape

        prompt, answer = text.pair
        self.console.rule(f"{len(self.done) + 1} of {len(self.texts)}", align="left")
        self.console.print(
            f"[bold]request[/]\n{escape(prompt)}\n\n[bold]answer[/]\n{escape(answer.strip())}\n"
        )
        known = {*self.keys, SKIP, UNDO, QUIT}
        self.console.print(f"[dim]{escape(self._help())}[/]")
        while (key := _key()) not in known:
            self.console.print(f"no key {key!r}; {self._help()}", markup=False)
        return key

    def _help(self) -> str:
        words = {**self.keys, SKIP: "skip", UNDO: "undo the last", QUIT: "quit"}
        return ", ".join(f"{key}: {word}" for key, word in words.items())

    def _take_back(self, waiting: list[Text]) -> None:
        if not self.history:
            self.console.print("nothing to undo")
            return
        text, given = self.history.pop()
        self.sheet.take_back(given)
        self.done.discard(text.pair)
        waiting.insert(0, text)

    def say_goodbye(self, run: Path) -> None:
        """How far it is, where the labels are, and what can be done with them."""
        from steerkit_core.results.files import LABELS

        click.echo(f"\n{len(self.done)} of {len(self.texts)} texts labelled by {self.rater}.", nl=False)
        click.echo(f" Labels in {self.sheet.folder / LABELS}; compare them with")
        click.echo(f"    steerkit agree {run}")


def _rater(given: str | None) -> str:
    try:
        name = getpass.getuser() if given is None else given.strip()
    except (OSError, KeyError):  # no user of that number, as in some containers
        name = ""
    if not name or set(name) & set(",\n\r"):
        raise SteerkitError(f"--rater: expected a name without commas, got {name!r}")
    return name


def _keys(cells: Sequence[CellResult]) -> dict[str, str]:
    """A key for each label: its first letter that is free."""
    from steerkit_core.components import Classifier

    labels = dict.fromkeys([*Classifier.labels, *(one for entry in cells for one in entry.counts)])
    found: dict[str, str] = {}
    for name in labels:
        letters = [*name.lower(), *"123456789"]
        free = (key for key in letters if key not in found and key not in (SKIP, UNDO, QUIT))
        found[next(free)] = name
    return found


def _key() -> str:
    """The next key that is pressed; from a pipe the next character but white space, and `q` at its end."""
    if sys.stdin.isatty():
        return click.getchar().lower()
    while (read := sys.stdin.read(1)).isspace():
        pass
    return read.lower() or QUIT
