"""The ways that are compared do the same work, and the pages say what was measured."""

import json

import pytest
import torch

from bench import report
from bench.naive import naive
from bench.ours import ours
from bench.plain import plain
from bench.rfm import Given, extracted, full_width, held_in, xrfm
from bench.selection import Task, compared, cosmic, difference, spread_over, whole
from bench.work import Cell, Work, without_end
from steerkit_core.model.load_model import adapters_of
from steerkit_core.testing import tiny_handle
from steerkit_core.values import ContrastSet, Prompt
from steerkit_dim import DifferenceInMeans


@pytest.fixture
def handle(registry):
    return tiny_handle("qwen2", adapters_of(registry))


def work(handle, shifts):
    prompts = tuple(Prompt(str(length), "tea " * length) for length in (3, 1, 2))
    encoded = tuple(handle.encode(prompt) for prompt in prompts)
    return Work(tuple(Cell(layer, shift) for layer, shift in shifts), prompts, encoded, tokens=5)


def test_all_ways_write_the_same(handle):
    vectors = torch.randn(2, handle.hidden_size, generator=torch.Generator().manual_seed(0))
    given = work(handle, [(1, 5 * vectors[0]), (2, -5 * vectors[1])])
    pairs = list(given.pairs())
    one, other = ours(handle, given, pairs, 4), naive(handle, given, pairs)
    assert one.texts == other.texts
    assert one.tokens == other.tokens
    assert len(set(one.texts.values())) > 3


def test_the_limit_is_the_same_work_without_steering(handle):
    given = work(handle, [(0, torch.zeros(handle.hidden_size))] * 2)
    pairs = list(given.pairs())
    assert plain(handle, given, pairs, 4).texts == ours(handle, given, pairs, 4).texts


def test_a_text_ends_before_its_end_token_which_counts_as_made():
    assert without_end([5, 6, 2, 0], frozenset({2})) == ((5, 6), 3)
    assert without_end([5, 6], frozenset({2})) == ((5, 6), 2)


@pytest.mark.parametrize("prompts", [10, 48])
def test_all_ways_find_the_same_recursive_feature_machine(prompts):
    given = Given.draw(prompts, hidden=40, layers=1)
    (direction,) = extracted(given, (0,)).double()
    assert abs(float(full_width(given) @ direction)) > 1 - 1e-6
    if held_in(given) is not None:
        assert abs(float(xrfm(given).double() @ direction)) > 0.999


def test_the_pages_say_what_was_measured():
    found = json.loads(report.FIGURES.read_text(encoding="utf-8"))
    for page, lines in ((report.PAGE, report.page_lines), (report.SUMMARY, report.summary_lines)):
        shown = page.read_text(encoding="utf-8").split(report.BEGIN)[1].split(report.END)[0]
        assert shown.strip().splitlines() == lines(found)


@pytest.mark.parametrize("rows", [1, 100])
def test_whole_passes_give_the_same_scores_as_the_selector(handle, rows):
    harmful, harmless = ([Prompt(word, f"{word} {n}") for n in "abc"] for word in ("tea", "a larger thing"))
    contrast = ContrastSet("c", tuple(harmful), tuple(harmless))
    directions = DifferenceInMeans(position=-2).extract(handle, contrast, range(4))
    task = Task(handle, directions, contrast, kl=True)
    found = cosmic(task)
    places = spread_over(list(found), 3)
    assert len(found) == 4
    assert difference(whole(task, compared(task), places, rows), found) < 1e-5
