"""Which completions a page shows where there are more than fit."""

import pytest
from made_results import judged_row

from steerkit_core.report.content.marks import LONGEST, evidence_spans, marked_text, merged
from steerkit_core.report.page.sections.manifest import in_common, manifest_text
from steerkit_core.report.page.telling import choose, telling


def row(label, text="text"):
    return judged_row(label=label, text=text)


def pairs(labels, plain):
    return [
        (row(one), None if other is None else row(other)) for one, other in zip(labels, plain, strict=True)
    ]


def test_the_most_telling_come_first_and_all_come_once():
    labels = ["normal", "normal", "garbled", "refusal", "refusal", "failed"]
    plain = ["normal", "refusal", "garbled", "refusal", "normal", "failed"]
    # changed: 1, 4; garbled: 2; refusal: 3; the rest: 0, 5
    assert list(telling(pairs(labels, plain))) == [1, 2, 3, 0, 4, 5]


def test_without_a_baseline_kinds_take_turns():
    labels = ["normal", "refusal", "refusal", "garbled"]
    assert list(telling(pairs(labels, [None] * 4))) == [3, 1, 0, 2]


@pytest.mark.parametrize(
    ("room", "numbers"),
    [
        (0, {"a": 0, "b": 0, "c": 0}),
        # the selected one in full, then one of each
        (4 * 450 + 640, {"a": 4, "b": 0, "c": 0}),
        (5 * 450 + 2 * 640, {"a": 4, "b": 1, "c": 0}),
        (7 * 450 + 3 * 640, {"a": 4, "b": 2, "c": 1}),
        (10**6, {"a": 4, "b": 4, "c": 4}),
    ],
)
def test_room_goes_to_the_selected_cell_first(room, numbers):
    cells = {name: pairs(["normal"] * 4, [None] * 4) for name in ("b", "a", "c")}
    found = choose(cells, "a", room)
    assert {name: len(places) for name, places in found.items()} == numbers
    assert all(places == sorted(places) for places in found.values())


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], []),
        ([[2, 4]], [(2, 4)]),
        ([[5, 9], [0, 3], [2, 6]], [(0, 9)]),
        ([[3, 3], [8, 99], [-2, 1]], [(0, 1), (8, 10)]),
    ],
)
def test_spans_in_order_and_as_one_where_they_touch(spans, expected):
    assert merged(spans, 10) == expected


def test_marked_text_is_escaped_and_cut():
    assert marked_text('a <b> "c"', [[2, 5]]) == 'a <mark>&lt;b&gt;</mark> "c"'
    long = "x" * (LONGEST + 7)
    assert str(marked_text(long)).endswith('x<i class="cut">… and 7 more characters</i>')
    assert str(marked_text(long)).count("x") == LONGEST


def test_evidence_without_a_place_is_looked_for():
    assert evidence_spans("Well, I  CAN'T do it", judged_row(evidence="i can't")) == [(6, 14)]
    assert evidence_spans("no", judged_row(evidence="i can't")) == []
    assert evidence_spans("abc", judged_row(evidence="a", spans=[[1, 2]])) == [(1, 2)]


def test_settings_are_told_apart_by_what_is_not_the_same():
    settings = [
        {"model": {"id": "a", "dtype": "auto"}, "site": {"use": "x", "multiplier": m}} for m in (1, 2)
    ]
    assert in_common(settings) == (
        {"model.id": "a", "model.dtype": "auto", "site.use": "x"},
        [{"site.multiplier": 1}, {"site.multiplier": 2}],
    )
    assert manifest_text({"settings": settings}, 10)[1]
    assert not manifest_text({"settings": settings}, 10_000)[1]
