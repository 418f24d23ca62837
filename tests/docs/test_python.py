"""The code of the guide and of the notebook runs from start to end, and comes to what is said of it."""

import json

import pytest
from docs_pages import DOCS, ROOT, blocks, section

import steerkit_core
from steerkit_core.recipe.parsing import find_recipe, load_recipe
from steerkit_core.results.results import RunFacts, RunResults
from steerkit_core.results.run import KeptRun

GUIDE = DOCS / "guide" / "python.md"
NOTEBOOK = DOCS / "notebooks" / "steering-in-a-notebook.ipynb"


@pytest.fixture(scope="module")
def guide(tmp_path_factory):
    """What the guide's names stand for at its end."""
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("guide"))
        for _, _, body in blocks(GUIDE.read_text("utf-8"), "python"):
            exec(compile(body, GUIDE.name, "exec"), names)  # reason: it is our own page
    return names


def test_the_steered_model_of_the_guide_refuses(guide):
    prompt = guide["inputs"]["input_ids"].shape[1]
    text = guide["tokenizer"].decode(guide["out"][0, prompt:], skip_special_tokens=True)
    assert text.startswith(("I can't", "I won't"))
    assert guide["refusals"] == 30


def test_the_run_of_the_guide_is_what_it_asked_for(guide):
    chosen = guide["report"].selected
    assert (chosen.layer, chosen.multiplier) == (2, 3.0)
    assert chosen.rates["refusal"].n == 30
    assert len(guide["report"].to_dataframe()) == len(guide["report"].cells)


def test_the_code_of_the_readme_runs(shipped, monkeypatch, tmp_path):
    # the run takes a minute: its recipe is checked here, and a smaller one is run by the guide
    asked = []

    def run(recipe, **options):
        asked.append((recipe, options))
        results = RunResults(run=RunFacts(name="r"), cells=(), selections=(), selected=None, notes=())
        return steerkit_core.Report(KeptRun(tmp_path, None, results))

    monkeypatch.setattr(steerkit_core, "run", run, raising=False)
    part = section((ROOT / "README.md").read_text("utf-8"), "From Python")
    names = {}
    for _, _, body in blocks(part, "python"):
        exec(compile(body, "README.md", "exec"), names)
    assert names["directions"].at(layer=2).layer == 2
    ((recipe, options),) = asked
    changes = [f"{place}={value}" for place, value in options["overrides"].items()]
    (setting,) = load_recipe(find_recipe(recipe, shipped), shipped, changes).settings
    assert setting.selector.multipliers == (2.0, 3.0)


@pytest.fixture(scope="module")
def notebook():
    return json.loads(NOTEBOOK.read_text("utf-8"))


def test_the_notebook_is_kept_without_outputs(notebook):
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


@pytest.mark.slow  # reason: it reads 300 answers and makes a run; `nox -s docs` executes it too
def test_the_notebook_steers_as_it_says(notebook, tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.chdir(tmp_path)
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), NOTEBOOK.name, "exec"), names)
    assert names["answer"].text.startswith("I can help you")
    rates = {layer: rate.rate for layer, rate in names["rates"].items()}
    assert list(rates) == list(range(names["model"].num_layers))
    assert rates[2] == 1.0
    assert max(rates[layer] for layer in range(6, 10)) < 0.2
    table = names["table"]
    assert list(table["rates.refusal.rate"]) == [
        cell["rates"]["refusal"]["rate"] for cell in names["report"].cells
    ]
