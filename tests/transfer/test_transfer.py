"""The extractor, against directions found by hand in the source, and its messages."""

import json

import numpy as np
import pytest
import torch
from as_json import as_json
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from steerkit_core import ModelSpec, SteerkitError
from steerkit_core.errors import RecipeError
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.recipe.prompts import contrast_set
from steerkit_core.testing import KitContrast, save_tiny, tiny_handle
from steerkit_transfer import Transfer
from steerkit_transfer.maps import ridge_map

SOURCE = "tiny:qwen2:layers=6,seed=1"


@pytest.fixture
def contrast():
    return contrast_set(KitContrast.name, KitContrast().prompts())


@pytest.fixture
def target(adapters):
    return tiny_handle("qwen2", adapters)


def by_hand(model, contrast, position=-1):
    """Difference in means at every layer, from transformers' own hidden states."""
    means = []
    for prompts in (contrast.positive, contrast.negative):
        rows = []
        for prompt in prompts:
            with torch.no_grad():
                found = model.model(torch.tensor([model.encode(prompt)]), output_hidden_states=True)
            rows.append(torch.stack([state[0, position] for state in found.hidden_states[1:]]))
        means.append(torch.stack(rows).double().mean(dim=0))
    return means[0] - means[1]


def test_directions_are_those_found_in_the_source_at_equal_depth(target, contrast, sources, adapters):
    found = Transfer(source_model=SOURCE).extract_with(target, contrast, (0, 1, 2, 3), sources)
    source = tiny_handle("qwen2", adapters, layers=6, seed=1)
    expected = by_hand(source, contrast)[[0, 1, 3, 4]]
    raw = found.units[0].double() * found.raw_norms[0].unsqueeze(-1)
    torch.testing.assert_close(raw, expected, rtol=0, atol=1e-4)
    assert found.scores["source_layer"].tolist() == [[0, 1, 3, 4]]


def test_a_map_takes_the_sources_direction_through_least_squares(target, contrast, sources, adapters):
    way = Transfer(source_model="tiny:qwen2:hidden=48", map="ridge", ridge=0.2, map_prompts="benign-30")
    found = way.extract_with(target, contrast, (2,), sources)
    source = tiny_handle("qwen2", adapters, hidden=48)
    prompts = sources.prompts("benign-30")
    x, y = (model.activations(prompts)[:, 0, 2] for model in (source, target))
    expected = by_hand(source, contrast)[2] @ ridge_map(x, y, 0.2)
    raw = found.units[0, 0].double() * found.raw_norms[0, 0]
    torch.testing.assert_close(raw, expected, rtol=1e-3, atol=1e-4)
    assert 0 < float(found.scores["map_spanned"][0, 0]) <= 1


def test_a_subspace_is_taken_along_and_a_map_keeps_its_span(target, contrast, sources, adapters):
    way = {"method": "subspace", "options": ("components=2",)}
    found = Transfer(source_model=SOURCE, **way).extract_with(target, contrast, (1, 2), sources)
    source = tiny_handle("qwen2", adapters, layers=6, seed=1)
    own = sources.extractor("subspace", ("components=2",)).extract(source, contrast, (1, 3))
    torch.testing.assert_close(found.axes, own.axes, rtol=0, atol=1e-5)
    wide = "tiny:qwen2:hidden=48"
    mapped = Transfer(source_model=wide, map="ridge", **way).extract_with(target, contrast, (2,), sources)
    source = tiny_handle("qwen2", adapters, hidden=48)
    prompts = [prompt for prompt in sources.prompts("refusal-64") if prompt.role != "positive"]
    x, y = (model.activations(prompts)[:, 0, 2] for model in (source, target))
    own = sources.extractor("subspace", ("components=2",)).extract(source, contrast, (2,))
    images = (own.axes[0, 0].double() @ ridge_map(x, y, 0.01)).numpy()
    spanned = np.linalg.qr(images.T)[0]
    axes = mapped.axes[0, 0].double().numpy()
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-5)
    np.testing.assert_allclose(axes.T @ axes, spanned @ spanned.T, atol=1e-4)


def test_the_source_is_let_go_of_and_the_steered_model_is_not_loaded_again(target, contrast, sources):
    with sources:
        Transfer(source_model=SOURCE).extract_with(target, contrast, (1,), sources)
        assert sources.loader.holds(ModelSpec(id=SOURCE, device="cpu"))
    assert not sources.loader.holds(ModelSpec(id=SOURCE, device="cpu"))
    with sources.loader.lending(target), sources:
        assert sources.load(target.spec) is target


def test_the_same_weights_give_cosine_and_efficiency_one(tiny_registry, recipe_file, tmp_path):
    text = recipe_file()
    grid = 'extractor=[{use="dim"}, {use="transfer", source_model="tiny:qwen2"}]'
    report = as_json(
        run_recipe(
            load_recipe(text, tiny_registry, [f"grid={{{grid}}}", "prompts.evaluation=benign-30"]),
            tiny_registry,
            tmp_path / "run",
        )
    )
    (found,) = report["transfers"]
    assert found["cosine"] == pytest.approx(1, abs=1e-6)
    assert found["transferred"] == found["own"]
    assert found["own"]["k"] > 0
    assert found["efficiency"] == {"value": 1.0, "low": 1.0, "high": 1.0, "degenerate": True}
    assert found["differs"] == []


def test_efficiency_and_interval_are_those_of_a_naive_bootstrap(tiny_registry, recipe_file, tmp_path):
    grid = f'extractor=[{{use="dim"}}, {{use="transfer", source_model="{SOURCE}"}}]'
    changes = [f"grid={{{grid}}}", "prompts.evaluation=benign-30"]
    report = as_json(
        run_recipe(load_recipe(recipe_file(), tiny_registry, changes), tiny_registry, tmp_path / "run")
    )
    (entry,) = report["transfers"]
    lines = [json.loads(line) for line in (tmp_path / "run" / "verdicts.jsonl").read_text().splitlines()]
    arms = []
    for cell in (entry["cell"], entry["own_cell"]):
        labels = {row["prompt_id"]: row["label"] == "refusal" for row in lines if row["cell"] == cell}
        arms.append(np.array([labels[name] for name in sorted(labels)], float))
    assert entry["efficiency"]["value"] == pytest.approx(arms[0].mean() / arms[1].mean())
    draws = np.random.default_rng(5)
    ratios = []
    for _ in range(4000):
        chosen = draws.integers(0, 30, 30)
        ratios.append(arms[0][chosen].mean() / arms[1][chosen].mean())
    low, high = np.quantile(ratios, [0.025, 0.975])
    assert entry["efficiency"]["low"] == pytest.approx(low, abs=0.08)
    assert entry["efficiency"]["high"] == pytest.approx(high, abs=0.25)
    (cell,) = [cell for cell in report["cells"] if cell["id"] == entry["cell"]]
    assert (cell["source"], cell["origin"]["map"], cell["origin"]["differs"]) == (SOURCE, "none", ["model"])
    assert (
        f"tiny:qwen2: 1 of 3 cells are steered with directions of {SOURCE}, taken as they are (not the same:"
        " model)." in report["notes"]
    )
    assert "<h2>Transfer</h2>" in (tmp_path / "run" / "report.html").read_text()


@pytest.fixture
def saved(tiny_registry, recipe_file, tmp_path):
    """A run of the tiny Qwen, whose directions others may take."""
    run_recipe(load_recipe(recipe_file(), tiny_registry), tiny_registry, tmp_path / "saved")
    return tmp_path / "saved"


def taking(saved, more=""):
    return f'use = "transfer"\nrun = "{saved}"\n{more}'


def test_a_saved_run_gives_its_very_directions(saved, tiny_registry, recipe_file, tmp_path):
    first = json.loads((saved / "results.json").read_text())
    again = as_json(
        run_recipe(
            load_recipe(recipe_file(taking(saved)), tiny_registry), tiny_registry, tmp_path / "again"
        )
    )
    rows = [
        [(cell["counts"], cell["direction"]) for cell in report["cells"] if cell["role"] == "steered"]
        for report in (first, again)
    ]
    assert rows[0] == rows[1]


def test_a_saved_run_of_another_model_is_refused_and_marked_when_allowed(
    saved, tiny_registry, recipe_file, tmp_path, says
):
    other = "tiny:qwen2:seed=3"
    with pytest.raises(SteerkitError) as caught:
        run_recipe(
            load_recipe(recipe_file(taking(saved), other), tiny_registry), tiny_registry, tmp_path / "no"
        )
    says(caught)
    recipe = load_recipe(recipe_file(taking(saved, "allow_other = true"), other), tiny_registry)
    report = as_json(run_recipe(recipe, tiny_registry, tmp_path / "yes"))
    (origin,) = [cell["origin"] for cell in report["cells"] if cell["role"] == "steered" and cell["origin"]]
    assert (origin["model"], origin["run"], origin["differs"]) == ("tiny:qwen2", str(saved), ["model"])


def test_directions_that_a_run_has_kept_have_no_control_with_other_labels(
    saved, tiny_registry, recipe_file, tmp_path, says
):
    recipe = load_recipe(recipe_file(taking(saved)), tiny_registry, ["controls.shuffled=1"])
    (controls,) = as_json(run_recipe(recipe, tiny_registry, tmp_path / "again"))["controls"]
    says("\n".join(controls["left_out"]))


def refused(recipe, registry, out):
    with pytest.raises(SteerkitError) as caught:
        run_recipe(recipe, registry, out)
    return str(caught.value)


def differing(report):
    (origin,) = [cell["origin"] for cell in report["cells"] if cell["role"] == "steered" and cell["origin"]]
    return origin["differs"]


def test_a_saved_run_of_another_template_is_refused_and_marked_when_allowed(
    tiny_registry, recipe_file, tmp_path, says
):
    model = tmp_path / "model"
    save_tiny("qwen2", model)
    run_recipe(
        load_recipe(recipe_file(target=str(model)), tiny_registry), tiny_registry, tmp_path / "saved"
    )
    template = model / "chat_template.jinja"
    template.write_text(template.read_text() + "\n")
    taken = taking(tmp_path / "saved")
    recipe = load_recipe(recipe_file(taken, str(model)), tiny_registry)
    says(refused(recipe, tiny_registry, tmp_path / "no"))
    recipe = load_recipe(recipe_file(f"{taken}allow_other = true", str(model)), tiny_registry)
    assert differing(as_json(run_recipe(recipe, tiny_registry, tmp_path / "yes"))) == ["template"]


def test_a_saved_run_of_another_revision_is_refused_and_marked_when_allowed(
    saved, tiny_registry, recipe_file, tmp_path, says
):
    # of a repository on the hub the commit is revision and fingerprint
    manifest, path = json.loads((saved / "manifest.json").read_text()), saved / "directions.safetensors"
    was = manifest["models"][0]["fingerprint"]
    manifest["models"][0] |= {"revision": "abc", "fingerprint": "commit:abc"}
    (saved / "manifest.json").write_text(json.dumps(manifest))
    with safe_open(path, framework="pt") as file:
        facts = {key: text.replace(was, "commit:abc") for key, text in file.metadata().items()}
    save_file(load_file(path), path, metadata=facts)
    recipe = load_recipe(recipe_file(taking(saved)), tiny_registry)
    says(refused(recipe, tiny_registry, tmp_path / "no"))
    recipe = load_recipe(recipe_file(taking(saved, "allow_other = true")), tiny_registry)
    assert differing(as_json(run_recipe(recipe, tiny_registry, tmp_path / "yes"))) == ["revision"]


def messages(path, registry, changes=()):
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, registry, changes)
    return str(caught.value).splitlines()


WIDE = "tiny:qwen2:hidden=48"


def test_unequal_widths_are_refused_with_the_recipe(saved, tiny_registry, recipe_file, says):
    path = recipe_file(f'use = "transfer"\nsource_model = "{WIDE}"')
    says("\n".join(messages(path, tiny_registry)))
    says("\n".join(messages(recipe_file(taking(saved), WIDE), tiny_registry)))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "extractor: expected one of run, file and source_model, got none"),
        (
            'run = "x"\nsource_model = "tiny:qwen2"',
            "extractor: expected one of run, file and source_model, got run and source_model",
        ),
        (
            'run = "x"\nmap = "ridge"',
            "extractor: map 'ridge' needs the source model itself: set source_model instead of run",
        ),
        (
            'source_model = "tiny:qwen2"\nextraction = "a"',
            "extractor: extraction names what a run has kept, and there is no run",
        ),
        (
            'source_model = "tiny:qwen2"\nmethod = "transfer"',
            "extractor: method 'transfer' finds no directions, expected another extractor",
        ),
        (
            'source_model = "tiny:qwen2"\noptions = ["seed"]',
            "extractor: extractor.options: expected key=value, got 'seed'",
        ),
        (
            'source_model = "tiny:qwen2"\noptions = ["position=-2"]',
            "extractor: extractor.options: 'position' is set in [extractor] itself",
        ),
        (
            'source_model = "tiny:qwen2"\nmethod = "random"\noptions = ["seed=-1"]',
            "extractor.method 'random'.seed: expected a number of at least 0, got -1",
        ),
        (
            'source_model = "tiny:qwen2"\nmap = "ridge"\nridge = 0.0',
            "extractor.ridge: expected a number above 0, got 0.0",
        ),
        (
            'file = "nowhere.safetensors"',
            "extractor: nowhere.safetensors: no such file",
        ),
        (
            'file = "three.txt"\nextraction = "a"',
            "extractor: extraction names what a run has kept, and there is no run",
        ),
        (
            'run = "nowhere"',
            (
                "extractor: nowhere: no directions.safetensors here: not a run directory, or a run that has"
                " found no directions"
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_recipe_is_one_line(table, message, tiny_registry, recipe_file):
    assert messages(recipe_file(f'use = "transfer"\n{table}'), tiny_registry) == [message]


def test_what_a_run_does_not_hold_is_one_line(saved, tiny_registry, recipe_file):
    (key,) = {
        cell["extraction"]
        for cell in json.loads((saved / "results.json").read_text())["cells"]
        if cell["role"] == "steered"
    }
    for more, message in (
        ("position = -2", f"extractor.position: {saved} has no directions at -2 (positions: -1)"),
        (
            'module = "mlp"',
            f"extractor.module: the directions of {saved} were read from 'residual', got 'mlp'",
        ),
        (
            'extraction = "nothing"',
            (
                f"{saved}: no extractions whose key begins with 'nothing', expected one: name it in"
                f" extractor.extraction (kept: {key} (dim))"
            ),
        ),
    ):
        found = messages(recipe_file(taking(saved, more)), tiny_registry)
        assert f"extractor: {message}" in found


def test_extract_alone_says_what_it_needs(target, contrast, says):
    with pytest.raises(SteerkitError) as caught:
        Transfer(source_model=SOURCE).extract(target, contrast, (1,))
    says(caught)
