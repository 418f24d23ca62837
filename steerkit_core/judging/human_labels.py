"""Labels that people gave: files of them, and the one that a run keeps."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field, frozen
from filelock import FileLock

from steerkit_core.errors import SteerkitError, StoreError, nearest
from steerkit_core.files.atomic import replaced
from steerkit_core.files.reading import read_text, unwritable
from steerkit_core.results.files import LABELS

COLUMNS = ("prompt_id", "cell", "label", "rater")
ANYBODY = "anybody"
MOST_PROBLEMS = 10


class LabelFileError(SteerkitError):
    """Everything that is wrong with a file of labels, one line each."""


@frozen
class Label:
    """One row of a file: what a person called the completion of a prompt in a cell."""

    prompt_id: str
    cell: str
    label: str
    rater: str
    line: int = 0

    @property
    def row(self) -> tuple[str, str]:
        """Which completion is meant, as (cell, prompt id)."""
        return self.cell, self.prompt_id


def read_labels(path: Path) -> tuple[Label, ...]:
    """The labels of a file with the columns `prompt_id`, `cell`, `label` and, if need be, `rater`.

    Raises:
        LabelFileError: it cannot be read, or lacks a column.
    """
    reader = csv.DictReader(io.StringIO(read_text(path, LabelFileError)), skipinitialspace=True)
    columns = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = columns
    for column in COLUMNS[:3]:
        if column not in columns:
            raise LabelFileError(
                f"{path}: no column {column!r}{nearest(column, columns)}, found"
                f" {', '.join(columns) or 'none'}, expected {', '.join(COLUMNS[:3])} and, if several people"
                f" labelled, {COLUMNS[3]}"
            )
    return tuple(_label(row, reader.line_num) for row in reader)


def _label(row: Mapping[str, str | None], line: int) -> Label:
    prompt_id, cell, label, rater = ((row.get(column) or "").strip() for column in COLUMNS)
    return Label(prompt_id, cell, label, rater or ANYBODY, line)


def check_labels(
    path: Path, labels: Sequence[Label], known: Sequence[str], rows: Collection[tuple[str, str]]
) -> None:
    """Refuse a file with labels that no judge has, rows that no completion has, or rows twice.

    Args:
        path: for the messages.
        labels: what the file holds.
        known: the labels that there are.
        rows: the completions that there are, as (cell, prompt id).

    Raises:
        LabelFileError: all that is wrong, line by line, as far as it is not too much.
    """
    problems = list(_problems(path, labels, known, rows))
    if len(problems) > MOST_PROBLEMS:
        problems[MOST_PROBLEMS:] = [f"{path}: {len(problems) - MOST_PROBLEMS} further lines are wrong"]
    if problems:
        raise LabelFileError("\n".join(problems))


def _problems(
    path: Path, labels: Sequence[Label], known: Sequence[str], rows: Collection[tuple[str, str]]
) -> Iterator[str]:
    cells = {cell for cell, _ in rows}
    seen: dict[tuple[str, tuple[str, str]], int] = {}
    for one in labels:
        where = f"{path}:{one.line}"
        if one.label not in known:
            yield f"{where}: no label {one.label!r}{nearest(one.label, known)} (labels: {', '.join(known)})"
        elif one.cell not in cells:
            yield f"{where}: the run has no cell {one.cell!r}{nearest(one.cell, sorted(cells))}"
        elif one.row not in rows:
            ids = [prompt for cell, prompt in rows if cell == one.cell]
            yield f"{where}: cell {one.cell} has no prompt {one.prompt_id!r}{nearest(one.prompt_id, ids)}"
        elif (one.rater, one.row) in seen:
            first = seen[one.rater, one.row]
            yield (
                f"{where}: {one.rater} has labelled prompt {one.prompt_id!r} of cell {one.cell} already, on"
                f" line {first}"
            )
        seen.setdefault((one.rater, one.row), one.line)


@define
class LabelSheet:
    """The file `labels.csv` of a run. Labels are appended as they are given; the last can be taken back."""

    folder: Path
    labels: list[Label] = field(factory=list)

    @classmethod
    def open(cls, folder: Path) -> LabelSheet:
        """The run's labels so far.

        Raises:
            LabelFileError: there is a file of that name with something else in it.
        """
        sheet = cls(folder)
        if sheet.path.exists():
            sheet.labels = list(read_labels(sheet.path))
            if "rater" not in sheet._columns():
                raise LabelFileError(
                    f"{sheet.path}: no column 'rater', which is needed to add labels of several people"
                )
        return sheet

    @property
    def path(self) -> Path:
        """Where the labels are."""
        return self.folder / LABELS

    def add(self, label: Label) -> None:
        """Append a label.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._alone():
            before = self.path.read_bytes() if self.path.exists() else b""
            columns = self._columns() if before else list(COLUMNS)
            rows = [] if before else [columns]
            rows.append([str(getattr(label, name)) if name in COLUMNS else "" for name in columns])
            # an editor may have left the last line without its end
            gap = "\n" if before and not before.endswith(b"\n") else ""
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write(gap + _lines(rows))
        self.labels.append(label)

    def take_back(self, label: Label) -> None:
        """Take the last row with this label out of the file; all others stay, other people's too.

        Raises:
            StoreError: the file cannot be written.
        """
        wanted = [getattr(label, name) for name in COLUMNS]
        with self._alone():
            rows = list(csv.reader(io.StringIO(self.path.read_text(encoding="utf-8-sig"))))
            places = [self._columns().index(name) for name in COLUMNS]
            for number in range(len(rows) - 1, 0, -1):
                if [rows[number][place].strip() for place in places if place < len(rows[number])] == wanted:
                    del rows[number]
                    break
            with replaced(self.path) as partial:
                partial.write_text(_lines(rows), encoding="utf-8", newline="")
        self.labels.remove(label)

    def _columns(self) -> list[str]:
        """The file's own columns, in its own order."""
        text = read_text(self.path, LabelFileError)
        return [name.strip() for name in next(csv.reader(io.StringIO(text)), [])]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other people's sessions out of the file, and say in a sentence what goes wrong with it."""
        try:
            with FileLock(self.folder / f".{LABELS}.lock"):
                yield
        except OSError as error:
            raise StoreError(
                f"{unwritable(self.path, error)}; {len(self.labels)} labels are kept"
            ) from error


def _lines(rows: Sequence[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()
