"""Both protocols: directions found in the quantized model, and carried over from the unquantized one."""

import gc
import json
import math
import weakref

import pytest
import torch
from as_json import as_json
from bitsandbytes.nn import Linear4bit
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from steerkit_core import ModelHandle
from steerkit_core.extraction.quantization import cosines
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.recipe.plan import make_plan
from steerkit_core.values import DirectionSet

FIXED = "grid.selector=[{use = 'fixed', layer = 1}]"
LAST = 3  # transformers reports its output behind the final norm, so that it is no oracle for it
NAIVE = {
    "none": {},
    "int8": {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)},
    "int4": {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32
        )
    },
}


@pytest.fixture(scope="module")
def path(write_recipe, tmp_path_factory):
    return write_recipe(tmp_path_factory.mktemp("quantization"))


@pytest.fixture(scope="module")
def execute(path, registry):
    """Run the small recipe with changes; returns the report and the folder."""

    def run(out, *changes):
        recipe = load_recipe(path, registry, changes)
        return as_json(run_recipe(recipe, registry, path.parent / out)), path.parent / out

    return run


@pytest.fixture(scope="module")
def both(execute):
    axes = (
        'grid."model.quantization"=["int4", "none", "int8"]',
        'grid."extractor.source"=["self", "unquantized"]',
    )
    return execute("both", FIXED, *axes)


def naive_model(folder, quantization):
    """The model as transformers and bitsandbytes load it, without any of our code."""
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, device_map={"": "cpu"}, **NAIVE[quantization]
    )
    for module in model.modules():
        if isinstance(module, Linear4bit):  # else some processors would compute in bfloat16
            module.support_avx512bf16_for_cpu = False
    return model.eval()


@pytest.fixture(scope="module")
def directions(model_folder, registry):
    """Difference in means by transformers alone: quantization to (layers, hidden), not normalised."""
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    prompts = registry.get("prompt set", "refusal-5")().prompts()

    def mean(model, role):
        states = []
        for prompt in prompts:
            if prompt.role == role:
                chat = [{"role": "user", "content": prompt.text}]
                ids = tokenizer.apply_chat_template(
                    chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
                )
                with torch.no_grad():
                    hidden = model(**ids, output_hidden_states=True).hidden_states
                states.append(torch.stack([layer[0, -1].double() for layer in hidden[1:]]))
        return torch.stack(states).mean(dim=0)

    found = {}
    for name in NAIVE:
        model = naive_model(model_folder, name)
        found[name] = mean(model, "positive") - mean(model, "negative")
    return found


def steered(report, quantization, source):
    (cell,) = [
        cell
        for cell in report["cells"]
        if (cell["role"], cell["quantization"], cell["source"]) == ("steered", quantization, source)
    ]
    return cell


@pytest.mark.parametrize(("quantization", "tolerance"), [("int4", 1e-4), ("int8", 2e-2)])
def test_each_layers_cosine_to_the_unquantized_direction(both, directions, quantization, tolerance):
    report, _ = both
    (entry,) = [entry for entry in report["quantization"] if entry["quantization"] == quantization]
    assert (entry["extractor"], entry["contrast"], entry["position"]) == ("dim", "refusal-5", -1)
    assert entry["reference_dtype"] == "float32"
    assert entry["layers"] == [0, 1, 2, 3]
    expected = torch.cosine_similarity(directions[quantization], directions["none"], dim=-1).tolist()
    assert entry["cosines"][:LAST] == pytest.approx(expected[:LAST], abs=tolerance)
    assert max(entry["cosines"]) < 0.99999  # nothing was compared with itself
    lengths = directions[quantization].norm(dim=-1).tolist()
    # int8's scales depend on the batch, and lengths on them more than angles do
    assert entry["raw_norms"][:LAST] == pytest.approx(lengths[:LAST], rel=3 * tolerance)
    lengths = directions["none"].norm(dim=-1).tolist()
    assert entry["reference_raw_norms"][:LAST] == pytest.approx(lengths[:LAST], rel=1e-5)


def test_the_two_protocols_are_cells_of_their_own_and_the_unquantized_model_has_one(both, directions):
    report, folder = both
    assert len({cell["id"] for cell in report["cells"]}) == len(report["cells"]) == 3 + 1 + 2 + 2
    kept = load_file(folder / "directions.safetensors")
    whole = steered(report, "none", "self")
    for quantization in ("int8", "int4"):
        own, carried = (steered(report, quantization, source) for source in ("self", "unquantized"))
        # the direction is the unquantized one, the stream that it is added to the quantized model's
        assert carried["direction"] == whole["direction"]
        assert carried["direction"]["raw_norm"] == pytest.approx(
            float(directions["none"][1].norm()), rel=1e-5
        )
        assert own["direction"] != whole["direction"]
        assert (
            carried["strength"]["residual"] == own["strength"]["residual"] != whole["strength"]["residual"]
        )
        units = {cell["extraction"]: kept[f"{cell['extraction']}.units"] for cell in (whole, own, carried)}
        assert torch.equal(units[carried["extraction"]], units[whole["extraction"]])
        assert not torch.equal(units[own["extraction"]], units[whole["extraction"]])
    facts = json.loads((folder / "manifest.json").read_text())
    assert [model["quantization"] for model in facts["models"]] == ["none", "int4", "int8"]
    assert [setting["extractor"]["source"] for setting in facts["settings"]] == ["self", "unquantized"] * 3


def test_a_carried_direction_is_added_to_the_quantized_model(both, directions, model_folder):
    report, folder = both
    cell = steered(report, "int4", "unquantized")
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = naive_model(model_folder, "int4")
    unit = directions["none"][1] / directions["none"][1].norm()
    shift = (cell["multiplier"] * unit).float()
    for block in model.model.layers[1:]:
        block.register_forward_hook(lambda _module, _inputs, output: output + shift)
    rows = [json.loads(line) for line in (folder / "completions.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["cell"] == cell["id"]]
    assert len(rows) == 5
    for row in rows:
        chat = [{"role": "user", "content": row["prompt"]}]
        ids = tokenizer.apply_chat_template(
            chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        out = model.generate(**ids, max_new_tokens=6, do_sample=False)[0, ids["input_ids"].shape[1] :]
        assert row["text"] == tokenizer.decode(out, skip_special_tokens=True)


def test_given_again_it_generates_and_extracts_nothing_and_says_the_same(both, execute, monkeypatch):
    def refuse(*_arguments):
        raise AssertionError("done already")

    monkeypatch.setattr("steerkit_core.generation.generate", refuse)
    monkeypatch.setattr(ModelHandle, "mean_activations", refuse)
    monkeypatch.setattr("steerkit_core.model.measuring.stream_health", refuse)
    axes = (
        'grid."model.quantization"=["int4", "none", "int8"]',
        'grid."extractor.source"=["self", "unquantized"]',
    )
    assert execute("both", FIXED, *axes)[0] == both[0]


def test_a_model_that_no_setting_loads_whole_is_loaded_for_the_extraction_and_let_go(
    both, execute, monkeypatch
):
    from steerkit_core.model.load_model import load_model

    alive, seen = [], []

    def load(group, registry):
        gc.collect()
        seen.append((group.spec.quantization, sum(ref() is not None for ref in alive)))
        model = load_model(group, registry)
        alive.append(weakref.ref(model.model))
        return model

    monkeypatch.setattr("steerkit_core.pipeline.recipe_run.load_model", load)
    report, _ = execute("lone", FIXED, "model.quantization=int4", "extractor.source=unquantized")
    assert seen == [("none", 0), ("int4", 0)]
    assert {cell["quantization"] for cell in report["cells"]} == {"int4"}
    assert [cell["id"] for cell in report["cells"] if cell["selected"]] == [
        steered(both[0], "int4", "unquantized")["id"]
    ]
    assert report["quantization"] == []  # nothing was found in the quantized model


def test_a_plan_runs_each_model_whole_before_it_runs_it_quantized(path, registry):
    axes = ('grid."model.quantization"=["int8", "none"]', 'grid."extractor.source"=["unquantized"]')
    plan = make_plan(load_recipe(path, registry, axes), registry)
    assert [group.spec.quantization for group in plan.groups] == ["none", "int8"]
    assert [len(group.settings) for group in plan.groups] == [1, 1]
    assert [len(group.lent) for group in plan.groups] == [1, 0]


def test_the_cosine_of_a_direction_without_length_is_no_number():
    raw = torch.tensor([[[3.0, 4.0], [0.0, 0.0], [1.0, math.nan], [1.0, 0.0]]])
    other = torch.tensor([[[4.0, 3.0], [1.0, 0.0], [1.0, 0.0], [-2.0, 0.0]]])
    sets = [DirectionSet.from_raw(table, (-1,), (0, 1, 2, 3)) for table in (raw, other)]
    ((first, zero, nan, opposite),) = cosines(*sets).tolist()
    assert first == pytest.approx(0.96, abs=1e-6)
    assert math.isnan(zero)
    assert math.isnan(nan)
    assert opposite == pytest.approx(-1.0)


def test_controls_of_carried_directions_are_carried_over_too(execute):
    switches = [
        f"controls.{key}={value}" for key, value in (("random", 1), ("shuffled", 1), ("flipped", "true"))
    ]
    axes = ('grid."model.quantization"=["none", "int4"]', "extractor.source=unquantized")
    report, folder = execute("controlled", FIXED, *axes, *switches)
    kept = load_file(folder / "directions.safetensors")
    found = {
        (cell["quantization"], cell["control"]): cell
        for cell in report["cells"]
        if cell["role"] == "control"
    }
    assert len(found) == 6
    whole, carried = (found[quantization, "shuffled-1"] for quantization in ("none", "int4"))
    assert whole["extraction"] != carried["extraction"]
    assert torch.equal(kept[f"{whole['extraction']}.units"], kept[f"{carried['extraction']}.units"])
    assert carried["source"] == "unquantized"
    chosen = steered(report, "int4", "unquantized")
    for name in ("random-1", "shuffled-1", "flipped"):
        assert found["int4", name]["strength"] == pytest.approx(chosen["strength"])
        assert found["int4", name]["direction"]["cosine"] == pytest.approx(
            found["none", name]["direction"]["cosine"]
        )
    # what was shuffled is compared with nothing, and measures no stream of its own
    assert report["quantization"] == []
    assert len(report["health"]) == 2
