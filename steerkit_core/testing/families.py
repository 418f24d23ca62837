"""What is peculiar to each family that the kit imitates: special tokens, template, config.

The templates keep each family's format and its traps: Qwen 2 brings a system prompt of its own, Gemma 2
refuses a system role, Gemma, Llama and Mistral write the first token in the template although the
tokenizer adds it too, and Qwen 3 thinks unless it is told not to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

_CHATML = (
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_QWEN2 = (
    "{% if messages[0]['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% endif %}" + _CHATML
)
_QWEN3 = _CHATML + (
    "{% if add_generation_prompt and enable_thinking is defined and not enable_thinking %}"
    "<think>\n\n</think>\n\n"
    "{% endif %}"
)
_GEMMA = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "<start_of_turn>{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n"
    "{{ message['content'] | trim }}<end_of_turn>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
_MISTRAL = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}[INST] {{ message['content'] }} [/INST]"
    "{% elif message['role'] == 'assistant' %} {{ message['content'] }}{{ eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported') }}{% endif %}"
    "{% endfor %}"
)
_LLAMA = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n{{ message['content'] | trim }}<|eot_id|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
_PHI3 = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
_PLAIN = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


@frozen
class TinyFamily:
    """One family: `end` lists the tokens that may end an answer, the tokenizer's own first."""

    template: str
    special: tuple[str, ...]
    end: tuple[str, ...]
    begin: str | None = None
    pad: str | None = None
    adds_begin: bool = False
    config: Mapping[str, Any] = field(factory=dict)


_QWEN_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_GEMMA_TOKENS = ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>")
# its embeddings are scaled by the root of the width, and would drown what the blocks add
_GEMMA_CONFIG = {"query_pre_attn_scalar": 8, "sliding_window": 64, "initializer_range": 0.05}
_GEMMA_ENDS = ("<eos>", "<end_of_turn>")

FAMILIES: Mapping[str, TinyFamily] = {
    "qwen2": TinyFamily(_QWEN2, _QWEN_TOKENS, ("<|im_end|>", "<|endoftext|>"), pad="<|endoftext|>"),
    "qwen3": TinyFamily(
        _QWEN3,
        (*_QWEN_TOKENS, "<think>", "</think>"),
        ("<|im_end|>", "<|endoftext|>"),
        pad="<|endoftext|>",
    ),
    "gemma2": TinyFamily(
        _GEMMA,
        _GEMMA_TOKENS,
        _GEMMA_ENDS,
        begin="<bos>",
        pad="<pad>",
        adds_begin=True,
        config=_GEMMA_CONFIG,
    ),
    "gemma3": TinyFamily(
        _GEMMA,
        _GEMMA_TOKENS,
        _GEMMA_ENDS,
        begin="<bos>",
        pad="<pad>",
        adds_begin=True,
        config=_GEMMA_CONFIG,
    ),
    "mistral": TinyFamily(
        _MISTRAL, ("<unk>", "<s>", "</s>", "[INST]", "[/INST]"), ("</s>",), begin="<s>", adds_begin=True
    ),
    "llama": TinyFamily(
        _LLAMA,
        ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        ("<|eot_id|>", "<|end_of_text|>"),
        begin="<|begin_of_text|>",
        adds_begin=True,
    ),
    "phi3": TinyFamily(
        _PHI3,
        ("<|endoftext|>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"),
        ("<|endoftext|>", "<|end|>"),
        pad="<|endoftext|>",
    ),
    "gpt2": TinyFamily(_PLAIN, ("<|endoftext|>",), ("<|endoftext|>",), begin="<|endoftext|>"),
}
