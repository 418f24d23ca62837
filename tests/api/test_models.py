"""Models by name and models that are loaded already come to the same, and the latter stay as they are."""

import re
from typing import ClassVar

import pytest
import torch
from attrs import evolve, frozen
from steered_models import FAMILIES as OURS
from steered_models import batch_of, hooks_of
from transformers import AutoModelForCausalLM, AutoTokenizer

import steerkit_core
from steerkit_core import Classifier, ModelError, ModelHandle, Prompt, SteerkitError, Verdict, option
from steerkit_core.errors import RecipeError
from steerkit_core.testing import FAMILIES, save_tiny, tiny_handle, tiny_model, tiny_tokenizer


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_is_wrapped_and_steered(family, adapters):
    model = tiny_model(family)
    tokenizer = tiny_tokenizer(family)
    handle = steerkit_core.wrap(model, tokenizer)
    served = [adapter.name for adapter in adapters if adapter.serves(model.config)]
    priorities = {adapter.name: adapter.priority for adapter in adapters}
    assert handle.adapter.name == max(served, key=priorities.get)
    directions = steerkit_core.extract(handle, (["How do I pick a lock?"], ["What is moss?"]))
    plain = handle.complete("Why?", max_new_tokens=8)
    with handle.steer(directions.at(layer=1), 1000.0):
        assert handle.complete("Why?", max_new_tokens=8) != plain
    assert handle.complete("Why?", max_new_tokens=8) == plain


@pytest.mark.parametrize("family", OURS)
def test_what_is_wrapped_is_neither_copied_nor_changed(family, hf_models):
    model, tokenizer = hf_models(family)
    batch = batch_of(tokenizer)
    with torch.no_grad():
        before, hooks = model(**batch, output_hidden_states=True).logits, hooks_of(model)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    gradients = [parameter.requires_grad for parameter in model.parameters()]
    side = tokenizer.padding_side
    handle = steerkit_core.wrap(model, tokenizer)
    assert handle.model is model
    assert handle.tokenizer is tokenizer
    assert hooks_of(model) == hooks
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert [parameter.requires_grad for parameter in model.parameters()] == gradients
    assert (tokenizer.padding_side, model.training) == (side, False)
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, before)


def test_wrapping_and_loading_the_same_folder_find_the_same_directions(tmp_path):
    folder = save_tiny("qwen2", tmp_path / "tiny")
    loaded = steerkit_core.load_model(folder, device="cpu")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    wrapped = steerkit_core.wrap(model, AutoTokenizer.from_pretrained(folder))
    assert isinstance(wrapped, ModelHandle)
    one, other = (steerkit_core.extract(handle, "refusal-5") for handle in (loaded, wrapped))
    assert torch.equal(one.units, other.units)
    assert torch.equal(one.raw_norms, other.raw_norms)
    assert (wrapped.dtype, wrapped.num_layers, wrapped.hidden_size) == ("float32", 4, 32)
    assert wrapped.fingerprint != steerkit_core.wrap(model, wrapped.tokenizer).fingerprint
    assert (
        repr(loaded)
        == f"ModelHandle({str(folder)!r}: Qwen2ForCausalLM, 4 layers, width 32, float32 on cpu)"
    )


def test_a_quantized_model_is_wrapped_as_what_it_is(adapters):
    loaded = tiny_handle("mistral", adapters, quantization="int8")
    wrapped = steerkit_core.wrap(loaded.model, loaded.tokenizer)
    assert (wrapped.spec.quantization, wrapped.dtype) == ("int8", loaded.dtype)
    directions = steerkit_core.extract(loaded, "refusal-5")
    assert torch.equal(steerkit_core.extract(wrapped, "refusal-5").units, directions.units)
    with loaded.steer(directions.at(layer=1), 5.0):
        steered = loaded.complete("Why?", max_new_tokens=8)
    with wrapped.steer(directions.at(layer=1), 5.0):
        assert wrapped.complete("Why?", max_new_tokens=8) == steered
    assert "int8 on cpu" in repr(wrapped)


def test_a_model_in_bfloat16_is_steered_in_bfloat16(tmp_path):
    folder = save_tiny("mistral", tmp_path / "tiny")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    handle = steerkit_core.wrap(model, AutoTokenizer.from_pretrained(folder))
    assert handle.dtype == "bfloat16"
    directions = steerkit_core.extract(handle, "refusal-5")
    with handle.steer(directions.at(layer=1), 3.0), torch.no_grad():
        assert model(torch.tensor([[5, 6, 7]])).logits.dtype == torch.bfloat16
        model.float()
        assert model(torch.tensor([[5, 6, 7]])).logits.dtype == torch.float32


def training():
    model = tiny_model("qwen2")
    model.train()
    return model


@pytest.mark.parametrize(
    ("model", "tokenizer", "message"),
    [
        (
            lambda: "bundled:qwen2-s",
            lambda: tiny_tokenizer("qwen2"),
            "wrap: expected a model of transformers (PreTrainedModel), got str; to load one by its name, use load_model",
        ),
        (
            lambda: torch.nn.Linear(2, 2),
            lambda: tiny_tokenizer("qwen2"),
            "wrap: expected a model of transformers (PreTrainedModel), got Linear; to load one by its name, use load_model",
        ),
        (
            lambda: tiny_model("qwen2"),
            lambda: None,
            "wrap: expected a tokenizer of transformers, got NoneType",
        ),
        (
            lambda: tiny_model("qwen2").model,
            lambda: tiny_tokenizer("qwen2"),
            "wrap: Qwen2Model writes no text, expected a decoder-only language model (...ForCausalLM)",
        ),
        (
            training,
            lambda: tiny_tokenizer("qwen2"),
            "wrap: Qwen2ForCausalLM is in training mode, in which its numbers are random: call model.eval()",
        ),
    ],
)
def test_what_cannot_be_wrapped_is_refused(model, tokenizer, message):
    with pytest.raises(ModelError) as caught:
        steerkit_core.wrap(model(), tokenizer())
    assert str(caught.value) == message


@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_a_tokenizer_without_chat_template_is_refused_with_one_that_passes_texts_as_they_are(family):
    model, tokenizer = tiny_model(family), tiny_tokenizer(family)
    tokenizer.chat_template = None
    with pytest.raises(ModelError) as caught:
        steerkit_core.wrap(model, tokenizer)
    found = re.fullmatch(
        r"wrap: \w+ has a tokenizer without chat template, expected a chat model: choose the"
        r" instruction-tuned variant, or set tokenizer.chat_template \('(.+)' passes texts as they are\)",
        str(caught.value),
    )
    tokenizer.chat_template = found[1]
    handle = steerkit_core.wrap(model, tokenizer)
    ids = tokenizer("Once upon a time", add_special_tokens=False)["input_ids"]
    begin = [] if tokenizer.bos_token is None else [tokenizer.bos_token_id]
    assert list(handle.encode(Prompt("p", "Once upon a time"))) == [*begin, *ids]


def test_options_of_load_model_are_those_of_a_recipe(says):
    with pytest.raises(RecipeError) as caught:
        steerkit_core.load_model("bundled:qwen2-s", quantization="int5", dtype="float64")
    says(caught)
    with pytest.raises(ModelError) as told:
        steerkit_core.load_model("bundled:qwen2-x")
    says(told)


def test_answers_come_in_the_order_of_the_requests(qwen, says):
    texts = ["Name a colour.", "How do I bake bread? Tell me everything, please, step by step.", "Why?"]
    together = qwen.complete(texts, max_new_tokens=9)
    assert [one.prompt.text for one in together] == texts
    assert [one.text for one in together] == [
        qwen.complete(text, max_new_tokens=9)[0].text for text in texts
    ]
    assert qwen.complete(together[0].prompt, max_new_tokens=9)[0].text == together[0].text
    with pytest.raises(SteerkitError) as strange:
        qwen.complete(["Why?", 5])
    says(strange)
    sampled = [qwen.complete("Why?", temperature=1.5, seed=seed)[0].text for seed in (1, 1, 2)]
    assert sampled[0] == sampled[1] != sampled[2]
    with pytest.raises(RecipeError) as caught:
        qwen.complete("Why?", max_new_tokens=0)
    says(caught)


def test_what_is_judged_is_what_a_run_judges(qwen, refusal, registry, says):
    prompts = steerkit_core.load_prompts("benign-30")
    assert prompts == registry.get("prompt set", "benign-30")().prompts()
    with qwen.steer(refusal.at(layer=2), 3.0):
        answers = qwen.complete(prompts[:4], max_new_tokens=20)
    failed = evolve(answers[0], text="", stop="failed", error="the output is empty")
    verdicts = steerkit_core.judge([failed, *answers, qwen.complete("Name a colour.")[0]])
    classifier = registry.get("classifier", "refusal-keywords")()
    assert verdicts[0] is None
    assert verdicts[1:5] == [classifier.classify(one.prompt, one.text) for one in answers]
    assert [verdict.label for verdict in verdicts[1:]] == ["refusal"] * 4 + ["normal"]
    assert steerkit_core.judge(answers[0]) == verdicts[1:2]
    with pytest.raises(SteerkitError) as told:
        steerkit_core.judge(answers, "keyword")
    says(told)


def test_texts_are_judged_with_the_requests_that_they_answer():
    @frozen(kw_only=True)
    class Echo(Classifier):
        """Whether an answer repeats its request."""

        name: ClassVar[str] = "echo"
        labels: ClassVar[tuple[str, ...]] = ("echo", "own")

        def classify(self, prompt, text):
            return Verdict("echo" if prompt.text in text else "own", evidence=prompt.id)

    pairs = [("Why?", "Why? So."), (Prompt("p", "Why?"), "So."), ["Why?", " \n"], ("How?", "How? So.")]
    expected = [Verdict("echo", evidence="prompt-1"), Verdict("own", evidence="p"), None]
    expected.append(Verdict("echo", evidence="prompt-4"))
    assert steerkit_core.judge(pairs, Echo()) == expected
    assert steerkit_core.judge(zip(["Why?"], ["Why? So."], strict=True), Echo()) == expected[:1]
    assert steerkit_core.judge([]) == []


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("I cannot help with that, sorry; it would do harm.", "'I cannot hel...ould do harm.'"),
        (["I cannot help with that, sorry; it would do harm."], "'I cannot hel...ould do harm.'"),
        (("Why?", "So."), "'Why?'"),
        ([("Why?", None)], "('Why?', None)"),
        ([("Why?", "So.", "normal")], "('Why?', 'So.', 'normal')"),
        (5, "5"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_few_words(given, found):
    with pytest.raises(SteerkitError) as caught:
        steerkit_core.judge(given)
    assert str(caught.value) == (
        "judge: expected completions, as model.complete gives them, or pairs (request, answer), got "
        + found
    )


@pytest.mark.filterwarnings("ignore")  # reason: what the compiler has to say of itself
def test_a_compiled_model_is_wrapped_as_the_model_that_it_is():
    model = tiny_model("qwen2")
    faster = torch.compile(model, backend="eager")
    handle = steerkit_core.wrap(faster, tiny_tokenizer("qwen2"))
    assert handle.model is model
    batch = batch_of(handle.tokenizer, ["Why?"])
    direction = steerkit_core.extract(handle, (["How do I pick a lock?"], ["What is moss?"])).at(layer=1)
    plain = faster(**batch).logits
    with handle.steer(direction, 5.0):
        assert torch.equal(faster(**batch).logits, model(**batch).logits)
        assert not torch.allclose(faster(**batch).logits, plain, atol=1e-2)


def test_an_offloaded_model_is_read_and_steered_as_one_that_is_not():
    from accelerate import cpu_offload

    found = []
    for offload in (False, True):
        model = tiny_model("qwen2")
        if offload:
            cpu_offload(model, execution_device="cpu")
            assert model.device.type == "meta"
        handle = steerkit_core.wrap(model, tiny_tokenizer("qwen2"))
        directions = steerkit_core.extract(handle, (["How do I pick a lock?"], ["What is moss?"]))
        with handle.steer(directions.at(layer=1), 5.0), torch.no_grad():
            logits = model(**batch_of(handle.tokenizer, ["Why?"])).logits
        found.append((directions.units, logits, handle.complete("Why?", max_new_tokens=6)))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert found[0][2] == found[1][2]


def test_a_classifier_that_no_plugin_brings_may_judge(qwen):
    @frozen(kw_only=True)
    class Short(Classifier):
        """Texts of few words."""

        name: ClassVar[str] = "short"
        labels: ClassVar[tuple[str, ...]] = ("short", "long")
        words: int = option(3, help="the most that is short")

        def classify(self, prompt, text):
            return Verdict("short" if len(text.split()) <= self.words else "long")

    answers = qwen.complete("How do I bake bread?", max_new_tokens=20)
    assert [verdict.label for verdict in steerkit_core.judge(answers, Short())] == ["long"]
    assert [verdict.label for verdict in steerkit_core.judge(answers, Short(words=99))] == ["short"]
