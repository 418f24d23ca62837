"""Reading a file of prompts, with all its problems at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steerkit_core.errors import PromptFileError
from steerkit_core.files.reading import read_text
from steerkit_core.recipe.prompts.formats import READERS
from steerkit_core.recipe.prompts.rows import PromptCollector, unknown

if TYPE_CHECKING:
    from pathlib import Path

    from steerkit_core.values import Prompt


def read_prompt_file(path: Path) -> tuple[Prompt, ...]:
    """The prompts of a `.toml`, `.jsonl`, `.csv` or `.txt` file, in its order.

    A row has a `text` (or `prompt`), and may have an `id`, a `role` and a `category`. Without an id a
    prompt is called after the file, `<stem>-<n>`; without a role it is neutral; `harmful` and `harmless`
    mean positive and negative.

    Raises:
        PromptFileError: the file cannot be read, or anything in it is wrong; one line per problem.
    """
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise PromptFileError(f"{path}: {unknown('kind of prompt file', path.suffix, tuple(READERS))}")
    collector = PromptCollector(path.stem)
    read(read_text(path, PromptFileError), collector)
    if not collector.prompts and not collector.problems:
        collector.problem("", "no prompts")
    if collector.problems:
        raise PromptFileError("\n".join(f"{path}{problem}" for problem in collector.problems))
    return tuple(collector.prompts)
