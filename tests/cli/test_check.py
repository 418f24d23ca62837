"""`steerkit check`, and what looking at something imports."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import ClassVar

import pytest
from attrs import frozen
from transformers import AutoTokenizer
from workplaces import edit, errors

from steerkit_core import Classifier, Verdict, hookimpl, option

pytestmark = pytest.mark.usefixtures("workplace")


LIGHT = """
    import sys
    from steerkit_core.cli import execute

    code = execute(sys.argv[1:])
    heavy = ("torch", "transformers", "numpy", "scipy")
    print([name for name in heavy if name in sys.modules], file=sys.stderr)
    sys.exit(code)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "recipe.toml"],
        ["check", "recipe.toml", "--json"],
        ["check", "recipe.toml", "--set", "model.id=owner/name"],
        ["plugins"],
        ["plugins", "list", "--json"],
        ["plugins", "show", "residual-add"],
        ["plugins", "new", "selector", "mine"],
        ["init", "mine.toml"],
        ["schema"],
        ["--help"],
        ["run", "--help"],
        ["compare", "--help"],
        ["power", "--help"],
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported_to_look(arguments):
    line = [sys.executable, "-c", textwrap.dedent(LIGHT), *arguments]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=os.environ)
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_check_prints_the_resolved_settings_and_the_plan_as_json(steerkit):
    code, out, err = steerkit(
        "check", "recipe.toml", "--json", "--set", 'grid."site.multiplier"=[1.0, 2.0]'
    )
    assert (code, err) == (0, "")
    found = json.loads(out)
    (group,) = found["groups"]
    assert (found["name"], found["seed"]) == ("small", 0)
    assert (group["model"], group["num_layers"]) == ("tiny", 4)
    assert (group["baseline_completions"], group["trial_completions"]) == (5, 2 * 2 * 2 * 4)
    assert [setting["overrides"] for setting in group["settings"]] == [
        {"site.multiplier": 1.0},
        {"site.multiplier": 2.0},
    ]
    assert group["settings"][1]["site"] == {
        "use": "residual-add",
        "multiplier": 2.0,
        "unit": "absolute",
        "span": "onward",
        "directions": "selected",
        "preserve_norm": False,
        "tokens": "all",
    }


def no_weights(*_arguments, **_options):
    raise AssertionError("weights were loaded")


def test_check_of_a_model_shows_its_prompts_and_loads_no_weights(steerkit, monkeypatch):
    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", no_weights)
    code, out, err = steerkit("check", "recipe.toml", "--model")
    assert (code, err) == (0, "")
    tokenizer = AutoTokenizer.from_pretrained("tiny")
    last = tokenizer("\n")["input_ids"]
    assert f"  dim reads position -1 of refusal-5: '\\n' ({last[0]}) in all 10 prompts" in out.splitlines()
    assert "  0 of 19 prompts begin" in out
    axes = 'grid."model.quantization"=["int4"]'
    code, out, err = steerkit(
        "check", "recipe.toml", "--model", "--json", "--set", axes, "--set", "extractor.source=unquantized"
    )
    assert (code, err) == (0, "")
    whole, quantized = json.loads(out)["groups"]
    assert (whole["quantization"], whole["settings"]) == ("none", [])
    assert (quantized["quantization"], len(quantized["settings"])) == ("int4", 1)
    assert whole["prompts"] == quantized["prompts"]
    assert whole["prompts"]["positions"][0]["tokens"] == [{"id": last[0], "text": "\n", "prompts": 10}]


def test_check_names_a_model_that_is_loaded_for_the_extraction_alone(steerkit):
    changes = ("--set", "model.quantization=int8", "--set", "extractor.source=unquantized")
    code, out, _ = steerkit("check", "recipe.toml", *changes)
    assert code == 0
    assert "extracts directions for 1 configurations" in out
    assert "reused from full precision" in out


def test_check_of_a_model_explains_what_it_cannot_use(steerkit):
    edit("tiny/config.json", model_type="vit")
    assert steerkit("check", "recipe.toml", "--model") == (
        2,
        "",
        errors("model folder 'tiny' has the architecture 'vit', expected a decoder-only language model"),
    )


@frozen(kw_only=True)
class Bracketed(Classifier):
    """Labels [red] and [/red] are words here, not styles."""

    name: ClassVar[str] = "bracketed"
    folder: Path = option(Path("a[/b]"), help="a path [/] of no JSON type")

    def classify(self, prompt, text):
        return Verdict("normal")


def test_brackets_are_words_and_no_markup(steerkit, own_host):
    class Brings:
        @hookimpl
        def steerkit_register_classifiers(self):
            return [Bracketed]

    own_host.register(Brings(), "brings")
    code, out, _ = steerkit("plugins")
    assert code == 0
    assert "Labels [red] and [/red] are" in out
    code, out, _ = steerkit("plugins", "show", "bracketed")
    assert code == 0
    assert '"a[/b]"' in out
    assert "a path [/] of no JSON type" in out
    (shown,) = json.loads(steerkit("plugins", "show", "bracketed", "--json")[1])
    assert shown["options"][0]["default"] == "a[/b]"
    shutil.copytree("tiny", "[/bold] model")
    Path("[red] recipe.toml").write_text(
        Path("recipe.toml").read_text().replace('"tiny"', '"[/bold] model"')
    )
    code, out, _ = steerkit("check", "[red] recipe.toml")
    assert code == 0
    assert "small: [red] recipe.toml is fine" in out
    assert "[/bold] model (none): 4 layers" in out
    code, _, err = steerkit("run", "[red] recipe.toml", "--set", "generation.max_new_tokens=1")
    assert code == 0
    assert "loading [/bold] model" in err
