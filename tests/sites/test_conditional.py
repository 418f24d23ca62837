"""`conditional`: where prompts are divided, who is edited, and what a run says of it."""

import json
from itertools import pairwise

import attrs
import pytest
import torch
from as_json import as_json
from made_results import run_results
from rich.console import Console

from steerkit_core import ClassActivations, Condition, DegenerateDirection, Intervention, SteerkitError
from steerkit_core.errors import ModelError
from steerkit_core.generation import Row, generate
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.report.terminal.console import print_report
from steerkit_core.testing import small_run
from steerkit_core.values import Prompt
from steerkit_sites import (
    Conditional,
    ResidualAblate,
    ResidualAdd,
    ResidualAffine,
    ResidualClamp,
    ResidualReflect,
)

FAMILIES = ("qwen2", "gemma2", "mistral")
GREEDY = GenerationOptions(max_new_tokens=8, batch_size=256)
PLAIN = {
    "add": ResidualAdd,
    "ablate": ResidualAblate,
    "clamp": ResidualClamp,
    "affine": ResidualAffine,
    "reflect": ResidualReflect,
}


def test_conditional_operations_are_those_of_the_plain_sites(steering):
    for operation, kind in PLAIN.items():
        options = {"tokens": "answer", "directions": "per-layer", "span": "everywhere"}
        if operation in ("add", "ablate"):
            options["preserve_norm"] = True
        unit = {} if operation in ("ablate", "reflect") else {"unit": "residual"}
        site = Conditional(operation=operation, **options, **unit)
        got, expected = site.intervene(steering()), kind(**options, **unit).intervene(steering())
        assert (got.tokens, got.strength, got.strength_layer) == (
            expected.tokens,
            expected.strength,
            expected.strength_layer,
        )
        assert len(got.edits) == len(expected.edits) == 4
        for one, other in zip(got.edits, expected.edits, strict=True):
            assert (one.layer, one.gain, one.preserve_norm) == (
                other.layer,
                other.gain,
                other.preserve_norm,
            )
            for vector in ("add", "unit"):
                left, right = getattr(one, vector), getattr(other, vector)
                assert left is right is None or torch.equal(left, right)
        assert site.takes_multiplier is kind().takes_multiplier
        assert site.neutral_multiplier == kind().neutral_multiplier


def test_without_a_span_the_operation_has_its_own(steering):
    for operation, kind in PLAIN.items():
        got, expected = (s.intervene(steering()) for s in (Conditional(operation=operation), kind()))
        assert [edit.layer for edit in got.edits] == [edit.layer for edit in expected.edits]


@pytest.mark.parametrize(
    ("options", "layer"),
    [({}, 1), ({"condition_layer": 3}, 3), ({"condition_depth": 0.5}, 2), ({"condition_depth": 0.2}, 0)],
)
def test_the_condition_is_read_where_it_is_asked_for_and_divides_the_contrast_set(
    steering, naive_f1, options, layer
):
    way = steering()
    condition = Conditional(**options).intervene(way).condition
    d = way.directions.units[0, layer]
    positive, negative = way.classes.positive[:, 0, layer] @ d, way.classes.negative[:, 0, layer] @ d
    ranked = sorted([*positive.tolist(), *negative.tolist()])
    scores = [naive_f1(positive.tolist(), negative.tolist(), (a + b) / 2) for a, b in pairwise(ranked)]
    assert (condition.layer, condition.position, condition.when, condition.module) == (
        layer,
        -1,
        "above",
        "residual",
    )
    assert torch.equal(condition.unit, d)
    assert condition.facts == {
        "f1": pytest.approx(max(scores)),
        "positive": int((positive > condition.threshold).sum()),
        "negative": int((negative > condition.threshold).sum()),
    }


def test_a_given_threshold_and_the_other_side(steering):
    for when in ("above", "below"):
        condition = Conditional(threshold=0.25, when=when).intervene(steering()).condition
        assert (condition.threshold, condition.when) == (0.25, when)
        held = [condition.holds(number) for number in (0.0, 0.25, 0.5)]
        assert held == ([False, False, True] if when == "above" else [True, True, False])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"condition_layer": 4}, "site.condition_layer: the model has layers 0 to 3, got layer 4"),
        (
            {"condition_position": -2},
            "site.condition_position: there is no direction at layer 1, position -2 (positions: -1)",
        ),
    ],
)
def test_a_condition_that_cannot_be_read_is_one_sentence(steering, options, message):
    with pytest.raises(SteerkitError) as caught:
        Conditional(**options).intervene(steering())
    assert str(caught.value) == message


def test_classes_that_project_to_one_number_cannot_be_divided(steering, says):
    same = torch.zeros(3, 1, 4, 32)
    way = steering(classes=lambda: ClassActivations((-1,), (0, 1, 2, 3), same, same))
    with pytest.raises(DegenerateDirection) as caught:
        Conditional().intervene(way)
    says(caught)
    assert Conditional(threshold=0.0).intervene(way).condition.facts["f1"] == 0.0


def projections(handle, prompts, condition):
    """Prompt by prompt, from transformers' own hidden states."""
    found = []
    for prompt in prompts:
        with torch.no_grad():
            states = handle.model(torch.tensor([handle.encode(prompt)]), output_hidden_states=True)
        # the last of them comes after the final norm, so that the condition lies below it
        found.append(
            float(states.hidden_states[condition.layer + 1][0, condition.position] @ condition.unit)
        )
    return found


@pytest.mark.parametrize("backend", ["hooks", "nnsight"])
@pytest.mark.parametrize("family", FAMILIES)
def test_prompts_that_pass_get_the_plain_site_and_others_nothing(
    handles, prompts, steering, family, backend
):
    handle = handles(family, backend)
    probe = Conditional(threshold=0.0).intervene(steering()).condition
    read = sorted(projections(handle, prompts, probe))
    cuts = [(low + high) / 2 for low, high in pairwise(read)]
    ways = [Intervention(), ResidualClamp(tokens="last").intervene(steering(multiplier=12.0))]
    conditional = []
    for operation, kind in PLAIN.items():
        way = steering(multiplier=2.0 if operation == "affine" else 8.0)
        for cut, when in (
            (cuts[0], "above"),
            (cuts[1], "below"),
            (read[0] - 1, "above"),
            (read[0] - 1, "below"),
        ):
            unit = {"unit": "raw"} if operation == "affine" else {}
            site = Conditional(operation=operation, threshold=cut, when=when, **unit)
            conditional.append((site.intervene(way), kind().intervene(way)))
    rows = [Row(prompt, way) for way in ways for prompt in prompts]
    rows += [Row(prompt, way) for way, _ in conditional for prompt in prompts]
    found = dict(generate(handle, rows, GREEDY))
    unsteered = dict(generate(handle, rows[: len(prompts)], GREEDY))
    assert [found[row] for row in range(3)] == [unsteered[row] for row in range(3)]
    passed = 0
    for number, (way, plain) in enumerate(conditional, start=len(ways)):
        alone = dict(generate(handle, [Row(prompt, plain) for prompt in prompts], GREEDY))
        for row, number_read in enumerate(projections(handle, prompts, way.condition)):
            above = number_read > way.condition.threshold
            passes = above == (way.condition.when == "above")
            passed += passes
            assert found[3 * number + row] == (alone if passes else unsteered)[row]
    assert passed == 5 * (2 + 2 + 3 + 0)


def test_the_first_answer_token_is_under_the_condition_too(handles, prompts, steering, first_logits):
    handle = handles("qwen2")
    way = Conditional(threshold=0.0).intervene(steering())
    cut = sorted(projections(handle, prompts, way.condition))[1]
    way = attrs.evolve(way, condition=attrs.evolve(way.condition, threshold=cut - 1e-3))
    met = handle.meets(prompts, way.condition)
    assert sorted(met) == [False, True, True]
    found = first_logits(handle, [(prompt, way) for prompt in prompts])
    bare = attrs.evolve(way, condition=None)
    expected = first_logits(
        handle, [(p, bare if m else Intervention()) for p, m in zip(prompts, met, strict=True)]
    )
    assert torch.equal(found, expected)


@pytest.mark.parametrize("backend", ["hooks", "nnsight"])
def test_a_prompt_is_read_once_and_no_further_than_the_condition(handles, steering, backend):
    handle = handles("mistral", backend)
    prompts = [Prompt(f"q{number}", f"What is {number} and {number}?") for number in (1, 2, 3, 1)]
    calls = []
    hooks = [
        block.register_forward_pre_hook(lambda *_, layer=layer: calls.append(layer))
        for layer, block in enumerate(handle.blocks)
    ]
    condition = Conditional(threshold=0.0).intervene(steering(layer=1)).condition
    met = handle.meets(prompts, condition)
    assert met[0] == met[3]
    assert set(calls) == {0, 1}
    calls.clear()
    assert handle.meets(prompts, attrs.evolve(condition, threshold=1.0, unit=-condition.unit)) is not None
    assert calls == []
    handle.meets(prompts[:1], attrs.evolve(condition, layer=2))
    assert calls == [0, 1, 2]
    for hook in hooks:
        hook.remove()


def test_a_prompt_too_short_for_the_condition_is_named(handles, prompts, says):
    handle = handles("qwen2")
    size = len(handle.encode(prompts[0]))
    condition = Condition(torch.eye(32)[0], 1, -size - 1, 0.0)
    with pytest.raises(ModelError) as caught:
        handle.meets(prompts, condition)
    says(caught)


def test_a_condition_at_a_layer_that_is_not_there_is_refused(handles, says):
    condition = Condition(torch.eye(32)[0], 4, -1, 0.0)
    with pytest.raises(ModelError) as caught:
        handles("qwen2").check(Intervention(condition=condition))
    says(caught)


def conditional_run(folder, **site):
    folder.mkdir(exist_ok=True)
    report = as_json(
        small_run(folder, Conditional, {"site": {"use": "conditional", "multiplier": 9.0, **site}})
    )
    lines = (folder / "run" / "completions.jsonl").read_text("utf-8").splitlines()
    texts = {}
    for line in map(json.loads, lines):
        texts.setdefault(line["cell"], {})[line["prompt_id"]] = line["text"]
    steered = next(cell for cell in report["cells"] if cell["role"] == "steered")
    baseline = next(cell for cell in report["cells"] if cell["role"] == "baseline")
    return report, steered, baseline, texts


def test_a_run_says_how_many_rows_were_edited_and_by_which_threshold(tmp_path):
    found = {}
    for name, options in {
        "f1": {},
        "all": {"threshold": -1e6},
        "none": {"threshold": 1e6},
        "rest": {"threshold": -1e6, "when": "below"},
    }.items():
        found[name] = conditional_run(tmp_path / name, **options)
    assert len({steered["id"] for _, steered, _, _ in found.values()}) == 4
    report, steered, baseline, texts = found["f1"]
    assert set(steered["condition"]) == {
        "layer",
        "position",
        "module",
        "threshold",
        "when",
        "f1",
        "positive",
        "negative",
    }
    assert (baseline["condition"], baseline["edited"]) == (None, 0)
    console = Console(width=120, record=True)
    print_report(run_results(**report), console)
    shown = console.export_text()
    # the last column of both cells
    rows = [line.split() for line in shown.splitlines() if line.lstrip("* ").startswith("kit-neutral")]
    assert [row[-1] for row in rows] == ["0", str(steered["edited"])]
    assert "edited" in shown
    changed = sum(
        texts[steered["id"]][prompt] != texts[baseline["id"]][prompt] for prompt in texts[steered["id"]]
    )
    assert changed <= steered["edited"] <= steered["n"] + steered["failed"]
    _, steered, baseline, texts = found["all"]
    rows = steered["n"] + steered["failed"]
    assert steered["edited"] == rows
    assert texts[steered["id"]] != texts[baseline["id"]]
    for name, side in (("none", "above 1e+06"), ("rest", "below -1e+06")):
        report, steered, baseline, texts = found[name]
        assert steered["edited"] == 0
        assert texts[steered["id"]] == texts[baseline["id"]]
        where = f"such as {steered['id']}: projection {side} at layer 1, position -1."
        notes = [note for note in report["notes"] if "conditional" in note]
        said = "tiny:qwen2: the condition of 1 of 1 conditional cells holds for none of"
        whose = ("their prompts, which are all unedited", "the contrast prompts")
        assert notes == [f"{said} {who}, {where}" for who in whose]


def test_the_contrast_set_is_read_once_for_all_cells_and_not_at_all_where_nothing_asks(
    tmp_path, monkeypatch
):
    from steerkit_core.model.handle import ModelHandle

    reads = []
    real = ModelHandle.class_activations

    def counted(self, *arguments):
        reads.append(arguments[1:])
        return real(self, *arguments)

    monkeypatch.setattr(ModelHandle, "class_activations", counted)
    sweep = {"use": "sweep", "depths": [0.3, 0.6], "multipliers": [1.0, 2.0]}
    for number, (site, expected) in enumerate(
        {"residual-affine": 1, "conditional": 1, "residual-clamp": 0}.items()
    ):
        reads.clear()
        folder = tmp_path / str(number)
        folder.mkdir()
        small_run(folder, None, {"site": {"use": site}, "selector": sweep})
        assert reads == [((-1,), "residual")] * expected


def test_a_run_given_again_asks_the_same_and_writes_the_same(tmp_path, monkeypatch):
    conditional_run(tmp_path, operation="affine", multiplier=3.0, unit="raw")
    first = (tmp_path / "run" / "results.json").read_bytes()

    def refuse(*_arguments):
        raise AssertionError("everything was written already")

    monkeypatch.setattr("steerkit_core.generation.generate", refuse)
    conditional_run(tmp_path, operation="affine", multiplier=3.0, unit="raw")
    assert (tmp_path / "run" / "results.json").read_bytes() == first


def test_of_a_cell_that_ended_early_those_rows_are_counted_that_were_asked(tmp_path):
    """`adaptive` asks cells for some prompts only; each of them is edited, the others are not there."""
    adaptive = {"use": "adaptive", "depths": [0.3, 0.6], "multipliers": [1.0, 2.0], "budget": 0.5}
    prompts = {"contrast": "kit-contrast", "evaluation": "kit-neutral", "selection": "benign-30"}
    tables = {"site": {"use": "conditional", "threshold": -1e6}, "selector": adaptive, "prompts": prompts}
    report = as_json(small_run(tmp_path, Conditional, tables))
    asked = [cell["n"] + cell["failed"] for cell in report["cells"] if cell["role"] == "steered"]
    edited = [cell["edited"] for cell in report["cells"] if cell["role"] == "steered"]
    assert edited == asked
    assert min(asked) < 30
