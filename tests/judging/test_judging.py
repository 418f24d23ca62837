"""The framework's side of judging: what a classifier is given, and what becomes of what it gives."""

from typing import ClassVar

import pytest
from as_json import as_json
from attrs import frozen

from steerkit_core import (
    Classifier,
    Completion,
    ModelSpec,
    Prompt,
    SteerkitError,
    Verdict,
    hookimpl,
    option,
)
from steerkit_core.judging.judging import Judges
from steerkit_core.judging.run_texts import run_texts
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.plugin.host import Host
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.results.run_directory import hold_run

calls = []


@frozen(kw_only=True)
class Together(Classifier):
    """Judges by rank of length among the texts that it is given."""

    name: ClassVar[str] = "together"
    fault: str = option("", help="what is wrong with the verdicts")

    def judge(self, completions, models):
        calls.append([(one.prompt.id, one.text) for one in completions])
        found = [Verdict("refusal" if len(one.text) % 2 else "normal") for one in completions]
        if self.fault == "few":
            found = found[:-1]
        if self.fault == "many":
            found.append(Verdict("normal"))
        if self.fault == "label":
            found[-1] = Verdict("maybe")
        return found


@frozen(kw_only=True)
class Asks(Classifier):
    """Pretends to ask a model, and breaks down after so many texts."""

    name: ClassVar[str] = "asks"
    patience: int = option(1000, help="how many texts it judges")

    @property
    def models(self):
        return {"model": ModelSpec(id="pretended")}

    def judge(self, completions, models):
        calls.append(len(completions))
        for number, one in enumerate(completions):
            if number == self.patience:
                raise KeyboardInterrupt
            yield Verdict("normal", scores={"normal": -0.5}, asked=f"What is {one.text!r}?")


@frozen(kw_only=True)
class Neither(Classifier):
    """Forgot both methods."""

    name: ClassVar[str] = "neither"


class Own:
    def __init__(self, *classifiers):
        self.classifiers = classifiers

    @hookimpl
    def steerkit_register_classifiers(self):
        return self.classifiers


class Pretended:
    """A loader that knows what its models are, and has none."""

    def __init__(self, content="a"):
        self.content = content

    def identity(self, spec):
        return {"fingerprint": self.content, "dtype": "float32", "quantization": "none", "device": "cpu"}

    def load(self, spec):
        raise AssertionError("nothing is loaded here")


@pytest.fixture
def execute(own_host, write_recipe, tmp_path):
    own_host.register(Own(Together, Asks), "own")
    registry = Registry.collect(own_host)
    path = write_recipe(tmp_path)
    del calls[:]

    def run(*changes, out="run"):
        return as_json(
            run_recipe(load_recipe(path, registry, changes), registry, tmp_path / out)
        ), tmp_path / out

    run.registry = registry
    return run


def test_all_texts_of_a_sweep_are_given_at_once(execute):
    report, _ = execute("classifier={use='together'}")
    sound = sum(cell["n"] for cell in report["cells"])
    assert len(calls) == 2  # those of the sweep, then those of baseline and selected cell
    assert sum(map(len, calls)) <= sound
    seen = [text for call in calls for text in call]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("few", r"classifier 'together' gave (\d+) verdicts on (\d+) texts"),
        ("many", r"classifier 'together' gave more verdicts than the \d+ texts"),
        (
            "label",
            r"classifier 'together' gave the label 'maybe', expected one of refusal, garbled, normal",
        ),
    ],
)
def test_verdicts_that_are_none(fault, message, execute):
    with pytest.raises(SteerkitError, match=f"^{message}$"):
        execute(f"classifier={{use='together', fault='{fault}'}}")


def test_a_classifier_that_judges_nothing_is_refused():
    host = Host.load(points=[])
    host.register(Own(Neither), "own")
    Registry.collect(host)
    (record,) = host.failed
    assert record.error.endswith("Neither'>, which implements neither classify nor judge")


@pytest.fixture
def texts(execute):
    """A finished run, and its texts."""
    _, folder = execute("classifier={use='together'}")
    del calls[:]
    return folder, [text.completion for text in run_texts(folder).texts], execute.registry


def judge(folder, registry, classifier, completions, content="a"):
    with hold_run(folder) as store:
        return Judges(registry, Pretended(content), store).judge(classifier, completions)


def test_a_killed_judge_keeps_what_it_has_given(texts):
    folder, completions, registry = texts
    with pytest.raises(KeyboardInterrupt):
        judge(folder, registry, Asks(patience=3), completions)
    assert len((folder / "judgements.jsonl").read_text().splitlines()) == 3
    # and goes on behind it: three more, then it breaks down again
    with pytest.raises(KeyboardInterrupt):
        judge(folder, registry, Asks(patience=3), completions)
    assert calls == [len(completions), len(completions) - 3]
    assert len((folder / "judgements.jsonl").read_text().splitlines()) == 6


def test_another_model_or_option_is_another_judge(texts):
    folder, completions, registry = texts
    judge(folder, registry, Asks(), completions)
    judge(folder, registry, Asks(), completions)
    judge(folder, registry, Asks(), completions, content="b")
    judge(folder, registry, Asks(patience=999), completions)
    assert calls == [len(completions)] * 3


def test_cheap_verdicts_are_not_written_down(texts):
    folder, completions, registry = texts
    judge(folder, registry, Together(), completions)
    assert not (folder / "judgements.jsonl").exists()


def test_equal_texts_are_given_once():
    one, other = (Completion(Prompt(name, "Why?"), "Because.", 1, "eos") for name in ("p1", "p2"))
    host = Host.load(points=[])
    host.register(Own(Together), "own")
    del calls[:]
    found = Judges(Registry.collect(host), Pretended()).judge(Together(), [one, other, one])
    assert calls == [[("p1", "Because.")]]
    assert found[0] == found[1] == found[2]
