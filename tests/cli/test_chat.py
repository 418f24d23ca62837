"""Chat says what the run's cells wrote, and takes what is typed wrong with one line."""

import io
import json
import re
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from steerkit_bundled import MODELS_FOLDER
from steerkit_core.chat.conversation import Conversation
from steerkit_core.chat.resteering import Resteering
from steerkit_core.cli.talk import COMMANDS, Talk
from steerkit_core.errors import SteerkitError
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.recipe.parsing import parse_recipe
from steerkit_core.results.converter import unstructured
from steerkit_core.results.run import read_run

RECIPE = """\
[run]
name = "talked"
[model]
id = "{model}"
device = "cpu"
[prompts]
contrast = "refusal-5"
evaluation = "four.txt"
[extractor]
use = "dim"
[selector]
use = "fixed"
layer = 3
[site]
{site}
[classifier]
use = "refusal-keywords"
[generation]
max_new_tokens = 24
[controls]
random = 1
shuffled = 0
flipped = false
"""
PROMPTS = ("How do I bake bread?", "Tell me a joke", "What is a verb?", "Name a river of Asia.")
ADD = 'use = "residual-add"\nmultiplier = 4.0'
AFFINE = 'use = "residual-affine"\nmultiplier = 1.0'
SOME = 'use = "conditional"\noperation = "add"\nmultiplier = 4.0\nthreshold = "f1"\nwhen = "below"'


def bundled_run(registry, home, site=ADD, model="bundled:qwen2-s"):
    (home / "four.txt").write_text("\n".join(PROMPTS) + "\n")
    text = RECIPE.replace("{site}", site).replace("{model}", model)
    recipe = parse_recipe(text, registry, source=str(home / "recipe.toml"), folder=home)
    run_recipe(recipe, registry, home / "runs" / "talked")
    return home / "runs" / "talked"


def written(folder, cell):
    rows = [json.loads(line) for line in (folder / "completions.jsonl").read_text("utf-8").splitlines()]
    return {row["prompt"]: row["text"] for row in rows if row["cell"] == cell}


@pytest.fixture(scope="module")
def folder(registry, tmp_path_factory):
    return bundled_run(registry, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def steering(folder, registry):
    return Resteering.of(read_run(folder), registry)


class Recorded:
    """A screen that remembers."""

    def __init__(self):
        self.said, self.complaints, self.seen, self.titles = [], [], [], []

    def say(self, text):
        self.said.append(text)

    def complain(self, text):
        self.complaints.append(text)

    def answers(self, title, ask):
        self.titles.append(title)
        return ask(lambda side, text: self.seen.append((side, text)))


@pytest.fixture
def talk(steering):
    return Talk(Conversation.of(steering), Recorded())


@pytest.fixture
def give(give, monkeypatch):
    def run(typed, *arguments):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return give("chat", *arguments)

    return run


@pytest.mark.parametrize(
    ("site", "model"),
    [
        (ADD, "bundled:qwen2-s"),
        (AFFINE, "bundled:qwen2-s"),
        (SOME, "bundled:qwen2-s"),
        (ADD, "bundled:mistral-s"),
    ],
)
def test_answers_are_those_of_the_run_word_for_word(site, model, registry, tmp_path, give):
    folder = bundled_run(registry, tmp_path, site, model)
    report = read_run(folder).results
    baseline = next(cell.id for cell in report.cells if cell.role == "baseline")
    plain, steered = written(folder, baseline), written(folder, report.selected)
    # each begins a conversation of its own, as a prompt of a run does
    code, out, err = give("\n/reset\n".join(PROMPTS), folder, "--json")
    assert (code, err.splitlines()[0]) == (0, f"loading {model}")
    found = json.loads(out)
    assert (found["cell"], found["model"]) == (report.selected, model)
    answers = {one["user"]: (one["unsteered"], one["steered"]) for one in found["exchanges"]}
    assert answers == {prompt: (plain[prompt], steered[prompt]) for prompt in PROMPTS}
    assert plain != steered


def test_from_a_pipe_all_is_plain(folder, give):
    baseline = next(c.id for c in read_run(folder).results.cells if c.role == "baseline")
    text = written(folder, baseline)["Tell me a joke"]
    code, out, err = give("Tell me a joke\n/quit\nnever asked\n", folder)
    assert (code, err) == (0, "loading bundled:qwen2-s\n")
    first, second, third = out.rstrip().splitlines()
    assert first == "you: Tell me a joke"
    assert second == f"unsteered: {text.strip()}"
    assert third.startswith("steered (layer 3, multiplier 4): ")
    assert "\x1b" not in out


def test_each_side_goes_on_from_its_own_answers(talk, steering):
    talk.line("How do I bake bread?")
    talk.line("Tell me a joke")
    first = talk.conversation.exchanges[0]
    for side, answer in enumerate(first.answers):
        prompt = talk.conversation.prompt(side, "x")
        assert prompt.before[:2] == (("user", "How do I bake bread?"), ("assistant", answer))
    tokenizer = steering.model.tokenizer
    turns = [
        {"role": "user", "content": "How do I bake bread?"},
        {"role": "assistant", "content": first.answers[1]},
        {"role": "user", "content": "Tell me a joke"},
    ]
    wanted = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)["input_ids"]
    talk.conversation.exchanges.pop()
    assert list(steering.model.encode(talk.conversation.prompt(1, "Tell me a joke"))) == wanted
    talk.line("/reset")
    assert talk.conversation.before(0) == ()
    assert len(talk.conversation.saved.exchanges) == 1


def test_without_a_strength_both_sides_say_the_same(talk):
    talk.line("/multiplier 0")
    talk.line("Tell me a joke")
    (one,) = talk.conversation.exchanges
    assert one.answers[0] == one.answers[1] != ""


def test_another_layer_steers_by_that_layers_direction(talk, steering):
    talk.line("/layer 5")
    talk.line("/multiplier 2.5")
    assert talk.screen.said == ["steered (layer 5, multiplier 4)", "steered (layer 5, multiplier 2.5)"]
    (first, *_) = steering.intervention(5, 2.5).edits
    unit = steering.cell.directions.at(5, -1).unit
    assert (first.layer, first.add.tolist()) == (5, (2.5 * unit).tolist())


def test_texts_are_shown_as_they_grow_and_a_key_ends_them(talk, monkeypatch):
    talk.line("How do I bake bread?")
    (one,) = talk.conversation.exchanges
    for side in (0, 1):
        grown = [text for seen, text in talk.screen.seen if seen == side]
        assert len(grown) > 1
        assert all(grown[-1].startswith(text.rstrip("\ufffd")) for text in grown)
        assert grown[-1] == one.answers[side]
    half = next(text for seen, text in talk.screen.seen if seen == 0)

    def interrupted(_title, ask):
        def show(_side, _text):
            raise KeyboardInterrupt

        return ask(show)

    talk.line("/reset")
    monkeypatch.setattr(talk.screen, "answers", interrupted)
    talk.line("How do I bake bread?")
    assert talk.screen.said[-1] == "stopped"
    assert talk.conversation.exchanges[-1].stopped
    assert half in talk.conversation.exchanges[-1].answers
    assert not talk.over


def test_sampled_answers_depend_on_the_seed_alone(talk):
    def sampled(seed):
        talk.line("/reset")
        talk.conversation.exchanges.clear()
        talk.line(f"/seed {seed}")
        talk.line("Tell me a joke")
        return talk.conversation.exchanges[-1].answers

    talk.line("/temperature 1.5")
    assert sampled(1) == sampled(1) != sampled(2)


COMPLAINTS = {
    "/multiplyer 3": "no command '/multiplyer', did you mean '/multiplier'? (/help lists them)",
    "/mult 3": "no command '/mult', did you mean '/multiplier'? (/help lists them)",
    "/xyzzy": "no command '/xyzzy' (/help lists them)",
    "/": "no command '/' (/help lists them)",
    "/multiplier ten": "/multiplier: expected a number, got 'ten'",
    "/multiplier nan": "/multiplier: expected a number, got 'nan'",
    "/layer 99": "the run keeps no direction at layer 99 (kept: 0 to 9)",
    "/layer -1": "the run keeps no direction at layer -1 (kept: 0 to 9)",
    "/layer two": "/layer: expected a whole number, got 'two'",
    "/tokens 0": "/tokens: expected a number of at least 1, got 0",
    "/temperature -1": "/temperature: expected a number of at least 0, got -1.0",
    "/seed -4": "/seed: expected a whole number of at least 0, got -4",
    "/save": "/save: expected a file name",
    "/save .": "/save: . already exists: name another file",
    "/save no/where": "/save: no/where: cannot be written: no such file or directory",
}


@pytest.mark.parametrize("typed", COMPLAINTS)
def test_what_is_wrong_is_one_line_and_the_chat_goes_on(typed, talk):
    before = talk.conversation.saved
    talk.line(typed)
    assert (talk.screen.complaints, talk.screen.said, talk.over) == ([COMPLAINTS[typed]], [], False)
    assert talk.conversation.saved == before
    assert (talk.conversation.layer, talk.conversation.multiplier) == (3, 4.0)


@pytest.mark.parametrize("multiplier", [float("inf"), float("nan")])
def test_a_multiplier_of_the_command_line_is_finite(multiplier, steering, says):
    with pytest.raises(SteerkitError) as caught:
        steering.intervention(3, multiplier)
    says(caught)


def test_a_conversation_that_is_too_long_is_refused(talk, steering):
    limit = steering.model.config.max_position_embeddings
    talk.line(f"/tokens {limit}")
    talk.line("Tell me a joke")
    tokens = len(steering.model.encode(talk.conversation.prompt(0, "Tell me a joke")))
    assert talk.screen.complaints == [
        (
            f"the conversation has {tokens} tokens, and the model's context is {limit} with the answer: /reset it,"
            " or ask for fewer with /tokens"
        )
    ]
    assert talk.conversation.exchanges == []


def test_commands_do_what_help_says(talk, tmp_path):
    talk.line("   ")
    talk.line("/help")
    assert [line.split()[0] for line in talk.screen.said[:-1]] == [f"/{name}" for name in COMMANDS]
    talk.line("/system Answer in rhyme.")
    assert talk.conversation.before(0) == (("system", "Answer in rhyme."),)
    talk.line("/system")
    assert talk.conversation.before(0) == ()
    talk.line("//help is no command")
    talk.line(f"/save {tmp_path / 'said.json'}")
    saved = json.loads((tmp_path / "said.json").read_text())
    assert [one["user"] for one in saved["exchanges"]] == ["/help is no command"]
    assert saved == unstructured(talk.conversation.saved)
    talk.line("/quit")
    assert talk.over


def test_a_family_without_system_prompts_says_so(registry, tmp_path, give, says):
    folder = bundled_run(registry, tmp_path, model="bundled:gemma2-s")
    code, out, err = give("/system Be kind.\nTell me a joke\n", folder)
    assert code == 0
    says("\n".join(err.splitlines()[1:]))
    assert out.startswith("you: Tell me a joke\n")
    assert give("", folder, "--system", "Be kind.")[0] == 2


def test_bad_input_is_one_message_and_exit_2(folder, give):
    report = read_run(folder).results
    control = next(cell.id for cell in report.cells if cell.role == "control")
    baseline = next(cell.id for cell in report.cells if cell.role == "baseline")
    choose = f"name a steered one with --cell (selected: {report.selected})"
    wrong = {
        ("--layer", "77"): "the run keeps no direction at layer 77 (kept: 0 to 9)",
        (
            "--cell",
            control,
        ): f"{folder}: cell {control} is the control 'random-1', whose direction is not kept: {choose}",
        ("--cell", baseline): f"{folder}: cell {baseline} is a baseline: {choose}",
        ("--device", "abacus"): "there is no device 'abacus' here (available: cpu)",
    }
    for options, message in wrong.items():
        code, out, err = give("hello\n", folder, *options)
        assert (code, out) == (2, "")
        assert err.splitlines()[-1] == f"error: {message}"
    manifest = json.loads((folder / "manifest.json").read_text())
    for model in (*manifest["models"], *(setting["model"] for setting in manifest["settings"])):
        model["id"] = "bundled:gone"
    text = json.dumps(manifest)
    other = folder.parent / "gone"
    other.mkdir()
    for path in folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    (other / "manifest.json").write_text(text)
    results = (other / "results.json").read_text().replace("bundled:qwen2-s", "bundled:gone")
    (other / "results.json").write_text(results)
    code, _, err = give("hello\n", other)
    assert code == 2
    assert re.match(r"error: no bundled model named 'gone' \(bundled: .*qwen2-s\)", err.splitlines()[-1])


def test_a_site_without_multiplier_takes_none(registry, tmp_path, give, says):
    folder = bundled_run(registry, tmp_path, 'use = "residual-ablate"')
    code, out, err = give("/multiplier 3\nTell me a joke\n", folder)
    assert code == 0
    says("\n".join(err.splitlines()[1:]))
    assert out.splitlines()[2].startswith("steered (layer 3): ")


def test_a_model_that_has_changed_is_noted(registry, give, tmp_path, says):
    model = tmp_path / "model"
    shutil.copytree(MODELS_FOLDER / "qwen2-s", model)
    run = bundled_run(registry, tmp_path, model=str(model))
    assert give("", run)[2].splitlines()[1:] == []
    weights = load_file(model / "model.safetensors")
    weights["model.norm.weight"][0] += 0.5
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    says("\n".join(give("", run)[2].splitlines()[1:]))


def test_directions_that_are_lost_are_missed(folder, give, tmp_path):
    other = tmp_path / "lost"
    other.mkdir()
    for path in folder.iterdir():
        if path.name != "directions.safetensors":
            (other / path.name).write_bytes(path.read_bytes())
    cell = read_run(other).results.selected
    key = read_run(other).cell(cell).extraction
    assert give("", Path(other)) == (
        2,
        "",
        (
            f"error: {other}/directions.safetensors: no directions {key}, which cell {cell} was steered with: the"
            " run is incomplete; its command makes what is missing\n"
        ),
    )
