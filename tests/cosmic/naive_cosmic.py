"""COSMIC straight from the formulas: one prompt at a time, whole passes, transformers and plain hooks only.

Nothing of steerkit is used but the loaded model and its tokenizer, so that a shared mistake would show.
"""

import math
import statistics
from contextlib import contextmanager

import torch

FIRST_TOKEN = 0


def blocks_of(model):
    decoder = model.get_decoder()
    return decoder.layers if hasattr(decoder, "layers") else decoder.h


def token_ids(handle, prompt):
    turns = [{"role": "user", "content": prompt.text}]
    text = handle.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return torch.tensor([handle.tokenizer(text, add_special_tokens=False)["input_ids"]])


@contextmanager
def edited(model, edit, layer=None):
    """`edit` at the input of one block; without `layer` at every input, attention output and MLP output."""

    def before(_module, arguments):
        return (edit(arguments[0]), *arguments[1:])

    def after(_module, _arguments, output):
        return (edit(output[0]), *output[1:]) if isinstance(output, tuple) else edit(output)

    hooks = []
    for number, block in enumerate(blocks_of(model)):
        if layer in (None, number):
            hooks.append(block.register_forward_pre_hook(before))
        if layer is None:
            hooks.append(block.self_attn.register_forward_hook(after))
            hooks.append(block.mlp.register_forward_hook(after))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def forward(handle, prompt):
    """resid_pre and resid_post of every block, (layers, tokens, hidden), and the last logits, float64."""
    given, outputs, hooks = [], [], []
    for block in blocks_of(handle.model):
        hooks.append(block.register_forward_pre_hook(lambda _m, args: given.append(args[0][0].double())))
        hooks.append(
            block.register_forward_hook(
                lambda _m, _a, out: outputs.append((out[0] if isinstance(out, tuple) else out)[0].double())
            )
        )
    logits = handle.model(token_ids(handle, prompt), use_cache=False).logits[0, -1].double()
    for hook in hooks:
        hook.remove()
    return torch.stack(given), torch.stack(outputs), logits


def mean_of(vectors):
    return sum(vectors) / len(vectors)


def cosine(one, other):
    return float((one @ other) / (one.norm() * other.norm()))


def low_layers(handle, contrast, *, pairwise):
    positive = [forward(handle, prompt)[1][:, -1] for prompt in contrast.positive]
    negative = [forward(handle, prompt)[1][:, -1] for prompt in contrast.negative]
    count = positive[0].shape[0]
    if pairwise:
        similarity = [
            statistics.fmean(cosine(one[at], other[at]) for one in positive for other in negative)
            for at in range(count)
        ]
    else:
        similarity = [
            cosine(mean_of([p[at] for p in positive]), mean_of([n[at] for n in negative]))
            for at in range(count)
        ]
    order = sorted(range(count), key=similarity.__getitem__)
    return order[: max(1, int(0.10 * count))]


def u(handle, prompts, low):
    kept = [forward(handle, prompt)[1][layer][-1] for prompt in prompts for layer in low]
    total = mean_of(kept)
    return total / total.norm()


def naive_cosmic(handle, directions, contrast, validation, *, variant, form, kl=True, layers=None):
    """Every row of the table that can be computed, as `{(position, layer): row}`."""
    model = handle.model
    held_out = contrast if variant == "paper" else validation
    low = low_layers(handle, contrast, pairwise=variant == "paper")
    harmful_u, harmless_u = u(handle, held_out.positive, low), u(handle, held_out.negative, low)
    plain = [forward(handle, prompt)[2].log_softmax(-1) for prompt in held_out.negative] if kl else []
    read = 0 if directions.module == "input" else 1
    rows = {}
    for position in directions.positions:
        for layer in directions.layers:
            if layers is not None and layer not in layers:
                continue
            at = (directions.positions.index(position), directions.layers.index(layer))
            length = float(directions.raw_norms[at])
            if not math.isfinite(length) or length == 0:
                rows[position, layer] = None
                continue
            d = directions.units[at]
            c_d = d * length if variant == "authors" else d
            shift = torch.zeros_like(d)
            if form == "affine":
                mu = mean_of([forward(handle, p)[read][layer][position] for p in contrast.negative]).float()
                shift = (mu @ d) * d

            def add(v, d=d, c_d=c_d, shift=shift):
                return v + c_d if form == "linear" else v - (v @ d)[..., None] * d + shift + c_d

            def ablate(v, d=d, shift=shift):
                return v - (v @ d)[..., None] * d + shift

            with edited(model, add, layer):
                s_refuse = float(u(handle, held_out.negative, low) @ harmful_u)
            with edited(model, ablate):
                s_comply = float(u(handle, held_out.positive, low) @ harmless_u)
                ablated = [forward(handle, p)[2].log_softmax(-1) for p in held_out.negative] if kl else []
            divergences = [float((p.exp() * (p - q)).sum()) for p, q in zip(plain, ablated, strict=True)]
            rows[position, layer] = {
                "s_refuse": s_refuse,
                "s_comply": s_comply,
                "score": s_refuse + s_comply,
                "kl": statistics.fmean(divergences) if kl else None,
            }
    return rows, low
