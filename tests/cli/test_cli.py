import json
import os
import shutil
import subprocess
import sys
import textwrap
from importlib import import_module, resources
from pathlib import Path
from typing import ClassVar

import click
import pytest
from attrs import frozen
from transformers import AutoTokenizer

from steerkit_core import Classifier, Verdict, hookimpl, option
from steerkit_core.cli import make_group
from steerkit_core.plugin.host import Host
from steerkit_core.plugin.registry import Registry
from steerkit_families.fallback import Fallback


@pytest.fixture(autouse=True)
def workplace(write_recipe, model_folder, tmp_path, monkeypatch):
    """A folder with a recipe, its prompts and a model, in which the command is given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    path = write_recipe(tmp_path)
    path.write_text(path.read_text().replace(json.dumps(str(model_folder)), '"tiny"'))
    shutil.copytree(model_folder, "tiny")
    return tmp_path


@pytest.fixture
def steerkit(give):
    return give


def files():
    """Everything below the working directory, with its content."""
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def errors(*lines):
    return "".join(f"error: {line}\n" for line in lines)


def edit(name, **changes):
    """Change a JSON file; None removes a key."""
    table = json.loads(Path(name).read_text())
    table.update(changes)
    Path(name).write_text(json.dumps({key: value for key, value in table.items() if value is not None}))


# every kind of bad input, through the command line

REMEDY = "put that right and give the same command again, or choose another folder with --out"
TABLES = (
    "run, model, prompts, extractor, selector, site, classifier, generation, calibration, controls, grid"
)


def bundle(*names):
    """Pretend that models of these names are bundled."""

    def prepare(monkeypatch):
        for name in names:
            Path("bundle", name).mkdir(parents=True)
            Path("bundle", name, "config.json").write_text("{}")
        monkeypatch.setattr("steerkit_bundled.MODELS_FOLDER", Path("bundle"))

    return prepare


def written(name, content):
    def prepare(_monkeypatch):
        Path(name).parent.mkdir(exist_ok=True, parents=True)
        Path(name).write_bytes(content)

    return prepare


def without_template(_monkeypatch):
    Path("tiny/chat_template.jinja").unlink()


def pickled(_monkeypatch):
    Path("tiny/model.safetensors").rename("tiny/pytorch_model.bin")


def encoder_decoder(_monkeypatch):
    edit("tiny/config.json", is_encoder_decoder=True)


def own_code(_monkeypatch):
    edit("tiny/config.json", auto_map={"AutoModelForCausalLM": "modeling.Mine"})


OTHER_MANIFEST = b'{"recipe_fingerprint": "of another", "started": "", "settings": [], "models": []}'


def other_run(_monkeypatch):
    written("out/manifest.json", OTHER_MANIFEST)(None)
    written("out/completions.jsonl", b"{}\n")(None)


BAD_INPUT = {
    "no such recipe": (
        ["no-such.toml"],
        None,
        ["no recipe 'no-such.toml': no such file (shipped: <recipe>)"],
    ),
    "misspelt shipped recipe": (
        ["quikstart"],
        None,
        ["no recipe 'quikstart': no such file, did you mean 'quickstart'? (shipped: <recipe>)"],
    ),
    "recipe not UTF-8": (
        ["bad.toml"],
        written("bad.toml", b'[run]\nname = "\xff"'),
        ["bad.toml:2: not UTF-8 at byte 14 (0xff): save the file as UTF-8"],
    ),
    "unknown table": (
        ["recipe.toml", "--set", "sight.use=x"],
        None,
        [f"sight: unknown table, did you mean 'site'? (known: {TABLES})"],
    ),
    "unknown option, wrong type, out of range": (
        [
            "recipe.toml",
            *["--set", "extractor.normalise=true", "--set", "site.multiplier=lots"],
            *["--set", "selector.depths=[0.3, 1.5]"],
        ],
        None,
        [
            "extractor.normalise: unknown option (known: position, module, source)",
            "selector.depths: expected numbers in (0, 1), got 1.5",
            "site.multiplier: expected a number, got 'lots'",
        ],
    ),
    "a source of directions that there is none of": (
        ["recipe.toml", "--set", "extractor.source=unquantised"],
        None,
        [
            (
                "extractor.source: expected one of 'self', 'unquantized', got 'unquantised', did you mean"
                " 'unquantized'?"
            )
        ],
    ),
    "unknown component": (
        ["recipe.toml", "--set", "classifier.use=keyword"],
        None,
        [
            (
                "classifier.use: no classifier named 'keyword', did you mean 'refusal-keywords'?"
                " (installed:"
                " <classifier>)"
            )
        ],
    ),
    "unknown prompt set": (
        ["recipe.toml", "--set", "prompts.evaluation=benign-20"],
        None,
        [
            (
                "prompts.evaluation: no prompt set named 'benign-20', did you mean 'benign-30'?"
                " (installed: <prompt set>)"
            )
        ],
    ),
    "change of another form": (
        ["recipe.toml", "--set", "multiplier"],
        None,
        ["--set: expected table.key=value or table={...}, got 'multiplier'"],
    ),
    "prompt file with empty rows and duplicates": (
        ["recipe.toml"],
        written("eval.txt", b"one\n\none\n"),
        [
            "prompts.evaluation: eval.txt:2: empty row",
            "prompts.evaluation: eval.txt:3: same text as line 1",
        ],
    ),
    "prompt file not UTF-8": (
        ["recipe.toml"],
        written("sel.txt", b"caf\xe9\n"),
        ["prompts.selection: sel.txt:1: not UTF-8 at byte 3 (0xe9): save the file as UTF-8"],
    ),
    "one class missing": (
        ["recipe.toml", "--set", "prompts.contrast=mine.csv"],
        written("mine.csv", b"text,role\nhow to rob,harmful\n"),
        ["prompts.contrast: mine.csv: no prompt has the role negative; a contrast set needs both classes"],
    ),
    "a layer that the model has not": (
        ["recipe.toml", "--set", "grid.selector=[{use = 'fixed', layer = 40}]"],
        None,
        ["selector: the model has layers 0 to 3, got layer 40"],
    ),
    "no such model folder": (
        ["recipe.toml", "--set", "model.id=./nowhere"],
        None,
        ["model.id: there is no model folder './nowhere'"],
    ),
    "unknown bundled name": (
        ["recipe.toml", "--set", "model.id=bundled:qwen2-x"],
        bundle("gemma2-s", "qwen2-s"),
        [
            (
                "model.id: no bundled model named 'qwen2-x', did you mean 'qwen2-s'? (bundled: gemma2-s,"
                " qwen2-s)"
            )
        ],
    ),
    "unknown scheme": (
        ["recipe.toml", "--set", "model.id=ghost:small"],
        None,
        ["model.id: no installed plugin knows model 'ghost:small' (an id that begins with 'ghost:')"],
    ),
    "impossible model name": (
        ["recipe.toml", "--set", "model.id=a/b/c"],
        None,
        [
            (
                "model.id: model 'a/b/c' is neither a folder nor a possible name of a hub repository,"
                " expected"
                " 'owner/name'"
            )
        ],
    ),
    "tokenizer without chat template": (
        ["recipe.toml"],
        without_template,
        [
            (
                "model.id: model folder 'tiny' has a tokenizer without chat template, expected a chat"
                " model: choose"
                " the instruction-tuned variant, or put a chat_template.jinja beside the tokenizer"
            )
        ],
    ),
    "weights as a pickle": (
        ["recipe.toml"],
        pickled,
        [
            (
                "model.id: model folder 'tiny' has its weights only as a pickle (pytorch_model.bin),"
                " expected"
                " safetensors: convert it once by loading it with transformers and calling save_pretrained"
            )
        ],
    ),
    "config that is a folder": (
        ["recipe.toml", "--set", "model.id=odd"],
        written("odd/config.json/x", b""),
        ["model.id: model folder 'odd' has a config.json that cannot be read: is a directory"],
    ),
    "encoder and decoder": (
        ["recipe.toml"],
        encoder_decoder,
        ["model.id: model folder 'tiny' holds an encoder-decoder ('qwen2'), expected a decoder-only model"],
    ),
    "code of its own": (
        ["recipe.toml"],
        own_code,
        [
            (
                "model.id: model folder 'tiny' brings its own code: read it, and set trust_remote_code ="
                " true in"
                " [model] if you want it to run"
            )
        ],
    ),
}
BAD_RUN = {
    "another recipe's run": (
        ["--out", "out"],
        other_run,
        [
            (
                "out: holds the run of another recipe (see its recipe.toml): choose another folder with"
                " --out, or"
                " give --fresh to set that run aside and start over"
            )
        ],
    ),
    "somebody's folder": (
        ["--out", "out", "--fresh"],
        written("out/thesis.tex", b"words"),
        ["out: holds 'thesis.tex' and no run; choose an empty or new folder with --out"],
    ),
    "a folder that cannot be written": (
        ["--out", "eval.txt/run"],
        None,
        [f"eval.txt/run: cannot be written: not a directory; nothing was run; {REMEDY}"],
    ),
    "no such GPU": (
        ["--set", "model.device=cuda:3"],
        None,
        ["there is no device 'cuda:3' here (available: cpu)"],
    ),
    "quantization that the device cannot do": (
        ["--set", "model.quantization=int8"],
        lambda monkeypatch: monkeypatch.setattr("bitsandbytes.supported_torch_devices", {"cuda"}),
        [
            (
                "quantization 'int8' does not work on this machine: bitsandbytes has no support for device"
                " 'cpu' (supported: cuda)"
            )
        ],
    ),
    "no such device": (
        ["--set", "model.device=abacus"],
        None,
        ["there is no device 'abacus' here (available: cpu)"],
    ),
}


@pytest.mark.parametrize(("arguments", "prepare", "lines"), BAD_INPUT.values(), ids=BAD_INPUT)
@pytest.mark.parametrize("command", ["check", "run"])
def test_bad_input_is_one_message_and_exit_2_and_nothing_is_written(
    command, arguments, prepare, lines, steerkit, monkeypatch, installed
):
    if prepare:
        prepare(monkeypatch)
    before = files()
    assert steerkit(command, *arguments) == (2, "", errors(*installed(lines)))
    assert files() == before


@pytest.mark.parametrize(("arguments", "prepare", "lines"), BAD_RUN.values(), ids=BAD_RUN)
def test_a_run_that_cannot_be_is_one_message_and_exit_2(arguments, prepare, lines, steerkit, monkeypatch):
    monkeypatch.setattr("steerkit_core.model.loading.choose._devices", lambda: ("cpu",))
    if prepare:
        prepare(monkeypatch)
    before = files()
    assert steerkit("run", "recipe.toml", "--quiet", *arguments) == (2, "", errors(*lines))
    after = files()
    assert {name: after[name] for name in before} == before


def without_adapters(*adapters):
    """The plugins that the recipe needs, with no model adapters but these."""

    class Brings:
        @hookimpl
        def steerkit_register_model_adapters(self):
            return adapters

    host = Host.load([])
    for name in ("depth", "dim", "keywords", "prompts", "sites"):
        host.register(import_module(f"steerkit_{name}"), name)
    host.register(Brings(), "adapters")
    return host


def test_a_model_that_no_adapter_serves_is_explained(steerkit):
    assert steerkit("run", "recipe.toml", "--quiet", host=without_adapters()) == (
        2,
        "",
        errors(
            "no model adapter serves the architecture 'qwen2' (asked: none is installed): install a"
            " plugin that"
            " brings one"
        ),
    )


def test_a_model_whose_blocks_cannot_be_found_is_explained(steerkit, monkeypatch):
    monkeypatch.setattr("steerkit_families.fallback.ATTENTION", ("focus",))
    monkeypatch.setattr("steerkit_families.fallback.MLP", ("mlp",))
    assert steerkit("run", "recipe.toml", "--quiet", host=without_adapters(Fallback)) == (
        2,
        "",
        errors(
            "model adapter 'fallback' finds 0 lists of blocks in Qwen2ForCausalLM, expected one"
            " ModuleList of 4"
            " whose members have an attention (focus) and an mlp (mlp) each (lists seen: model.layers"
            " of 4):"
            " write a model adapter for 'qwen2'"
        ),
    )


# plugins that fail


class Falls:
    """Raises in the hooks that it is told to."""

    def __init__(self, *hooks):
        self.hooks = hooks

    def _called(self, hook):
        if hook in self.hooks:
            raise LookupError("no [/such] thing")

    @hookimpl
    def steerkit_add_commands(self, group):
        self._called("commands")
        group.add_command(click.Command("mine", callback=lambda: click.echo("mine")))

    @hookimpl
    def steerkit_register_classifiers(self):
        self._called("classifiers")
        return []

    @hookimpl
    def steerkit_locate_model(self):
        self._called("locate")

    @hookimpl
    def steerkit_run_started(self):
        self._called("started")

    @hookimpl
    def steerkit_run_finished(self):
        self._called("finished")


RAISED = "plugin 'falls' (this process) raised LookupError in hook"


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ("locate", f"model.id: {RAISED} steerkit_locate_model: no [/such] thing"),
        (
            "started",
            (
                f"{RAISED} steerkit_run_started: no [/such] thing; repair or uninstall it and give the"
                " same command"
                " again"
            ),
        ),
        (
            "finished",
            (
                f"{RAISED} steerkit_run_finished: no [/such] thing; repair or uninstall it and give"
                " the same"
                " command again"
            ),
        ),
    ],
)
def test_a_plugin_that_raises_in_a_run_is_named_and_the_run_can_be_repeated(
    hook, message, steerkit, own_host
):
    falls = Falls(hook)
    own_host.register(falls, "falls")
    assert steerkit("run", "recipe.toml", "--quiet", "--json") == (2, "", errors(message))
    kept = files().get("runs/small/completions.jsonl")
    falls.hooks = ()
    code, out, _ = steerkit("run", "recipe.toml", "--quiet", "--json")
    assert code == 0
    assert json.loads(Path("runs/small/results.json").read_text()).items() <= json.loads(out).items()
    if hook == "finished":
        assert files()["runs/small/completions.jsonl"] == kept


def test_a_plugin_that_brings_no_components_does_not_stop_those_that_do(steerkit, own_host, installed):
    own_host.register(Falls("classifiers"), "falls")
    failure = (
        "plugin 'falls' (this process), {module}: hook steerkit_register_classifiers raised LookupError: no"
        " [/such] thing"
    )
    code, out, err = steerkit("plugins")
    assert (code, err) == (0, "")
    assert failure.format(module=own_host.records["falls"].module) in " ".join(out.split())
    assert steerkit("check", "recipe.toml")[0] == 0
    assert steerkit("check", "recipe.toml", "--set", "classifier.use=mine") == (
        2,
        "",
        errors(
            *installed(
                [
                    (
                        "classifier.use: no classifier named 'mine' (installed: <classifier>); plugin"
                        " 'falls' (this"
                        " process) could not be used: hook steerkit_register_classifiers raised"
                        " LookupError: no [/such]"
                        " thing"
                    )
                ]
            )
        ),
    )


def test_a_component_that_two_plugins_bring_is_refused_naming_both(steerkit, own_host):
    @frozen(kw_only=True)
    class Second(Classifier):
        name: ClassVar[str] = "refusal-keywords"

        def classify(self, prompt, text):
            return Verdict("normal")

    class Brings:
        @hookimpl
        def steerkit_register_classifiers(self):
            return [Second]

    own_host.register(Brings(), "second")
    assert steerkit("run", "recipe.toml") == (
        2,
        "",
        errors(
            "classifier.use: classifier 'refusal-keywords' is registered by plugin 'keywords' (this process) and"
            " by plugin 'second' (this process): uninstall one of them"
        ),
    )


def test_a_plugin_may_add_a_command(steerkit, own_host):
    own_host.register(Falls(), "falls")
    assert steerkit("mine") == (0, "mine\n", "")


def test_a_command_that_could_not_be_added_is_explained_where_it_is_wanted(steerkit, own_host, says):
    own_host.register(Falls("commands"), "falls")
    code, out, err = steerkit("mine")
    assert (code, out) == (2, "")
    says(err)
    assert steerkit("check", "recipe.toml")[0] == 0


def test_a_command_takes_no_other_commands_place(steerkit, own_host, says):
    class Usurper:
        @hookimpl
        def steerkit_add_commands(self, group):
            group.add_command(click.Command("check", callback=lambda: click.echo("usurped")))

    own_host.register(Usurper(), "usurper")
    assert "usurped" not in steerkit("check", "recipe.toml")[1]
    says(own_host.records["usurper"].error)


# exit codes


def test_what_no_user_can_cause_keeps_its_traceback_and_exits_1():
    source = """
        import sys
        from steerkit_core import cli

        def start(host=None):
            raise RuntimeError("a bug of ours")

        cli.Application.start = start
        cli.main(["plugins"])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    assert done.stderr.endswith("\nRuntimeError: a bug of ours\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["runn"], "No such command 'runn'."),
        (["run"], "Missing argument 'RECIPE'."),
        (["check", "--fast", "x"], "No such option '--fast'."),
        (["show"], "Missing argument 'RUN'."),
    ],
)
def test_a_command_line_that_is_wrong_exits_2(arguments, complaint, steerkit):
    code, out, err = steerkit(*arguments)
    assert (code, out) == (2, "")
    assert complaint.rstrip(".") in err
    assert "Traceback" not in err


def commands(group, path=()):
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands(make_group())), ids=" ".join)
def test_every_command_has_an_example_in_its_help(path, steerkit):
    code, out, err = steerkit(*path, "--help")
    assert (code, err) == (0, "")
    (heading,) = [line for line in out.splitlines() if line.strip() in ("Example:", "Examples:")]
    after = out.split(heading, 1)[1].strip().splitlines()
    assert after[0].strip().startswith(f"steerkit {' '.join(path)}")


# neither `check` nor `plugins` waits for torch

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


# what a program may read


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
    assert "  0 of 19 prompts begin with two BOS tokens" in out.splitlines()
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
    assert "tiny (none): extracts directions for 1 configurations" in out
    assert "reused from full precision" in out


def test_check_of_a_model_explains_what_it_cannot_use(steerkit):
    edit("tiny/config.json", model_type="vit")
    assert steerkit("check", "recipe.toml", "--model") == (
        2,
        "",
        errors("model folder 'tiny' has the architecture 'vit', expected a decoder-only language model"),
    )


def test_plugins_are_listed_as_json(steerkit, own_host):
    code, out, err = steerkit("plugins", "list", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert {plugin["name"]: plugin["status"] for plugin in found["plugins"]} == dict.fromkeys(
        own_host.records, "active"
    )
    assert [(c["kind"], c["name"], c["plugin"]) for c in found["components"]] == [
        (word, name, entry.plugin.name) for word, name, entry in Registry.collect(own_host)
    ]
    shipped = [
        path.name.removesuffix(".toml")
        for package in ("steerkit_paper", "steerkit_recipes")
        for path in resources.files(package).joinpath("recipes").iterdir()
    ]
    assert found["recipes"] == sorted(shipped)


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
    assert "Labels [red] and [/red] are words here, not styles." in out
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


def test_a_component_that_is_not_there_is_looked_for_nearby(steerkit, registry):
    names = ", ".join(sorted({name for _, name, _ in registry}))
    assert steerkit("plugins", "show", "residual-at") == (
        2,
        "",
        errors(f"no component named 'residual-at', did you mean 'residual-add'? (installed: {names})"),
    )


# show


@pytest.fixture
def shown(steerkit):
    """A run, and its report."""
    code, out, _ = steerkit("run", "recipe.toml", "--quiet", "--json")
    assert code == 0
    return json.loads(out)


def on_disk(name, cell):
    rows = Path("runs/small", name).read_bytes().splitlines()
    return [row for row in map(json.loads, rows) if row["cell"] == cell]


def test_show_finds_a_cell_by_the_beginning_of_its_id(shown, steerkit):
    files = shown.pop("files")
    assert shown.pop("folder") == "runs/small"
    assert json.loads(steerkit("show", "small", "--json")[1]) == shown
    assert files["results.json"] == "runs/small/results.json"
    assert all(Path(path).is_file() for path in files.values())
    ids = [cell["id"] for cell in shown["cells"]]
    for cell in ids:
        length = next(n for n in range(1, 13) if sum(other.startswith(cell[:n]) for other in ids) == 1)
        code, out, _ = steerkit("show", "runs/small", "--cell", cell[:length], "--json")
        assert code == 0
        rows = {row["prompt_id"]: row for row in json.loads(out)}
        assert {key: row["text"] for key, row in rows.items()} == {
            row["prompt_id"]: row["text"] for row in on_disk("completions.jsonl", cell)
        }
        assert {key: row["label"] for key, row in rows.items()} == {
            row["prompt_id"]: row["label"] for row in on_disk("verdicts.jsonl", cell)
        }


def test_show_tells_what_the_model_was_given_and_how_its_stream_was(shown, steerkit):
    code, out, _ = steerkit("show", "small", "--audit")
    assert code == 0
    assert "dim reads position -1 of refusal-5: '\\n'" in out
    (health,) = shown["health"]
    assert f"{health['norm_mean'][2]:.4g} {health['norm_max'][2]:.4g}" in out
    found = json.loads(steerkit("show", "small", "--audit", "--json")[1])
    assert found["health"] == shown["health"]
    assert found["prompts"][0]["prompts"]["double_bos"] == 0


def test_show_tells_what_a_selector_compared(steerkit):
    changes = (
        'selector={use = "cosmic", kl_threshold = "off"}',
        'extractor={use = "dim", module = "input", position = [-2, -1]}',
    )
    options = [part for change in changes for part in ("--set", change)]
    code, out, err = steerkit("run", "recipe.toml", "--json", "--quiet", *options)
    assert (code, err) == (0, "")
    (selection,) = json.loads(out)["selections"]
    assert len(selection["table"]) == 8
    code, out, _ = steerkit("show", "small")
    assert code == 0
    assert f"  {len(selection['table']) - 5} more candidates (--selection shows them all)" in out
    code, out, _ = steerkit("show", "small", "--selection")
    assert code == 0
    assert sum(line.split()[-1:] == ["degenerate"] for line in out.splitlines()) == 2
    assert json.loads(steerkit("show", "small", "--selection", "--json")[1]) == [selection]
    page = Path("runs/small/report.html").read_text()
    assert "<summary>8 candidates</summary>" in page
    assert page.count("<td>degenerate</td>") == 2


def test_show_reads_a_run_of_an_earlier_version(shown, steerkit):
    for name in ("quantization", "health"):
        del shown[name]
    for cell in shown["cells"]:
        del cell["sick"], cell["source"]
    Path("runs/small/results.json").write_text(json.dumps(shown))
    manifest = json.loads(Path("runs/small/manifest.json").read_text())
    del manifest["models"][0]["prompts"]
    Path("runs/small/manifest.json").write_text(json.dumps(manifest))
    for options in ([], ["--audit"], ["--selection"], ["--cell", shown["selected"]]):
        code, _, err = steerkit("show", "small", *options)
        assert (code, err) == (0, "")


def test_show_keeps_to_a_label(shown, steerkit):
    cell = shown["selected"]
    wanted = [row["prompt_id"] for row in on_disk("verdicts.jsonl", cell) if row["label"] == "garbled"]
    found = json.loads(steerkit("show", "small", "--cell", cell, "--label", "garbled", "--json")[1])
    assert [row["prompt_id"] for row in found] == wanted


def test_show_of_a_cell_that_is_not_there_lists_those_that_are(shown, steerkit):
    ids = ", ".join(cell["id"] for cell in shown["cells"])
    assert steerkit("show", "small", "--cell", "zzz") == (
        2,
        "",
        errors(f"runs/small: no cell 'zzz' (cells: {ids})"),
    )
    assert steerkit("show", "runs/small", "--cell", "") == (
        2,
        "",
        errors(f"runs/small: no cell '' (cells: {ids})"),
    )


def test_show_reads_texts_with_every_kind_of_line_end(shown, steerkit):
    text = "one\u2028two\u2029three\x85four\x1cfive\nsix\r\n"
    cell = shown["selected"]
    path = Path("runs/small/completions.jsonl")
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    for row in rows:
        row["text"] = text
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    code, out, _ = steerkit("show", "small", "--cell", cell, "--json")
    assert code == 0
    assert [row["text"] for row in json.loads(out)] == [text] * 5


@pytest.mark.parametrize("command", ["show"])
def test_what_is_no_run_is_explained(command, steerkit):
    assert steerkit(command, "tiny") == (
        2,
        "",
        errors("tiny: no manifest.json here: not a run directory"),
    )


def test_a_run_says_at_its_end_where_its_files_are(steerkit):
    code, out, err = steerkit("run", "recipe.toml", "--quiet", "--out", "mine")
    selected = json.loads(Path("mine/results.json").read_text())["selected"]
    assert (code, err) == (0, "")
    first, second = out.rstrip().splitlines()[-2:]
    assert first.endswith(" s. Files in mine; read completions with")
    assert second.strip() == f"steerkit show mine --cell {selected}"
