"""Which completions a page shows where there is no room for all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from steerkit_core.report.content.marks import marked_text
from steerkit_core.results.rows import JudgedRow

# bytes around the texts of a sample, and of a cell's heading with its line in the filter
SAMPLE, HEADING = 420, 640

# a row, and the baseline's on the same prompt
Pair = tuple[JudgedRow, JudgedRow | None]


def choose(pairs: Mapping[str, Sequence[Pair]], selected: str | None, room: int) -> dict[str, list[int]]:
    """Which rows of each cell are shown, in their order.

    The selected cell comes in full first. The others are then given one row each, the most telling, then
    another one each, and so on while there is room.
    """
    found: dict[str, list[int]] = {id_: [] for id_ in pairs}
    turns = {id_: list(telling(rows)) for id_, rows in pairs.items()}
    ordered = [(selected, place) for place in range(len(pairs.get(selected or "", ())))]
    rest = [id_ for id_ in pairs if id_ != selected]
    longest = max((len(turns[id_]) for id_ in rest), default=0)
    ordered += [
        (id_, turns[id_][turn]) for turn in range(longest) for id_ in rest if turn < len(turns[id_])
    ]
    for id_, place in ordered:
        own = found[str(id_)]
        room -= _cost(pairs[str(id_)][place]) + (0 if own else HEADING)
        if room < 0:
            break
        own.append(place)
    return {id_: sorted(places) for id_, places in found.items()}


def telling(rows: Sequence[Pair]) -> Iterator[int]:
    """Places of a cell's rows, the most telling first.

    One after the other of each kind: a verdict that is not the baseline's, garbled, refusal, the rest.
    """
    kinds: dict[str, list[int]] = {"changed": [], "garbled": [], "refusal": [], "other": []}
    for place, (row, plain) in enumerate(rows):
        changed = plain is not None and plain.label != row.label
        label = row.label if row.label in kinds else None
        kind = "changed" if changed else label or "other"
        kinds[kind].append(place)
    for turn in itertools.zip_longest(*kinds.values()):
        yield from (place for place in turn if place is not None)


def _cost(pair: Pair) -> int:
    row, plain = pair
    texts = [row.prompt, row.text, plain.text if plain else ""]
    return SAMPLE + sum(len(marked_text(text).encode("utf-8", "replace")) for text in texts)
