"""Record what `steerkit run quickstart` prints as a picture for the README."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parent / "images" / "quickstart.svg"
WIDTH = 96
# the map of cells, the selected cell with its baseline, and the summary; what lies between is left out
KEPT = (
    ("coherent refusals", "multiplier windows"),
    ("quickstart:", "share of refusals"),
    ("sweep on", "files in"),
)
# an image on a page cannot load a font from elsewhere
FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def printed(folder: str) -> Text:
    """What the run shows on a terminal, with its colors."""
    environment = {**os.environ, "COLUMNS": str(WIDTH), "FORCE_COLOR": "1", "OMP_NUM_THREADS": "1"}
    for arguments in (["run", "quickstart", "--quiet"], ["show", "quickstart"]):
        done = subprocess.run(  # noqa: S603  # reason: our own program
            [sys.executable, "-m", "steerkit_core", *arguments],
            cwd=folder, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
    return Text.from_ansi(done.stdout)


def excerpt(text: Text) -> Text:
    """The parts that are kept, with a blank line between them."""
    parts = [Text("$ steerkit run quickstart", style="bold")]
    for begin, end in KEPT:
        start = text.plain.index(begin)
        part = text[start : text.plain.index(end, start)]
        part.rstrip()
        parts.append(part)
    return Text("\n\n").join(parts)


def main() -> None:
    """Make the run in a folder of its own, and replace the picture."""
    with tempfile.TemporaryDirectory() as folder:
        text = excerpt(printed(folder))
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for line in text.split("\n"):
        line.rstrip()
        console.print(line)
    picture = console.export_svg(title="steerkit", unique_id="quickstart")
    picture = FONT.sub("", picture).replace("Fira Code, monospace", "ui-monospace, monospace")
    lines = [line.rstrip() for line in picture.splitlines()]
    PICTURE.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
