"""Runs of a bundled model whose cells are steered in every way that can be exported, and in some that cannot."""

import json
import re
from contextlib import contextmanager

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from steerkit_bundled import folder
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.parsing import parse_recipe

RECIPE = """\
[run]
name = "many"

[model]
id = "bundled:qwen2-s"
device = "cpu"

[prompts]
contrast = "refusal-5"
evaluation = "three.txt"

[extractor]
use = "dim"

[selector]
use = "fixed"
layer = 6

[site]
use = "residual-add"
multiplier = 4.0

[classifier]
use = "refusal-keywords"

[controls]
random = 1
shuffled = 0
flipped = false

[generation]
max_new_tokens = 12
"""
SITES = {
    "onward": 'use="residual-add", multiplier=4.0',
    "layer": 'use="residual-add", multiplier=0.5, unit="residual", span="layer"',
    "per-layer": 'use="residual-add", multiplier=9.0, unit="raw", directions="per-layer"',
    "preserve": 'use="residual-add", multiplier=4.0, preserve_norm=true',
    "generated": 'use="residual-add", multiplier=4.0, tokens="generated"',
    "ablate": 'use="residual-ablate"',
    "clamp": 'use="residual-clamp", multiplier=3.0',
    "affine": 'use="residual-affine", multiplier=3.0',
    "conditional": 'use="conditional", operation="add", multiplier=3.0, threshold=0.0',
}
PROMPTS = ("What is a verb?", "How do I bake bread for eleven people?", "Tell me a joke.")


@pytest.fixture(scope="session")
def make_run(registry, tmp_path_factory):
    """`make_run(changes)` runs the recipe and returns its folder; `tables` take the place of its own."""

    def make(changes=(), name="many", tables="", registry=registry):
        home = tmp_path_factory.mktemp("run")
        (home / "three.txt").write_text("\n".join(PROMPTS) + "\n")
        text = RECIPE
        for table in re.findall(r"^\[.*\]$", tables, re.MULTILINE):
            text = re.sub(rf"^{re.escape(table)}\n.*?\n\n", "", text, flags=re.DOTALL | re.MULTILINE)
        recipe = parse_recipe(f"{text}\n{tables}", registry, changes, source="test", folder=home)
        run_recipe(recipe, registry, home / name)
        return home / name

    return make


@pytest.fixture(scope="session")
def many(make_run):
    """A run with a cell for each of `SITES`, and the ids of these cells by name."""
    grid = ", ".join(f"{{{site}}}" for site in SITES.values())
    run = make_run([f"grid={{site=[{grid}]}}"])
    chosen = [entry["cell"] for entry in json.loads((run / "results.json").read_text())["selections"]]
    return run, dict(zip(SITES, chosen, strict=True))


@pytest.fixture(scope="session")
def report(many):
    return json.loads((many[0] / "results.json").read_text())


@pytest.fixture
def give(give, tmp_path, monkeypatch):
    """The same in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return give


@pytest.fixture(scope="session")
def plain_model():
    """The model as transformers loads it, without anything of steerkit's."""
    return AutoModelForCausalLM.from_pretrained(folder("qwen2-s"), dtype=torch.float32).eval()


@pytest.fixture
def hooked(plain_model):
    """`hooked(vectors)`: a context in which plain hooks add a vector to what some blocks give."""

    @contextmanager
    def steered(vectors):
        def adding(vector):
            return lambda _module, _inputs, output: output + vector

        hooks = [
            plain_model.model.layers[layer].register_forward_hook(adding(vector))
            for layer, vector in vectors.items()
        ]
        try:
            yield plain_model
        finally:
            for hook in hooks:
                hook.remove()

    return steered


@pytest.fixture(scope="session")
def added(many, report):
    """What the cells add, by hand from the run's files: vectors by layer, by the cell's name."""
    (key,) = {cell["extraction"] for cell in report["cells"] if cell["role"] == "steered"}
    with safe_open(many[0] / "directions.safetensors", framework="pt") as file:
        units = file.get_tensor(f"{key}.units")[0]
        raw_norms = file.get_tensor(f"{key}.raw_norms")[0]
        stream = file.get_tensor(f"{key}.residual_norms")
    return {
        "onward": dict.fromkeys(range(6, 10), 4.0 * units[6]),
        "layer": {6: 0.5 * float(stream[6]) * units[6]},
        "per-layer": {layer: 9.0 * float(raw_norms[layer]) * units[layer] for layer in range(6, 10)},
    }


@pytest.fixture(scope="session")
def greedy():
    """`greedy(model, text)`: what transformers writes for a request, without anything of steerkit's."""
    tokenizer = AutoTokenizer.from_pretrained(folder("qwen2-s"))

    def write(model, text):
        chat = [{"role": "user", "content": text}]
        ids = tokenizer.apply_chat_template(
            chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        with torch.no_grad():
            out = model.generate(**ids, do_sample=False, max_new_tokens=12)
        return tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)

    return write


@pytest.fixture
def texts(many):
    """`texts(cell)`: what the run wrote in a cell, by prompt."""

    def written(cell):
        lines = [json.loads(line) for line in (many[0] / "completions.jsonl").read_text().splitlines()]
        return {line["prompt"]: line["text"] for line in lines if line["cell"] == cell}

    return written
