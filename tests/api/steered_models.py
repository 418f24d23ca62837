"""How steered models are looked at: batches, what transformers writes, and hooks written by hand."""

from contextlib import ExitStack

import torch

FAMILIES = ("qwen2", "gemma2", "mistral")
TEXTS = ("How do ferns grow?", "Name two rivers in Asia and one in Europe.", "Why?")


def hooks_of(model):
    return [
        (name, dict(module._forward_hooks), dict(module._forward_pre_hooks))
        for name, module in model.named_modules()
    ]


def batch_of(tokenizer, texts=TEXTS):
    """Rendered chats as a left-padded batch."""
    chats = [[{"role": "user", "content": text}] for text in texts]
    rendered = [
        tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in chats
    ]
    return tokenizer(rendered, add_special_tokens=False, padding=True, return_tensors="pt")


def generated(model, inputs, **options):
    """New token ids, row by row, as transformers writes them."""
    settings = {"do_sample": False, "max_new_tokens": 12, "pad_token_id": 0, **options}
    out = model.generate(**inputs, **settings)
    return out[:, inputs["input_ids"].shape[1] :].tolist()


def by_hand(model, edits, run):
    """What `run()` gives under plain hooks: `edits` maps a layer to a function of the block's output."""

    def hook_for(edit):
        def hook(_module, _arguments, output):
            if isinstance(output, tuple):
                return (edit(output[0]), *output[1:])
            return edit(output)

        return hook

    blocks = model.get_decoder().layers
    with ExitStack() as stack:
        for layer, edit in edits.items():
            stack.callback(blocks[layer].register_forward_hook(hook_for(edit)).remove)
        return run()


def outputs_of(model, inputs):
    """The output of every block, as the next block gets it."""
    found = []

    def keep(_module, _arguments, output):
        found.append(output[0] if isinstance(output, tuple) else output)

    with ExitStack() as stack, torch.no_grad():
        for block in model.get_decoder().layers:
            # behind the hooks that are there already, so that it sees what they have made of it
            stack.callback(block.register_forward_hook(keep).remove)
        model(**inputs)
    return found
