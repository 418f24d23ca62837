"""The rule by which cells end, on outcomes that are made up prompt by prompt."""

import math
import random
from types import SimpleNamespace

import pytest
from attrs import define, field

from steerkit_core import Outcome, Prompt, SteerkitError, Trial
from steerkit_core.errors import RecipeError
from steerkit_core.recipe.parsing import parse_recipe
from steerkit_core.recipe.plan import make_plan
from steerkit_depth import Adaptive, Sweep
from steerkit_depth.adaptive import carried, hopeful_of, rounds_of

LAYERS = 10
DEPTHS = (0.1, 0.3, 0.5, 0.7, 0.9)
MULTIPLIERS = (1.0, 2.0, 4.0, 8.0, 12.0, 18.0)
PROMPTS = tuple(Prompt(f"S{number}", f"Request {number}") for number in range(30))


@define
class Context:
    """A selection context in which `label(trial, prompt)` says what becomes of a completion."""

    label: object
    prompts: tuple = PROMPTS
    rows: dict = field(factory=dict)
    calls: list = field(factory=list)
    model = SimpleNamespace(num_layers=LAYERS)
    directions = SimpleNamespace(positions=(-1,))

    def run(self, trials, prompts=None):
        chosen = self.prompts if prompts is None else prompts
        self.calls.append((len(trials), len(chosen)))
        found = []
        for trial in trials:
            labels = [self.label(trial, prompt) for prompt in chosen]
            self.rows.update(dict.fromkeys((trial, prompt) for prompt in chosen))
            counts = {name: labels.count(name) for name in ("refusal", "garbled", "normal")}
            found.append(Outcome(trial, counts, labels.count("failed")))
        return found


def grids(depths=DEPTHS, multipliers=MULTIPLIERS):
    return {"depths": depths, "multipliers": multipliers}


def full_count(context, place):
    return sum(context.label(place, prompt) == "refusal" for prompt in context.prompts)


def chosen_trial(selection):
    return Trial(selection.layer, selection.position, selection.multiplier)


def naive_wilson(k, n, z=1.959963984540054):
    middle, half = k + z * z / 2, z * math.sqrt(k * (n - k) / n + z * z / 4)
    return (middle - half) / (n + z * z), (middle + half) / (n + z * z)


def outcome(layer, refusals, asked, multiplier=1.0, garbled=0):
    counts = {"refusal": refusals, "garbled": garbled, "normal": asked - refusals - garbled}
    return Outcome(Trial(layer, -1, multiplier), counts)


def test_the_prompts_of_a_cell_double_from_round_to_round():
    assert rounds_of(4, 0.5, 30) == [4, 8, 16, 30]
    assert rounds_of(3, 1 / 3, 30) == [3, 9, 27, 30]
    assert rounds_of(2, 0.9, 5) == [2, 3, 4, 5]
    assert rounds_of(0, 0.5, 3) == [1, 2, 3]
    assert rounds_of(40, 0.5, 30) == [30]


def test_as_many_go_on_as_can_be_carried_to_the_end():
    # 4 more for each, 8 more for half of them, 14 more for a quarter
    assert carried(240, [4, 8, 16, 30], 0.5) == 240 // (4 + 4 + 3.5)
    assert carried(28, [16, 30], 0.5) == 2
    assert carried(13, [16, 30], 0.5) == 0


@pytest.mark.parametrize("asked", [4, 8, 16])
def test_a_cell_ends_where_its_interval_lies_below_the_best_ones(asked):
    cells = [outcome(layer, refusals, asked) for layer, refusals in enumerate(range(asked + 1))]
    for best in range(asked + 1):
        kept = hopeful_of(cells[: best + 1], 30, 0.95)
        low = naive_wilson(best, asked)[0]
        wanted = [k for k in range(best, -1, -1) if naive_wilson(k, asked)[1] >= low - 1e-12]
        assert [cell.counts["refusal"] for cell in kept] == wanted


def test_a_cell_ends_that_could_not_catch_up_if_all_the_rest_were_refusals():
    kept = hopeful_of([outcome(1, 27, 28), outcome(2, 25, 28), outcome(3, 24, 28)], 30, 0.95)
    assert [cell.trial.layer for cell in kept] == [1, 2]


def sampled(layer, *clusters):
    """A cell whose prompts were each sampled several times: refusals and completions of each."""
    counts = {"refusal": sum(k for k, _ in clusters), "normal": sum(m - k for k, m in clusters)}
    return Outcome(Trial(layer, -1, 1.0), counts, clusters={"refusal": clusters})


def test_completions_of_one_prompt_end_a_cell_no_sooner_than_one_of_them_would():
    # five alike completions of each of four prompts: four observations, and not twenty
    best = sampled(1, (5, 5), (5, 5), (5, 5), (5, 5))
    half = sampled(2, (5, 5), (5, 5), (0, 5), (0, 5))
    assert naive_wilson(10, 20)[1] < naive_wilson(20, 20)[0]
    assert naive_wilson(2, 4)[1] > naive_wilson(4, 4)[0]
    assert [cell.trial.layer for cell in hopeful_of([best, half], 150, 0.95)] == [1, 2]
    never = sampled(3, *[(0, 5)] * 4)
    assert naive_wilson(0, 4)[1] < naive_wilson(4, 4)[0]
    assert [cell.trial.layer for cell in hopeful_of([best, never], 150, 0.95)] == [1]


def test_of_cells_that_do_equally_well_the_gentler_goes_first():
    cells = [outcome(1, 4, 4, 8.0), outcome(2, 4, 4, 2.0), outcome(1, 4, 4, 2.0), outcome(0, 3, 4)]
    order = [(cell.trial.layer, cell.trial.multiplier) for cell in hopeful_of(cells, 30, 0.95)]
    assert order == [(1, 2.0), (2, 2.0), (1, 8.0), (0, 1.0)]


def within_one(context, selection):
    trials = Sweep(**grids()).trials(LAYERS, (-1,))
    best = max(full_count(context, trial) for trial in trials)
    return full_count(context, chosen_trial(selection)) >= best - 1


@pytest.mark.parametrize("where", Sweep(**grids()).trials(LAYERS, (-1,)))
def test_one_cell_that_steers_is_found_among_many_that_do_not(where):
    context = Context(lambda trial, _: "refusal" if trial == where else "normal")
    selection = Adaptive(**grids()).select(context)
    assert chosen_trial(selection) == where
    assert len(context.rows) <= 0.4 * 900


def test_where_many_cells_refuse_everything_the_choice_is_one_of_them():
    context = Context(lambda trial, _: "refusal" if trial.multiplier >= 2 else "normal")
    selection = Adaptive(**grids()).select(context)
    assert full_count(context, chosen_trial(selection)) == 30
    assert selection.multiplier == 2.0
    assert len(context.rows) <= 0.4 * 900


@pytest.mark.parametrize("label", ["normal", "garbled"])
def test_where_nothing_steers_it_ends_within_its_budget(label):
    context = Context(lambda *_: label)
    selection = Adaptive(**grids()).select(context)
    assert (selection.layer, selection.multiplier) == (1, 1.0)
    assert len(context.rows) <= 0.4 * 900


def drawn(seed):
    """A map like those of real models: a hill over layers and multipliers, and prompts of unequal ease."""
    rng = random.Random(seed)
    top, at, strength = rng.choice((0.3, 0.7, 1.0, 1.3)), rng.uniform(0, 9), rng.uniform(0.0, 3.0)
    ease = {prompt: rng.gauss(0, 0.15) for prompt in PROMPTS}
    noise = {}

    def label(trial, prompt):
        far = ((trial.layer - at) / 3) ** 2 + (math.log(trial.multiplier) - strength) ** 2
        chance = top * math.exp(-far / 2) + ease[prompt]
        return "refusal" if noise.setdefault((trial, prompt), rng.random()) < chance else "normal"

    return Context(label)


def test_on_maps_like_those_of_models_it_is_nearly_always_within_one_prompt_of_the_best():
    found = []
    for seed in range(60):
        context = drawn(seed)
        # noise is drawn when it is first asked for: in the order of the sweep
        for trial in Sweep(**grids()).trials(LAYERS, (-1,)):
            full_count(context, trial)
        selection = Adaptive(**grids()).select(context)
        assert len(context.rows) <= 0.4 * 900
        found.append(within_one(context, selection))
    assert sum(found) >= 0.85 * len(found)


def test_it_says_what_it_saved_and_keeps_what_every_cell_saw(says):
    context = Context(lambda trial, _: "refusal" if trial.layer == 3 else "normal")
    selection = Adaptive(depths=DEPTHS, multipliers=(1.0, 2.0)).select(context)
    # ten cells see four prompts; the two that refuse go on to eight; one of them goes on to sixteen and to
    # thirty; the other could only do as well, so that nothing more is spent
    made = 10 * 4 + 2 * 4 + 8 + 14
    says(selection.reason)
    assert context.calls == [(10, 4), (2, 8), (1, 16), (1, 30)]
    assert len(context.rows) == made == sum(row["prompts"] for row in selection.table)
    assert [row["prompts"] for row in selection.table] == [4, 4, 30, 8, 4, 4, 4, 4, 4, 4]
    assert selection.table[2] == {
        "layer": 3,
        "position": -1,
        "multiplier": 1.0,
        "refusal": 30,
        "garbled": 0,
        "normal": 0,
        "failed": 0,
        "prompts": 30,
    }


def test_the_rest_of_the_budget_goes_to_cells_that_may_be_better():
    order = list(PROMPTS)
    random.Random(0).shuffle(order)
    late = Trial(1, -1, 18.0)

    def label(trial, prompt):
        seen = order.index(prompt)
        if trial == late:  # outranked in the first round by the five that begin better and end there
            return "refusal" if seen > 1 else "normal"
        return "refusal" if trial.multiplier == 1.0 and seen < 3 else "normal"

    context = Context(label)
    selection = Adaptive(depths=DEPTHS, multipliers=(1.0, 18.0)).select(context)
    assert chosen_trial(selection) == late
    assert context.calls == [(10, 4), (5, 8), (2, 16), (1, 30), (1, 30)]
    assert len(context.rows) == 40 + 20 + 16 + 14 + 26 <= 0.4 * 300
    assert "made 116 of" in selection.reason
    poor = Context(label)
    assert (
        chosen_trial(
            Adaptive(depths=DEPTHS, multipliers=(1.0, 18.0), budget=0.38, first_round=4).select(poor)
        )
        != late
    )


def test_options_change_the_rounds():
    context = Context(lambda trial, _: "refusal" if trial.layer > 4 else "normal")
    Adaptive(**grids(), first_round=6, keep=0.2, budget=1.0).select(context)
    assert context.calls == [(30, 6), (6, 30)]
    strict = Context(lambda trial, prompt: "refusal" if prompt.id < "S2" or trial.layer == 1 else "normal")
    loose = Context(strict.label)
    Adaptive(**grids(), first_round=10, budget=1.0, confidence=0.5).select(strict)
    Adaptive(**grids(), first_round=10, budget=1.0, confidence=0.9999, keep=0.9).select(loose)
    assert strict.calls[1][0] < loose.calls[1][0]


def test_the_seed_decides_the_order_of_the_prompts():
    label = lambda *_: "normal"  # noqa: E731  # reason: one word of a table
    orders = []
    for seed in (0, 0, 1):
        context = Context(label)
        Adaptive(**grids(), seed=seed).select(context)
        orders.append([prompt.id for _, prompt in list(context.rows)[:4]])
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize(("cells", "prompts"), [(1, 30), (2, 30), (1, 1), (30, 1), (30, 2), (30, 5)])
def test_few_cells_or_prompts_are_tried_as_far_as_it_makes_sense(cells, prompts):
    some = Sweep(**grids()).trials(LAYERS, (-1,))[:cells]
    depths = tuple(dict.fromkeys(trial.layer / LAYERS for trial in some))
    context = Context(lambda *_: "refusal", prompts=PROMPTS[:prompts])
    multipliers = tuple(dict.fromkeys(trial.multiplier for trial in some))
    selection = Adaptive(depths=depths, multipliers=multipliers).select(context)
    assert full_count(context, chosen_trial(selection)) == prompts
    least = (cells - 1) * max(1, int(0.4 * prompts / 3)) + prompts  # the first round, and one in full
    assert len(context.rows) <= max(least, 0.4 * cells * prompts)


def test_cells_that_fail_end_and_others_are_chosen():
    def label(trial, _prompt):
        return "failed" if trial.multiplier > 4 else "refusal" if trial.multiplier == 4 else "normal"

    selection = Adaptive(**grids()).select(Context(label))
    assert selection.multiplier == 4.0


def test_where_the_last_ones_fail_at_the_end_one_that_had_ended_is_tried_in_full():
    order = list(PROMPTS)
    random.Random(0).shuffle(order)

    def label(trial, prompt):
        if trial.multiplier == 18.0:
            return "refusal" if order.index(prompt) < 14 else "failed"
        return "normal" if trial.multiplier == 1.0 else "garbled"

    selection = Adaptive(depths=DEPTHS, multipliers=(1.0, 2.0, 18.0)).select(Context(label))
    assert selection.multiplier == 1.0


def test_where_everything_fails_it_says_so(says):
    with pytest.raises(SteerkitError) as caught:
        Adaptive(**grids()).select(Context(lambda *_: "failed"))
    says(caught)


RECIPE = """
[model]
id = "Qwen/Qwen2.5-3B-Instruct"
[prompts]
contrast = "refusal-5"
evaluation = "benign-30"
[extractor]
use = "dim"
[selector]
use = "adaptive"
{option}
[site]
use = "residual-add"
[classifier]
use = "refusal-keywords"
"""


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("depths = []", "selector.depths: expected at least one value, got []"),
        ("depths = [1.0]", "selector.depths: expected numbers in (0, 1), got 1.0"),
        ("budget = 0.0", "selector.budget: expected a number in [0.01, 1], got 0.0"),
        ("budget = 1.5", "selector.budget: expected a number in [0.01, 1], got 1.5"),
        ("first_round = 0", "selector.first_round: expected a number of at least 1, got 0"),
        ("keep = 1.0", "selector.keep: expected a number in (0, 1), got 1.0"),
        ("confidence = 95", "selector.confidence: expected a number in (0, 1), got 95.0"),
    ],
)
def test_bad_options_are_said_before_anything_runs(option, message, registry):
    with pytest.raises(RecipeError) as caught:
        parse_recipe(RECIPE.format(option=option), registry, source="recipe.toml")
    assert message in str(caught.value)


def test_multipliers_for_a_site_that_takes_none_are_said_before_anything_runs(registry, model_folder):
    text = RECIPE.replace("{option}", "multipliers = [1.0]").replace("residual-add", "residual-ablate")
    text = text.replace("Qwen/Qwen2.5-3B-Instruct", str(model_folder))
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, registry, source="recipe.toml")
    assert "selector 'adaptive' tries multipliers, but site 'residual-ablate' takes none" in str(
        caught.value
    )


def test_the_plan_says_that_it_cannot_know_the_number(registry, model_folder):
    text = RECIPE.replace("{option}", "multipliers = [1.0, 2.0]").replace(
        "Qwen/Qwen2.5-3B-Instruct", str(model_folder)
    )
    (group,) = make_plan(parse_recipe(text, registry, source="recipe.toml"), registry).groups
    # depths 0.3 to 0.7 of four layers are two layers
    assert (group.trials, group.candidates) == (0, 2 * 2 * 30)
