from contextlib import ExitStack
from functools import cache

import pytest
import torch

from steerkit_core.testing import tiny_handle
from steerkit_core.values import Prompt

# of unlike lengths, so that a batch is padded by very different amounts
TEXTS = (
    "Tell me a joke",
    "How do I bake a cake for eleven people, none of whom eat eggs?",
    "Hi",
    "Explain the rules of chess to a patient child who has never seen a board",
    "What causes rainbows?",
)


@pytest.fixture(scope="session")
def handles(adapters):
    """`handles(family)`: a tiny model of a family, made once."""

    @cache
    def make(family):
        return tiny_handle(family, adapters, layers=4, hidden=32, seed=3)

    return make


@pytest.fixture(scope="session")
def prompts():
    return tuple(Prompt(f"p{number}", text) for number, text in enumerate(TEXTS))


@pytest.fixture(scope="session")
def naive_generate():
    """The slow, obvious way: one prompt at a time, transformers' own generate, one plain hook per layer."""
    return _naive_generate


def _naive_generate(handle, prompt, edits, max_new_tokens, phase="all"):
    """Token ids that `transformers.generate` gives for one prompt while `edits` are applied.

    `edits` maps a layer to a function of the residual stream (1, tokens, hidden); `phase` limits it to the
    prompt's tokens, which are the first forward pass, or to the generated ones.
    """
    text = handle.adapter.render(handle.tokenizer, prompt.text)
    ids = torch.tensor([handle.tokenizer(text, add_special_tokens=False)["input_ids"]])

    def hook_for(edit):
        calls = 0

        def hook(_module, _arguments, output):
            nonlocal calls
            calls += 1
            if (phase == "prompt" and calls > 1) or (phase == "generated" and calls == 1):
                return None
            if isinstance(output, tuple):
                return (edit(output[0]), *output[1:])
            return edit(output)

        return hook

    blocks = handle.adapter.blocks(handle.model)
    with ExitStack() as stack, torch.no_grad():
        for layer, edit in edits.items():
            stack.callback(blocks[layer].register_forward_hook(hook_for(edit)).remove)
        out = handle.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=max_new_tokens,
            pad_token_id=handle.pad_id,
        )
    new = out[0, ids.shape[1] :].tolist()
    for place, token in enumerate(new):
        if token in handle.eos_ids:
            return tuple(new[:place])
    return tuple(new)
