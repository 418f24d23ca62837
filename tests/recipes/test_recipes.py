"""The shipped recipes, held against the paper's protocol. Nothing is loaded or downloaded."""

import pytest

from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.recipe.plan import make_plan
from steerkit_dim import DifferenceInMeans
from steerkit_transfer import Transfer, matched_layer

# number of blocks, the precision that is used, and the layers that the paper prints for its depths
QWEN = {
    "Qwen/Qwen2.5-3B-Instruct": (36, "float16", {0.5: 18, 0.6: 21, 0.7: 25}),
    "Qwen/Qwen2.5-7B-Instruct": (28, "float16", {0.5: 14, 0.6: 16, 0.7: 19}),
    "Qwen/Qwen2.5-14B-Instruct": (48, "float16", {0.5: 24, 0.6: 28, 0.7: 33}),
    "Qwen/Qwen2.5-32B-Instruct": (64, "bfloat16", {0.5: 32, 0.6: 38, 0.7: 44}),
}
GEMMA = {
    "google/gemma-2-2b-it": (26, "bfloat16", {0.3: 7, 0.4: 10, 0.5: 13, 0.6: 15}),
    "google/gemma-2-9b-it": (42, "bfloat16", {0.3: 12, 0.4: 16, 0.5: 21, 0.6: 25}),
    "google/gemma-2-27b-it": (46, "bfloat16", {}),
}
MISTRAL = {"mistralai/Mistral-7B-Instruct-v0.3": (32, "float16", {0.5: 16, 0.6: 19, 0.7: 22})}

ALL_DEPTHS = (0.3, 0.4, 0.5, 0.6, 0.7)
PAPER = {
    "qwen2.5-dim": (QWEN, 15.0, ALL_DEPTHS),
    "gemma2-dim": (GEMMA, 25.0, ALL_DEPTHS),
    "mistral-dim": (MISTRAL, 15.0, (0.5, 0.6, 0.7)),
}
EVALUATION_PROMPTS = 30

# the paper's other tables at one layer: model, blocks, precision, layer, and the grid
WITHOUT_SWEEP = {
    "quantisation-7b": ("Qwen/Qwen2.5-7B-Instruct", 28, "float16", 16, {"model.quantization", "extractor.source"}),
    "quantisation-32b": (
        "Qwen/Qwen2.5-32B-Instruct", 64, "bfloat16", 32, {"model.quantization", "extractor.source"}
    ),
    "window-32b": ("Qwen/Qwen2.5-32B-Instruct", 64, "bfloat16", 32, {"site.multiplier"}),
    "window-14b": ("Qwen/Qwen2.5-14B-Instruct", 48, "float16", 24, {"site.multiplier"}),
    "window-gemma-9b": ("google/gemma-2-9b-it", 42, "bfloat16", 12, {"site.multiplier"}),
    "tooling-7b-hooks": ("Qwen/Qwen2.5-7B-Instruct", 28, "float16", 16, set()),
    "tooling-7b-nnsight": ("Qwen/Qwen2.5-7B-Instruct", 28, "float16", 16, set()),
}  # fmt: skip

WINDOWS = {
    # the paper's three, and those that its author added later
    "window-32b": [10.0, 12.5, 15.0, 17.5, 20.0, 25.0],
    "window-14b": [10.0, 12.5, 15.0, 17.5],
    # the paper's reason for its multiplier in Gemma
    "window-gemma-9b": [15.0, 25.0],
}

# source and target, with their models, the target's number of blocks, layer and multiplier, and the source's layer
PAIRS = {
    ("qwen-14b", "qwen-32b"): ("Qwen/Qwen2.5-14B-Instruct", "Qwen/Qwen2.5-32B-Instruct", 64, 32, 15.0, 24),
    ("qwen-32b", "qwen-14b"): ("Qwen/Qwen2.5-32B-Instruct", "Qwen/Qwen2.5-14B-Instruct", 48, 24, 15.0, 32),
    ("qwen-7b", "gemma-9b"): ("Qwen/Qwen2.5-7B-Instruct", "google/gemma-2-9b-it", 42, 16, 25.0, 10),
    ("gemma-9b", "qwen-7b"): ("google/gemma-2-9b-it", "Qwen/Qwen2.5-7B-Instruct", 28, 16, 15.0, 24),
}

# each runs on the bundled models what the recipes beside it run on the paper's
TWINS = {
    "bundled-sizes": ("qwen2.5-dim", "gemma2-dim"),
    "bundled-architectures": ("qwen2.5-dim", "gemma2-dim", "mistral-dim"),
    "bundled-cosmic": ("qwen2.5-cosmic", "gemma2-cosmic"),
    "bundled-quantisation": ("quantisation-7b", "quantisation-32b"),
    "bundled-window": ("window-32b", "window-14b"),
    "bundled-window-gemma2": ("window-gemma-9b",),
    "bundled-cosmic-gemma2": ("gemma2-cosmic",),
    "bundled-transfer": tuple(f"transfer-{one}-{other}" for one, other in PAIRS),
    "bundled-transfer-gemma2": ("transfer-qwen-7b-gemma-9b",),
    "bundled-tooling-hooks": ("tooling-7b-hooks",),
    "bundled-tooling-nnsight": ("tooling-7b-nnsight",),
    "bundled-tooling-gemma2-hooks": ("tooling-7b-hooks",),
    "bundled-tooling-gemma2-nnsight": ("tooling-7b-nnsight",),
}


@pytest.fixture(params=sorted(PAPER))
def case(request, shipped):
    models, multiplier, depths = PAPER[request.param]
    return load_recipe(shipped.recipes[request.param], shipped), models, multiplier, depths


def test_every_shipped_recipe_loads(shipped):
    assert {"quickstart", *PAPER, *WITHOUT_SWEEP, *TWINS} <= set(shipped.recipes)
    for name, path in shipped.recipes.items():
        recipe = load_recipe(path, shipped)
        assert recipe.run.name == name
        assert recipe.settings


def test_models_and_precisions_are_those_of_the_protocol(case):
    recipe, models, _, _ = case
    found = [(setting.model.id, setting.model.dtype) for setting in recipe.settings]
    assert found == [(name, dtype) for name, (_, dtype, _) in models.items()]
    assert {setting.model.quantization for setting in recipe.settings} == {"none"}


def test_depths_are_the_layers_that_the_paper_prints(case):
    recipe, models, _, depths = case
    for setting in recipe.settings:
        num_layers, _, printed = models[setting.model.id]
        assert setting.selector.depths == depths
        layers = [trial.layer for trial in setting.trials(num_layers)]
        assert layers == [int(num_layers * depth) for depth in depths]
        assert {depth: layers[depths.index(depth)] for depth in printed} == printed


def test_the_plan_is_one_baseline_and_one_cell_per_depth_and_model(case, shipped):
    recipe, models, _, depths = case
    plan = make_plan(recipe, shipped)
    assert len(plan.groups) == len(models)
    for group in plan.groups:
        (setting,) = group.settings
        assert group.baselines == EVALUATION_PROMPTS
        assert len(setting.trials(models[group.spec.id][0])) == len(depths)
        # the chosen cell is one of those tried, because both are measured on the same prompts
        assert setting.selection.prompts == setting.evaluation.prompts


def test_components_and_strength_are_the_papers(case):
    recipe, _, multiplier, _ = case
    for setting in recipe.settings:
        assert (setting.extractor.name, setting.extractor.position) == ("dim", -1)
        assert (setting.site.name, setting.site.multiplier) == ("residual-add", multiplier)
        assert (setting.site.unit, setting.site.span, setting.site.tokens) == ("absolute", "onward", "all")
        assert setting.classifier.name == "refusal-keywords"
        assert (setting.generation.max_new_tokens, setting.generation.temperature) == (100, 0.0)


def test_prompts_are_the_papers(case, says):
    recipe, _, _, _ = case
    for setting in recipe.settings:
        contrast = setting.contrast
        assert [prompt.id for prompt in contrast.positive] == ["H1", "H2", "H3", "H4", "H5"]
        assert [prompt.id for prompt in contrast.negative] == ["L1", "L2", "L3", "L4", "L5"]
        says(contrast.positive[3].text)
        assert contrast.negative[3].text == "Explain how photosynthesis works"
        prompts = setting.evaluation.prompts
        assert [prompt.id for prompt in prompts] == [f"T{n}" for n in range(1, EVALUATION_PROMPTS + 1)]
        says(prompts[29].text)


@pytest.fixture(params=sorted(WITHOUT_SWEEP))
def single(request, shipped):
    return load_recipe(shipped.recipes[request.param], shipped), *WITHOUT_SWEEP[request.param]


def test_the_tables_at_one_layer_use_the_papers_layer_and_precision(single):
    recipe, model, blocks, dtype, layer, _ = single
    for setting in recipe.settings:
        assert (setting.model.id, setting.model.dtype) == (model, dtype)
        assert setting.selector.name == "depth"
        assert int(blocks * setting.selector.depth) == layer
        assert (setting.extractor.name, setting.extractor.position) == ("dim", -1)
        assert (setting.site.name, setting.site.unit, setting.site.span) == (
            "residual-add", "absolute", "onward"
        )  # fmt: skip
        assert setting.classifier.name == "refusal-keywords"
        assert (setting.generation.max_new_tokens, setting.generation.temperature) == (100, 0.0)
        assert len(setting.evaluation.prompts) == EVALUATION_PROMPTS
        assert setting.contrast.name == "refusal-5"


def test_the_tables_at_one_layer_vary_what_the_paper_varies(single):
    recipe, _, _, _, _, varied = single
    found = {place for setting in recipe.settings for place in setting.overrides}
    assert found == varied
    multipliers = [setting.site.multiplier for setting in recipe.settings]
    quantized = {(setting.model.quantization, setting.extraction.source) for setting in recipe.settings}
    if recipe.run.name in WINDOWS:
        assert multipliers == WINDOWS[recipe.run.name]
    else:
        assert set(multipliers) == {15.0}
    if recipe.run.name.startswith("quantisation"):
        both = ("self", "unquantized")
        assert quantized == {
            (precision, source) for precision in ("none", "int8", "int4") for source in both
        }
    else:
        assert quantized == {("none", "self")}


def test_the_halves_of_the_tooling_comparison_differ_in_the_backend_alone(shipped):
    for pair in (
        ("tooling-7b-hooks", "tooling-7b-nnsight"),
        ("bundled-tooling-hooks", "bundled-tooling-nnsight"),
        ("bundled-tooling-gemma2-hooks", "bundled-tooling-gemma2-nnsight"),
    ):
        documents = [load_recipe(shipped.recipes[name], shipped).document for name in pair]
        assert [document["model"].pop("backend") for document in documents] == ["hooks", "nnsight"]
        for document, backend in zip(documents, ("hooks", "nnsight"), strict=True):
            for point in document.get("grid", {}).get("model", []):
                assert point.pop("backend") == backend
        assert [document.pop("run")["name"] for document in documents] == list(pair)
        assert documents[0] == documents[1]


@pytest.mark.parametrize("name", sorted(TWINS))
def test_a_twin_has_the_structure_of_what_it_stands_for(name, shipped):
    twin = load_recipe(shipped.recipes[name], shipped)
    assert all(setting.model.id.startswith("bundled:") for setting in twin.settings)
    for original in (load_recipe(shipped.recipes[other], shipped) for other in TWINS[name]):
        for table in ("extractor", "selector", "site", "classifier"):
            assert twin.document[table]["use"] == original.document[table]["use"]
        assert set(original.document["extractor"]) == set(twin.document["extractor"])
        assert set(original.document["site"]) == set(twin.document["site"])
        assert original.document["prompts"] == twin.document["prompts"]
        assert original.document["generation"] == twin.document["generation"]
        # a twin of several originals runs their models as a grid
        assert set(original.document.get("grid", {})) - {"model"} == set(twin.document.get("grid", {})) - {
            "model"
        }


@pytest.mark.parametrize("name", sorted({*PAPER, *WITHOUT_SWEEP, *TWINS}))
def test_every_key_of_a_paper_recipe_has_its_default_written_out(name, shipped):
    """A recipe that leaves a key of its component tables open would change with our defaults."""
    recipe = load_recipe(shipped.recipes[name], shipped)
    for table in ("extractor", "site"):
        written = set(recipe.document[table]) - {"use"}
        built = getattr(recipe.settings[0], table)
        assert written == {attribute.name for attribute in built.__attrs_attrs__}


@pytest.mark.parametrize("pair", sorted(PAIRS))
def test_the_papers_pairs_are_transferred_at_equal_depth_with_the_targets_strength(pair, shipped):
    source, target, blocks, layer, multiplier, source_layer = PAIRS[pair]
    own, moved = load_recipe(shipped.recipes[f"transfer-{pair[0]}-{pair[1]}"], shipped).settings
    assert [setting.model.id for setting in (own, moved)] == [target, target]
    assert (own.extractor.name, moved.extractor.name) == ("dim", "transfer")
    assert (moved.extractor.source_model, moved.extractor.map) == (source, "none")
    assert int(blocks * own.selector.depth) == layer
    assert matched_layer(layer, blocks, {**QWEN, **GEMMA}[source][0]) == source_layer
    assert {setting.site.multiplier for setting in (own, moved)} == {multiplier}


def test_the_transfer_recipes_write_out_every_key(shipped):
    for name in (
        "bundled-transfer",
        "bundled-transfer-gemma2",
        *(f"transfer-{one}-{other}" for one, other in PAIRS),
    ):
        recipe = load_recipe(shipped.recipes[name], shipped)
        for table in recipe.document["grid"]["extractor"]:
            cl = {"dim": DifferenceInMeans, "transfer": Transfer}[table["use"]]
            assert set(table) - {"use"} == {attribute.name for attribute in cl.__attrs_attrs__}


@pytest.mark.parametrize(
    "name", sorted({"qwen2.5-cosmic", "gemma2-cosmic", *PAPER, *WITHOUT_SWEEP, *TWINS})
)
def test_a_paper_recipe_says_which_controls_it_has(name, shipped):
    recipe = load_recipe(shipped.recipes[name], shipped)
    written = {"random": 3, "shuffled": 1, "flipped": True}
    if name in WITHOUT_SWEEP or not {*TWINS.get(name, ())}.isdisjoint(WITHOUT_SWEEP):
        written = {"random": 1, "shuffled": 0, "flipped": False}
    assert recipe.document["controls"] == written


@pytest.fixture
def cosmic(shipped):
    return load_recipe(shipped.recipes["qwen2.5-cosmic"], shipped)


def test_cosmic_is_held_against_dim_on_the_same_models_prompts_and_strength(cosmic, shipped):
    dim = load_recipe(shipped.recipes["qwen2.5-dim"], shipped)
    assert len(cosmic.settings) == len(dim.settings) == len(QWEN)
    for one, other in zip(cosmic.settings, dim.settings, strict=True):
        assert one.model == other.model
        assert (one.contrast, one.evaluation) == (other.contrast, other.evaluation)
        assert (one.site, one.classifier, one.generation) == (
            other.site,
            other.classifier,
            other.generation,
        )
        assert one.validation == one.contrast
        assert (one.selector.name, one.selector.variant) == ("cosmic", "paper")
        assert (one.extractor.positions, one.extractor.module) == ((-5, -4, -3, -2, -1), "input")
        one.selector.check(QWEN[one.model.id][0])


def test_every_key_of_the_cosmic_recipe_has_its_default_written_out(cosmic):
    for table in ("extractor", "selector", "site"):
        written = set(cosmic.document[table]) - {"use"}
        built = getattr(cosmic.settings[0], table)
        assert written == {attribute.name for attribute in built.__attrs_attrs__}


def test_the_quick_cosmic_recipe_holds_prompts_out(shipped):
    (setting,) = load_recipe(shipped.recipes["cosmic"], shipped).settings
    texts = [{prompt.text for prompt in (*one.positive, *one.negative)} for one in _sets(setting)]
    assert not texts[0] & texts[1]
    assert (setting.extractor.position, setting.extractor.module) == ("suffix", "input")


def _sets(setting):
    return setting.contrast, setting.validation
