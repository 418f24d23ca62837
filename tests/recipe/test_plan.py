import subprocess
import sys
import textwrap

import pytest

from steerkit_core.errors import RecipeError
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.recipe.plan import make_plan
from steerkit_core.testing import save_tiny


@pytest.fixture
def plan_of(registry, write_recipe, tmp_path):
    path = write_recipe(tmp_path)
    return lambda *changes: make_plan(load_recipe(path, registry, changes), registry)


def refused(plan_of, *changes):
    with pytest.raises(RecipeError) as caught:
        plan_of(*changes)
    return str(caught.value).splitlines()


def test_one_setting_is_one_group_with_what_its_folder_says(plan_of, model_folder):
    (group,) = plan_of().groups
    assert group.folder == model_folder
    assert (group.facts.model_type, group.facts.num_layers, group.facts.hidden_size) == ("qwen2", 4, 16)
    assert group.baselines == 5  # evaluation prompts
    assert group.trials == 2 * 2 * 4  # layers 1 and 2, two multipliers, four selection prompts


def test_settings_that_need_the_same_model_are_one_group(plan_of):
    plan = plan_of('grid."site.multiplier"=[1.0, 2.0, 3.0]', 'grid."model.dtype"=["float32", "bfloat16"]')
    assert [(group.spec.dtype, len(group.settings)) for group in plan.groups] == [
        ("float32", 3),
        ("bfloat16", 3),
    ]
    assert [setting.site.multiplier for setting in plan.groups[1].settings] == [1.0, 2.0, 3.0]


def test_equal_baselines_count_once(plan_of):
    (group,) = plan_of('grid."site.multiplier"=[1.0, 2.0]', "selector.multipliers=[]").groups
    assert group.baselines == 5
    assert group.trials == 2 * 2 * 4
    (group,) = plan_of('grid."generation.max_new_tokens"=[3, 4]').groups
    assert group.baselines == 10
    (group,) = plan_of('grid."prompts.evaluation"=["eval.txt", "benign-30"]').groups
    assert group.baselines == 35


@pytest.mark.parametrize(
    ("changes", "trials"),
    [
        (["selector={use = 'depth'}"], 0),
        (["selector={use = 'fixed', layer = 3}"], 0),
        (["selector={use = 'sweep', depths = [0.5]}"], 4),
        (["selector={use = 'sweep', depths = [0.1, 0.2, 0.9], multipliers = [1.0, 1.0]}"], 8),
    ],
)
def test_the_completions_that_a_selector_is_sure_to_need_are_counted(changes, trials, plan_of):
    (place, _, value), *_ = [change.partition("=") for change in changes]
    (group,) = plan_of(f"grid.{place}=[{value}]").groups
    assert group.trials == trials


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (
            "grid.selector=[{use = 'fixed', layer = 4}]",
            ["selector: the model has layers 0 to 3, got layer 4"],
        ),
        (
            (
                "grid.selector=[{use = 'fixed', layer = 9}, {use = 'fixed', layer = 3}, {use = 'fixed',"
                " layer = 7}]"
            ),
            [
                "selector: the model has layers 0 to 3, got layer 9",
                "selector: the model has layers 0 to 3, got layer 7",
            ],
        ),
        (
            "grid.site=[{use = 'residual-ablate'}]",
            ["selector: selector 'sweep' tries multipliers, but site 'residual-ablate' takes none"],
        ),
        (
            "grid.\"model.id\"=['./nowhere', 'ghost:small']",
            [
                "model.id: there is no model folder './nowhere'",
                "model.id: no installed plugin knows model 'ghost:small' (an id that begins with 'ghost:')",
            ],
        ),
    ],
)
def test_what_the_models_cannot_do_is_said_for_all_settings_at_once(change, messages, plan_of):
    assert refused(plan_of, change) == messages


def test_a_wrong_model_and_a_wrong_layer_come_with_the_other_mistakes(plan_of, installed, says):
    fixed = "selector={use = 'fixed', layer = 4}"
    says("\n".join(refused(plan_of, "generation.max_new_tokens=-1", fixed)))
    assert refused(plan_of, "extractor.use=dimm", "model.id=./nowhere") == installed(
        [
            "extractor.use: no extractor named 'dimm', did you mean 'dim'? (installed: <extractor>)",
            "model.id: there is no model folder './nowhere'",
        ]
    )


def test_a_model_that_the_grid_replaces_need_not_be_there(plan_of, model_folder):
    (group,) = plan_of("model.id=./nowhere", f'grid."model.id"=["{model_folder}"]').groups
    assert group.folder == model_folder


def test_a_model_on_the_hub_is_planned_without_being_asked_for(plan_of):
    (group,) = plan_of("model.id=owner/name").groups
    assert (group.folder, group.facts, group.baselines, group.trials) == (None, None, 5, None)


def test_layers_are_counted_for_every_model_by_itself(plan_of, tmp_path):
    deep = save_tiny("llama", tmp_path / "deep", layers=6, hidden=16)
    plan = plan_of(f"model.id={deep}", "grid.selector=[{use = 'fixed', layer = 5}]")
    assert plan.groups[0].facts.num_layers == 6


def test_a_layer_that_is_not_there_is_found_before_torch_is_imported(write_recipe, tmp_path, says):
    path = write_recipe(tmp_path)
    source = """
        import sys
        from importlib import import_module
        from pathlib import Path
        from steerkit_core.errors import RecipeError
        from steerkit_core.plugin.host import Host
        from steerkit_core.recipe.plan import make_plan
        from steerkit_core.recipe.parsing import load_recipe
        from steerkit_core.plugin.registry import Registry

        host = Host.load([])
        for name in ("depth", "dim", "families", "keywords", "prompts", "sites"):
            host.register(import_module(f"steerkit_{name}"), name)
        registry = Registry.collect(host)
        change = "grid.selector=[{use = 'fixed', layer = 4}]"
        try:
            make_plan(load_recipe(Path(sys.argv[1]), registry, [change]), registry)
        except RecipeError as error:
            print(error, "torch" in sys.modules, "transformers" in sys.modules)
    """
    arguments = [sys.executable, "-c", textwrap.dedent(source), str(path)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    says(done.stdout)
