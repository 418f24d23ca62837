"""The strength of sites without a multiplier: against activations read from transformers, token by token."""

import json

import pytest
import torch
from as_json import as_json
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from steerkit_core.api.report import open_run
from steerkit_core.extraction.extraction import find_extraction
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.results.cell import steered_cell
from steerkit_core.results.run import read_run
from steerkit_core.results.run_directory import RunDirectory

LAYER = 2


@pytest.fixture
def run(own_host, write_recipe, tmp_path):
    registry = Registry.collect(own_host)
    path = write_recipe(tmp_path)

    def run(*changes):
        base = [
            f"selector={{use = 'fixed', layer = {LAYER}}}",
            "generation.max_new_tokens=2",
            "controls={random = 1}",
        ]
        recipe = load_recipe(path, registry, [*base, *changes])
        report = as_json(run_recipe(recipe, registry, tmp_path / "run"))
        return recipe, report, tmp_path / "run"

    return run


def outputs(folder, prompts):
    """What block `LAYER` gives for each prompt, (tokens, hidden), and the rendered length of the suffix."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    for prompt in prompts:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt.text}], tokenize=False, add_generation_prompt=True
        )
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            # the state before block LAYER + 1
            yield model(input_ids=ids, output_hidden_states=True).hidden_states[LAYER + 1][0].double()


@pytest.mark.parametrize(
    ("site", "gain", "last"),
    [
        ("{use = 'residual-ablate'}", 1.0, None),
        ("{use = 'residual-ablate', span = 'layer', tokens = 'last'}", 1.0, 1),
        ("{use = 'residual-reflect', tokens = 'generated'}", 2.0, None),
        ("{use = 'conditional', operation = 'ablate', threshold = -1e9}", 1.0, None),
    ],
)
def test_it_is_the_mean_length_of_what_is_taken_out_of_neutral_prompts(run, model_folder, site, gain, last):
    recipe, report, folder = run(f"site={site}")
    neutral = recipe.settings[0].contrast.negative
    streams = list(outputs(model_folder, neutral))
    norms = torch.cat([(stream if last is None else stream[-last:]).norm(dim=-1) for stream in streams])
    steered = [cell for cell in report["cells"] if cell["role"] != "baseline"]
    assert {cell["role"] for cell in steered} == {"steered", "control"}
    shown = json.loads((folder / "results.json").read_text("utf-8"))["cells"]
    for cell in steered:
        if cell["control"] is None:
            found = find_extraction(RunDirectory(folder), cell["extraction"])
            unit = found.at(LAYER, -1).unit.double()
            edited = [stream if last is None else stream[-last:] for stream in streams]
            wanted = float(gain * torch.cat([(stream @ unit).abs() for stream in edited]).mean())
            strength = cell["strength"]
            assert strength["absolute"] == pytest.approx(wanted, rel=1e-5)
            assert strength["residual"] == pytest.approx(wanted / float(norms.mean()), rel=1e-5)
            assert strength["raw"] == pytest.approx(wanted / cell["direction"]["raw_norm"], rel=1e-5)
        assert all(value > 0 for value in cell["strength"].values())
        assert next(one for one in shown if one["id"] == cell["id"])["strength"] == cell["strength"]


def suffix_of(tokenizer):
    """How many tokens two requests that end differently have in common at their end."""
    first, second = (
        tokenizer(
            tokenizer.apply_chat_template(
                [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
            ),
            add_special_tokens=False,
        )["input_ids"]
        for text in ("Say yes", "Why not?")
    )
    pairs = zip(reversed(first), reversed(second), strict=False)
    return next(number for number, (one, other) in enumerate(pairs) if one != other)


@pytest.mark.parametrize(
    ("tokens", "last"), [("all", None), ("generated", None), ("last", 1), ("answer", 1), ("suffix", None)]
)
def test_a_unit_of_the_residual_stream_is_measured_over_the_tokens_that_are_edited(
    run, model_folder, tokens, last
):
    site = f"{{use = 'residual-add', unit = 'residual', multiplier = 0.5, tokens = '{tokens}'}}"
    recipe, report, folder = run(f"site={site}", "controls={random = 0}")
    if tokens == "suffix":
        last = suffix_of(AutoTokenizer.from_pretrained(model_folder))
        assert last > 1
    streams = list(outputs(model_folder, recipe.settings[0].contrast.negative))
    lengths = [(stream if last is None else stream[-last:]).norm(dim=-1) for stream in streams]
    wanted = float(torch.cat(lengths).mean())
    (cell,) = [cell for cell in report["cells"] if cell["role"] == "steered"]
    assert cell["strength"]["absolute"] == pytest.approx(0.5 * wanted, rel=1e-5)
    assert cell["strength"]["residual"] == pytest.approx(0.5)
    kept = steered_cell(read_run(folder), cell["id"])
    assert kept.residual_norms[LAYER] == pytest.approx(wanted, rel=1e-5)
    assert open_run(folder).directions(cell["id"]).residual_norms[LAYER] == pytest.approx(wanted, rel=1e-5)


def test_a_run_that_measured_all_tokens_alone_goes_on_counting_in_them(run):
    site = "site={use = 'residual-add', unit = 'residual', multiplier = 0.5, tokens = 'last'}"
    _, _, folder = run(site, "controls={random = 0}")
    path = folder / "directions.safetensors"
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # reason: not a dict
    earlier = {
        name: tensor for name, tensor in kept.items() if not name.endswith(("norms_last", "norms_suffix"))
    }
    assert len(earlier) < len(kept)
    save_file(earlier, path, metadata)
    found = open_run(folder)
    every = kept[f"{found.selected.extraction}.residual_norms"]
    assert found.directions().residual_norms == tuple(every.tolist())
    kept_cell = steered_cell(read_run(folder), found.selected.id)
    assert kept_cell.residual_norms == tuple(every.tolist())
