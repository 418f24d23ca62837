import pytest
import torch

from steerkit_core import ModelError
from steerkit_core.plugin.host import Host
from steerkit_core.recipe.model_files import inspect_folder
from steerkit_core.testing import FAMILIES, TinyModels, save_tiny, tiny_handle, tiny_model, tiny_tokenizer

TEXT = "The héllo in\nthe 日本 \U0001f600  an"


@pytest.mark.parametrize("family", FAMILIES)
def test_any_text_survives_the_tokenizer(family):
    tokenizer = tiny_tokenizer(family)
    assert tokenizer.decode(tokenizer(TEXT, add_special_tokens=False).input_ids) == TEXT


@pytest.mark.parametrize("family", FAMILIES)
def test_every_special_token_is_one_token(family):
    tokenizer = tiny_tokenizer(family)
    for token in FAMILIES[family].special:
        assert tokenizer(token, add_special_tokens=False).input_ids == [
            tokenizer.convert_tokens_to_ids(token)
        ]


@pytest.mark.parametrize("family", ["gemma2", "gemma3", "mistral", "llama"])
def test_template_and_tokenizer_both_add_the_first_token(family):
    tokenizer = tiny_tokenizer(family)
    chat = [{"role": "user", "content": "Hello"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    begin = tokenizer.bos_token_id
    assert tokenizer(text).input_ids[:2] == [begin, begin]
    assert tokenizer(text, add_special_tokens=False).input_ids.count(begin) == 1


@pytest.mark.parametrize(
    ("family", "message"),
    [
        ("gemma2", "System role not supported"),
        ("mistral", "Only user and assistant roles are supported"),
    ],
)
def test_templates_without_a_system_role(family, message):
    from jinja2 import TemplateError

    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    with pytest.raises(TemplateError, match=message):
        tiny_tokenizer(family).apply_chat_template(chat, tokenize=False)


def test_qwen3_thinks_unless_told_not_to():
    chat = [{"role": "user", "content": "Hello"}]
    text = tiny_tokenizer("qwen3").apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert text == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"


def test_the_same_arguments_give_the_same_weights():
    state = torch.random.get_rng_state()
    one, other = tiny_model("qwen2", seed=3), tiny_model("qwen2", seed=3)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(map(torch.equal, one.state_dict().values(), other.state_dict().values()))
    different = tiny_model("qwen2", seed=4)
    assert not torch.equal(one.lm_head.weight, different.lm_head.weight)


@pytest.mark.parametrize("family", FAMILIES)
def test_different_prompts_give_different_tokens(adapters, family):
    handle = tiny_handle(family, adapters)
    answers = set()
    for prompt in ("Hello", "Tell me a joke", "How do I bake bread?", "What is the weather?"):
        text = handle.adapter.render(handle.tokenizer, prompt)
        ids = handle.tokenizer(text, add_special_tokens=False, return_tensors="pt")
        out = handle.model.generate(**ids, max_new_tokens=6, do_sample=False)
        answers.add(tuple(out[0, ids.input_ids.shape[1] :].tolist()))
    assert len(answers) == 4


@pytest.mark.parametrize("family", FAMILIES)
def test_a_saved_folder_comes_back_as_it_was(adapters, family, tmp_path):
    folder = save_tiny(family, tmp_path / "m", layers=2, hidden=16, seed=5)
    facts = inspect_folder(folder)
    assert (facts.num_layers, facts.hidden_size) == (2, 16)
    handle = tiny_handle(family, adapters, layers=2, hidden=16, seed=5)
    original = tiny_model(family, layers=2, hidden=16, seed=5)
    ids = torch.arange(12)[None]
    assert torch.equal(handle.model(ids).logits, original(ids).logits)
    tokenizer = tiny_tokenizer(family)
    assert handle.tokenizer(TEXT).input_ids == tokenizer(TEXT).input_ids
    assert handle.tokenizer.chat_template == tokenizer.chat_template


def test_recipes_can_name_tiny_models(tmp_path):
    host = Host.load(points=[])
    host.register(TinyModels(tmp_path), "tiny")
    found = host.first("steerkit_locate_model", id="tiny:mistral:layers=2,hidden=16,seed=1")
    facts = inspect_folder(found)
    assert (facts.model_type, facts.num_layers, facts.hidden_size) == ("mistral", 2, 16)
    assert host.first("steerkit_locate_model", id="tiny:mistral:layers=2,hidden=16,seed=1") == found
    assert host.first("steerkit_locate_model", id="owner/name") is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "tiny:qwen4",
            (
                "no tiny model of the family 'qwen4', did you mean 'qwen3'? (known: qwen2, qwen3, gemma2,"
                " gemma3, mistral, llama, phi3, gpt2)"
            ),
        ),
        (
            "tiny:qwen2:width=9",
            (
                "tiny model 'tiny:qwen2:width=9': found 'width=9', expected layers=, hidden= or seed= and a"
                " number"
            ),
        ),
    ],
)
def test_tiny_models_that_do_not_exist(tmp_path, name, message):
    with pytest.raises(ModelError) as caught:
        TinyModels(tmp_path).steerkit_locate_model(name)
    assert str(caught.value) == message
