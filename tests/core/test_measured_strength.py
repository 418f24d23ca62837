"""The strength of sites without a multiplier: against activations read from transformers, token by token."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from steerkit_core.experiment import run_recipe
from steerkit_core.extraction import find_extraction
from steerkit_core.recipe import load_recipe
from steerkit_core.registry import Registry
from steerkit_core.store import RunDirectory

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
        report = run_recipe(recipe, registry, tmp_path / "run")
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
    norms = torch.cat([stream.norm(dim=-1) for stream in streams])
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
