"""Whatever is wrong with what was given: one message, exit 2, and nothing is written."""

from importlib import import_module
from pathlib import Path

import pytest
from workplaces import edit, errors, files

from steerkit_core import hookimpl
from steerkit_core.plugin.host import Host
from steerkit_families.fallback import Fallback

pytestmark = pytest.mark.usefixtures("workplace")


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
