"""Each family's chat template has the real one's peculiarities."""

import pytest
from bundled_chat import chat
from jinja2.exceptions import TemplateError

USER = {"role": "user", "content": "Hello"}
ASSISTANT = {"role": "assistant", "content": "Hi."}
SYSTEM = {"role": "system", "content": "Be brief."}


def rendered(name: str, *messages: dict[str, str], prompt: bool = False) -> str:
    text = chat(name).tokenizer.apply_chat_template(
        list(messages), tokenize=False, add_generation_prompt=prompt
    )
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("name", ["qwen2-s", "qwen2-m"])
def test_qwen_inserts_its_system_prompt(name: str) -> None:
    assert rendered(name, USER, prompt=True) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    )


def test_qwen_takes_another_system_prompt() -> None:
    text = rendered("qwen2-s", SYSTEM, USER, ASSISTANT)
    assert text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
        "<|im_start|>assistant\nHi.<|im_end|>\n"
    )


def test_qwen_has_no_bos() -> None:
    tokenizer = chat("qwen2-s").tokenizer
    assert tokenizer.bos_token is None
    assert tokenizer("Hello")["input_ids"] == tokenizer("Hello", add_special_tokens=False)["input_ids"]


def test_gemma_calls_the_assistant_model() -> None:
    assert rendered("gemma2-s", USER, ASSISTANT, USER, prompt=True) == (
        "<bos><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\nHi.<end_of_turn>\n"
        "<start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n"
    )


def test_gemma_has_no_system_role() -> None:
    with pytest.raises(TemplateError, match="System role not supported"):
        rendered("gemma2-s", SYSTEM, USER)


@pytest.mark.parametrize("name", ["gemma2-s", "mistral-s"])
def test_roles_must_alternate(name: str) -> None:
    with pytest.raises(TemplateError, match="must alternate"):
        rendered(name, USER, USER)


def test_mistral_puts_the_request_between_marks() -> None:
    text = rendered("mistral-s", USER, ASSISTANT, USER, prompt=True)
    assert text == "<s>[INST] Hello[/INST] Hi.</s>[INST] Hello[/INST]"
    tokenizer = chat("mistral-s").tokenizer
    marks = tokenizer.convert_tokens_to_ids(["[INST]", "[/INST]"])
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert [ids.count(mark) for mark in marks] == [2, 2]


def test_mistral_puts_the_system_prompt_into_the_last_request() -> None:
    text = rendered("mistral-s", SYSTEM, USER, ASSISTANT, USER)
    assert text == "<s>[INST] Hello[/INST] Hi.</s>[INST] Be brief.\n\nHello[/INST]"


@pytest.mark.parametrize("name", ["gemma2-s", "mistral-s"])
def test_template_and_tokenizer_both_add_bos(name: str) -> None:
    tokenizer = chat(name).tokenizer
    text = rendered(name, USER, prompt=True)
    assert tokenizer(text, add_special_tokens=False)["input_ids"].count(tokenizer.bos_token_id) == 1
    assert tokenizer(text)["input_ids"].count(tokenizer.bos_token_id) == 2


def test_each_family_stops_with_its_own_token() -> None:
    stops = {
        name: chat(name).model.generation_config.eos_token_id
        for name in ("qwen2-s", "gemma2-s", "mistral-s")
    }
    ids = {
        "qwen2-s": chat("qwen2-s").tokenizer.convert_tokens_to_ids("<|im_end|>"),
        "gemma2-s": chat("gemma2-s").tokenizer.convert_tokens_to_ids(["<eos>", "<end_of_turn>"]),
        "mistral-s": chat("mistral-s").tokenizer.convert_tokens_to_ids("</s>"),
    }
    assert stops == ids
