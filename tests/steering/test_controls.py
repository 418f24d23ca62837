"""Controls: directions of the same length in every unit, and whether a chosen cell beats them."""

from typing import ClassVar

import pytest
import torch
from as_json import as_json
from attrs import evolve, frozen
from made_results import run_results

import steerkit_core
from steerkit_core import Classifier, ContrastSet, DirectionSet, Edit, Intervention, Prompt, Verdict
from steerkit_core.errors import RecipeError, SteerkitError
from steerkit_core.recipe.parsing import parse_recipe
from steerkit_core.steering.controls import (
    flipped,
    random_directions,
    same_effect,
    shuffled_contrast,
    with_lengths,
)
from steerkit_core.testing import small_run
from steerkit_core.testing.installed import installed_registry
from steerkit_core.testing.small_run import TABLES
from steerkit_core.testing.tiny import TinyModels

OFF = {"random": 0, "shuffled": 0, "flipped": False}
ON = {"random": 3, "shuffled": 1, "flipped": True}


def directions(positions=(-2, -1), layers=(0, 1, 3), width=24, module="residual"):
    drawn = torch.randn(
        len(positions), len(layers), width, generator=torch.Generator().manual_seed(5), dtype=torch.float64
    )
    return DirectionSet.from_raw(3.0 * drawn, positions, layers, module)


def prompts(role, number):
    return tuple(Prompt(f"{role}{index}", f"{role} {index}", role) for index in range(number))


def contrast(positive, negative):
    return ContrastSet("own", prompts("positive", positive), prompts("negative", negative))


def test_random_directions_are_as_long_and_unlike_each_other():
    found = directions()
    one, again, other, seeded = (
        random_directions(found, seed, index) for seed, index in ((0, 1), (0, 1), (0, 2), (1, 1))
    )
    assert torch.equal(one.units, again.units)
    for made in (one, other, seeded):
        assert torch.equal(made.raw_norms, found.raw_norms)
        assert torch.allclose(made.units.norm(dim=-1), torch.ones(2, 3), atol=1e-6)
        assert made.units.dtype == torch.float32
        assert torch.allclose(made.units[0], made.units[1])
    for first, second in ((one, other), (one, seeded), (one, found)):
        cosines = (first.units * second.units).sum(dim=-1)
        assert cosines.abs().max() < 0.8
        assert not torch.equal(first.units, second.units)


def test_a_layers_random_direction_does_not_depend_on_the_others():
    few, many = directions(layers=(3,)), directions(layers=(0, 1, 2, 3))
    assert torch.allclose(
        random_directions(few, 0, 1).at(3, -1).unit, random_directions(many, 0, 1).at(3, -1).unit
    )


def test_every_head_of_a_random_direction_is_as_long_as_it_was():
    found = directions(module="heads")
    made = random_directions(found, 0, 1, parts=4)
    for head in range(4):
        part = slice(6 * head, 6 * head + 6)
        assert torch.allclose(made.units[..., part].norm(dim=-1), found.units[..., part].norm(dim=-1))


def test_a_layer_without_a_direction_has_no_random_one():
    found = directions()
    dead = evolve(found, raw_norms=found.raw_norms * torch.tensor([1.0, 0.0, 1.0]))
    with pytest.raises(SteerkitError, match="has length 0"):
        random_directions(dead, 0, 1).at(1, -1)


@pytest.mark.parametrize(("positive", "negative"), [(5, 5), (4, 4), (2, 3), (9, 4)])
def test_every_new_class_has_half_of_each_old_one(positive, negative):
    made = shuffled_contrast(contrast(positive, negative), 0, 1)
    for new in (made.positive, made.negative):
        assert sum(prompt.role == "positive" for prompt in new) == positive // 2
        assert sum(prompt.role == "negative" for prompt in new) == negative // 2
    assert not set(made.positive) & set(made.negative)


def test_shuffles_repeat_and_differ():
    classes = contrast(8, 8)
    one = shuffled_contrast(classes, 0, 1)
    assert shuffled_contrast(classes, 0, 1) == one
    assert shuffled_contrast(classes, 0, 2) != one
    assert shuffled_contrast(classes, 1, 1) != one


@pytest.mark.parametrize("sizes", [(1, 1), (1, 9), (9, 1)])
def test_a_class_of_one_prompt_has_no_halves(sizes):
    assert shuffled_contrast(contrast(*sizes), 0, 1) is None


def add(vector):
    return Intervention((Edit(1, add=vector),))


def test_interventions_that_do_the_same_are_found(vector):
    one, other = vector(1), vector(2)
    assert same_effect(add(one), add(one.clone()))
    assert not same_effect(add(one), add(-one))
    assert same_effect(add(0.0 * one), add(-0.0 * one))
    assert same_effect(
        Intervention((Edit(1, unit=one, gain=1.0),)), Intervention((Edit(1, unit=-one, gain=1.0),))
    )
    assert not same_effect(
        Intervention((Edit(1, unit=one, gain=1.0),)), Intervention((Edit(1, unit=other, gain=1.0),))
    )
    assert not same_effect(
        Intervention((Edit(1, add=one, unit=one, gain=1.0),)),
        Intervention((Edit(1, add=-one, unit=-one, gain=1.0),)),
    )


def test_flipped_is_the_same_with_the_other_sign():
    found = directions()
    made = flipped(found)
    assert torch.equal(made.units, -found.units)
    assert torch.equal(made.raw_norms, found.raw_norms)


@frozen(kw_only=True)
class Always(Classifier):
    """Calls everything a refusal."""

    name: ClassVar[str] = "always"

    @property
    def labels(self):
        return ("refusal", "normal")

    def classify(self, _prompt, _completion):
        return Verdict("refusal")


def cells_of(report, role):
    return [cell for cell in report["cells"] if cell["role"] == role]


@pytest.mark.parametrize(
    "site",
    [
        {"use": "residual-add", "multiplier": 2.0},
        {"use": "residual-add", "multiplier": 0.5, "unit": "raw"},
        {"use": "residual-add", "multiplier": 0.5, "unit": "residual"},
        {"use": "residual-add", "multiplier": 2.0, "directions": "per-layer", "unit": "raw"},
        {"use": "residual-clamp", "multiplier": 2.0},
        {"use": "residual-affine"},
        {"use": "conditional", "multiplier": 2.0},
        {"use": "head-add", "multiplier": 2.0, "unit": "raw", "heads": [1]},
    ],
    ids=lambda site: "-".join(map(str, site.values())),
)
def test_controls_are_as_strong_as_the_chosen_cell_in_every_unit(site, tmp_path):
    extractor = {"use": "dim", "module": "heads" if site["use"] == "head-add" else "residual"}
    report = as_json(small_run(tmp_path, tables={"site": site, "extractor": extractor, "controls": ON}))
    (chosen,) = cells_of(report, "steered")
    found = cells_of(report, "control")
    assert [cell["control"] for cell in found] == [
        "random-1", "random-2", "random-3", "shuffled-1", "flipped",
    ]  # fmt: skip
    assert chosen["control"] is None
    for cell in found:
        assert cell["strength"] == pytest.approx(chosen["strength"], rel=1e-5)
        assert cell["direction"]["raw_norm"] == chosen["direction"]["raw_norm"]
        assert cell["condition"] == chosen["condition"]
        for column in ("layer", "position", "multiplier", "unit", "prompts", "n", "edited"):
            assert cell[column] == chosen[column]
        assert not cell["selected"]
    assert found[-1]["direction"]["cosine"] == pytest.approx(-1.0)
    assert all(abs(cell["direction"]["cosine"]) < 0.99 for cell in found[:-1])
    assert len({cell["id"] for cell in report["cells"]}) == 7
    assert [entry["role"] for entry in report["comparisons"]] == ["baseline", *["control"] * 5]


@pytest.mark.parametrize("use", ["residual-ablate", "residual-reflect"])
def test_flipping_is_left_out_where_it_changes_nothing(use, tmp_path):
    report = as_json(small_run(tmp_path, tables={"site": {"use": use}, "controls": ON}))
    names = [cell["control"] for cell in cells_of(report, "control")]
    assert names == ["random-1", "random-2", "random-3", "shuffled-1"]
    (found,) = report["controls"]
    assert any(left_out.startswith("flipped: ") for left_out in found["left_out"])


def test_an_extractor_that_does_not_look_at_prompts_has_no_shuffled_control(tmp_path, says):
    report = as_json(small_run(tmp_path, tables={"extractor": {"use": "random"}, "controls": ON}))
    (found,) = report["controls"]
    says("\n".join(found["left_out"]))


def test_ids_of_other_cells_do_not_depend_on_controls(tmp_path):
    found = [
        as_json(small_run(tmp_path / name, tables={"controls": controls}))
        for name, controls in (("on", ON), ("off", OFF))
    ]
    ids = [{cell["id"] for cell in report["cells"] if cell["role"] != "control"} for report in found]
    assert ids[0] == ids[1]
    assert cells_of(found[1], "control") == []
    assert found[1]["controls"] == []


def test_the_shuffled_direction_is_the_extractors_on_shuffled_prompts(tmp_path):
    from safetensors.torch import load_file

    from steerkit_core.model.load_model import load_model
    from steerkit_core.recipe.plan import make_plan

    report = as_json(small_run(tmp_path, tables={"controls": {**OFF, "shuffled": 2}}))
    kit = installed_registry(None, [TinyModels(tmp_path / "models")])
    text = '[model]\nid = "tiny:qwen2"\ndevice = "cpu"\n' + REST
    (group,) = make_plan(parse_recipe(text, kit), kit).groups
    (setting,) = group.settings
    model = load_model(group, kit)
    tensors = load_file(tmp_path / "run" / "directions.safetensors")
    for index, cell in enumerate(cells_of(report, "control"), 1):
        made = shuffled_contrast(setting.contrast, 0, index)
        read = model.class_activations(made, (-1,), "residual")
        positive, negative = (found.double().mean(dim=0) for found in (read.positive, read.negative))
        wanted = (positive - negative)[0]
        wanted = wanted / wanted.norm(dim=-1, keepdim=True)
        found = tensors[f"{cell['extraction']}.units"][0].double()
        assert torch.allclose(found, wanted, atol=1e-5)


REST = """
[prompts]
contrast = "kit-contrast"
evaluation = "kit-neutral"
[extractor]
use = "dim"
[selector]
use = "fixed"
layer = 1
[site]
use = "residual-add"
multiplier = 2.0
[classifier]
use = "refusal-keywords"
"""


def test_what_does_not_beat_its_controls_is_named(tmp_path):
    tables = {"classifier": {"use": "always"}, "controls": {**OFF, "random": 2}}
    report = as_json(small_run(tmp_path, Always, tables=tables))
    (found,) = report["controls"]
    (chosen,) = cells_of(report, "steered")
    share = f"{chosen['n_unique']}/{chosen['n_unique']}"
    assert found["unbeaten"] == ["unsteered", "random-1", "random-2"]
    note = (
        f"tiny:qwen2, layer 1, multiplier 2 (cell {chosen['id']}): {share} does not beat its controls:"
        f" baseline {share} (p = 1), random-1 {share} (p = 1), random-2 {share} (p = 1)."
    )
    assert note in report["notes"]
    assert note in (tmp_path / "run" / "report.html").read_text("utf-8")


def test_a_run_that_goes_on_makes_no_control_again(tmp_path, monkeypatch):
    first = as_json(small_run(tmp_path, tables={"controls": ON}))
    lines = (tmp_path / "run" / "completions.jsonl").read_bytes()

    def again(*_arguments, **_options):
        raise AssertionError("computed again")

    monkeypatch.setattr(steerkit_core.ModelHandle, "mean_activations", again)
    monkeypatch.setattr("steerkit_core.model.measuring.stream_health", again)
    assert as_json(small_run(tmp_path, tables={"controls": ON})) == first
    assert (tmp_path / "run" / "completions.jsonl").read_bytes() == lines


def test_the_page_and_the_terminal_have_controls_in_one_line_unless_asked(tmp_path):
    from rich.console import Console

    from steerkit_core.report.terminal.console import print_report

    report = as_json(small_run(tmp_path, tables={"controls": ON}))
    (found,) = report["controls"]

    def printed(**options):
        console = Console(width=200)
        with console.capture() as captured:
            print_report(run_results(**report), console, **options)
        return captured.get()

    assert f"controls: {found['sentence']}" in printed()
    assert "random-1, 1" not in printed()
    assert "random-1, 1" in printed(every_cell=True)
    assert "- flipped" in printed(every_cell=True)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("random = -1", "controls.random: expected a number of at least 0, got -1"),
        ("shuffled = -2", "controls.shuffled: expected a number of at least 0, got -2"),
        ("random = true", "controls.random: expected an integer, got True"),
        ("shuffled = true", "controls.shuffled: expected an integer, got True"),
        ("flipped = 1", "controls.flipped: expected true or false, got 1"),
        (
            "rendom = 1",
            "controls.rendom: unknown option, did you mean 'random'? (known: random, shuffled, flipped)",
        ),
    ],
)
def test_a_bad_option_is_one_line(table, message, tmp_path):
    kit = installed_registry(None, [TinyModels(tmp_path)])
    with pytest.raises(RecipeError) as caught:
        parse_recipe(f'[model]\nid = "tiny:qwen2"\n{REST}[controls]\n{table}\n', kit)
    assert str(caught.value) == message


def test_lengths_do_not_depend_on_how_long_the_vectors_were():
    found = directions()
    drawn = torch.randn(found.units.shape, dtype=torch.float64)
    assert torch.allclose(with_lengths(drawn, found).units, with_lengths(1e6 * drawn, found).units)


def test_small_runs_have_no_controls():
    assert TABLES["controls"] == OFF
