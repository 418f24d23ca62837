"""COSMIC's scores of every position and layer, beside whole passes: prompt by prompt, and merely batched."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from bench.models import load, prompts, subjects
from bench.report import Section, Spread, against

if TYPE_CHECKING:
    from torch import Tensor

    from steerkit_core.model.handle import ModelHandle

HEADINGS = ("model", "way", "candidates", "per candidate, ms", "steerkit is", "aim", "largest difference")
OURS, BATCHED, NAIVE = "steerkit", "whole passes, batched", "whole passes, prompt by prompt"
LOOSE = 1e9  # a KL that nothing exceeds, so that it is measured of all that are left
EXACT = 1e-4
AIM = 10

Scores = dict[tuple[int, int], tuple[float, float, float | None]]


@frozen(eq=False)
class Task:
    """What every way is given: a model, directions at every position and layer, and two classes."""

    handle: ModelHandle
    directions: Any
    contrast: Any
    kl: bool

    @property
    def validation(self) -> Any:
        """Nothing is held out; it would change no time."""
        return self.contrast

    @property
    def model(self) -> ModelHandle:
        """As a selection context calls it."""
        return self.handle


def selection(folder: Path, names: tuple[str, ...], repeats: int, some: int) -> Section:
    """All ways in turn on every model; whole passes on `some` candidates that lie evenly among all."""
    import torch

    rows: list[tuple[str, ...]] = []
    figures: list[dict[str, Any]] = []
    for subject in subjects(folder, names):
        if subject.natural:
            continue
        for kl in (False, True):
            task = given(subject.folder, kl=kl)
            found = cosmic(task)
            places = spread_over([place for place in found if found[place][2] is not None or not kl], some)
            low = compared(task)
            ways: dict[str, tuple[int, Callable[[], Scores]]] = {
                OURS: (len(found), lambda task=task: cosmic(task)),
                BATCHED: (
                    len(places),
                    lambda task=task, low=low, places=places: whole(task, low, places, 10_000),
                ),
                NAIVE: (len(places), lambda task=task, low=low, places=places: whole(task, low, places, 1)),
            }
            times: dict[str, list[float]] = {way: [] for way in ways}
            worst = dict.fromkeys(ways, 0.0)
            for _ in range(repeats):
                for way, (count, run) in ways.items():
                    begun = time.monotonic()
                    scores = run()
                    times[way].append(1000 * (time.monotonic() - begun) / count)
                    worst[way] = max(worst[way], difference(scores, found))
            assert max(worst.values()) < EXACT, f"the ways disagree by {max(worst.values())}"
            spreads = {way: Spread.of(values) for way, values in times.items()}
            for way, (count, _) in ways.items():
                ratio = spreads[way].median / spreads[OURS].median
                rows.append(
                    (
                        f"{subject.name}, with KL" if kl else subject.name,
                        way,
                        str(count),
                        spreads[way].text(2),
                        "" if way == OURS else f"{ratio:.1f} x",
                        against(ratio, AIM) if way == NAIVE else "",
                        "" if way == OURS else f"{worst[way]:.1e}",
                    )
                )
                figures.append({"model": subject.name, "kl": kl, "way": way, "ms": times[way]})
    notes = (
        (
            "S_refuse and S_comply of COSMIC for directions at five tokens (one in mistral-s) and all layers, 5 + 5"
            f" prompts of refusal-5; with KL also that of the next token; float32, {torch.get_num_threads()} threads;"
            f" median of {repeats}"
        ),
        (
            "whole passes are the model's own, with plain hooks that edit and read: the first in one padded batch"
            " for each candidate and class, as the authors do it, the second one prompt at a time"
        ),
        "all ways gave the same scores; the largest difference is to those of steerkit",
    )
    return Section("selection", "Scores of directions", HEADINGS, rows, figures, notes)


def given(folder: Path, *, kl: bool) -> Task:
    """The authors' candidates; with a short suffix the tokens before it too, which costs the same."""
    from steerkit_core.recipe.prompts import contrast_set
    from steerkit_dim import DifferenceInMeans

    handle = load(folder)
    contrast = contrast_set("refusal-5", prompts("refusal-5"))
    extractor = DifferenceInMeans(position="suffix", module="input")
    return Task(handle, extractor.extract(handle, contrast, range(handle.num_layers)), contrast, kl)


def spread_over(places: Sequence[Any], count: int) -> list[Any]:
    """`count` of them that lie evenly among all."""
    some = min(count, len(places))
    return [places[len(places) * k // some] for k in range(some)]


def cosmic(task: Any) -> Scores:
    """By the selector, which reads L_low too."""
    from steerkit_contrib_cosmic import Cosmic

    table = Cosmic(kl_threshold=LOOSE if task.kl else "off").select(task).table
    return {
        (row["position"], row["layer"]): (row["s_refuse"], row["s_comply"], row["kl"])
        for row in table
        if row["excluded"] != "degenerate"
    }


def compared(task: Task) -> list[int]:
    """L_low, from the means of both classes."""
    import torch

    means = task.handle.mean_activations((task.contrast.positive, task.contrast.negative))[:, 0]
    cosines = torch.cosine_similarity(means[0], means[1], dim=-1)
    return cosines.argsort()[: max(1, int(0.1 * task.handle.num_layers))].tolist()


def whole(task: Task, low: Sequence[int], places: Sequence[tuple[int, int]], rows: int) -> Scores:
    """The scores by whole passes of at most `rows` prompts."""
    import torch

    handle, found = task.handle, task.directions
    harmful, harmless = task.contrast.positive, task.contrast.negative
    plain = {side: passes(handle, side, low, rows, []) for side in (harmful, harmless)}
    scores: Scores = {}
    for position, layer in places:
        at = found.positions.index(position), found.layers.index(layer)
        unit, shift = found.units[at], found.units[at] * float(found.raw_norms[at])

        def ablate(h: Tensor, unit: Tensor = unit) -> Tensor:
            return h - (h @ unit)[..., None] * unit

        def add(h: Tensor, shift: Tensor = shift) -> Tensor:
            return h + shift

        blocks, adapter = handle.blocks, handle.adapter
        everywhere = [(block, ablate, True) for block in blocks]
        everywhere += [(adapter.attention(block), ablate, False) for block in blocks]
        everywhere += [(adapter.mlp(block), ablate, False) for block in blocks]
        refusing, _ = passes(handle, harmless, low, rows, [(blocks[layer], add, True)])
        complying, _ = passes(handle, harmful, low, rows, everywhere)
        kl = None
        if task.kl:
            p, q = plain[harmless][1], passes(handle, harmless, low, rows, everywhere)[1]
            p, q = p.double().log_softmax(-1), q.double().log_softmax(-1)
            kl = float((p.exp() * (p - q)).sum(-1).mean())
        pair = (
            float(torch.dot(refusing, plain[harmful][0])),
            float(torch.dot(complying, plain[harmless][0])),
        )
        scores[position, layer] = (*pair, kl)
    return scores


def passes(
    handle: ModelHandle,
    chosen: Sequence[Any],
    low: Sequence[int],
    rows: int,
    edits: Sequence[tuple[Any, Callable[[Tensor], Tensor], bool]],
) -> tuple[Tensor, Tensor]:
    """`u` over the prompts and layers, and the logits behind each prompt, under hooks that edit."""
    import torch

    from steerkit_core.generation.rows import left_pad, positions_of

    total, logits = torch.zeros(handle.hidden_size, dtype=torch.float64), []

    def look(_module: Any, _arguments: Any, output: Any) -> None:
        total.add_(handle.adapter.read(output)[:, -1].double().sum(0))

    with ExitStack() as stack, torch.inference_mode():
        for module, edit, before in edits:
            if before:
                hook = module.register_forward_pre_hook(
                    lambda _m, given, edit=edit: (edit(given[0]), *given[1:])
                )
            else:
                hook = module.register_forward_hook(
                    lambda _m, _g, output, edit=edit: handle.adapter.write(
                        output, edit(handle.adapter.read(output))
                    )
                )
            stack.callback(hook.remove)
        for layer in low:
            stack.callback(handle.blocks[layer].register_forward_hook(look).remove)
        for begin in range(0, len(chosen), rows):
            encoded = [handle.encode(prompt) for prompt in chosen[begin : begin + rows]]
            ids, mask = left_pad(encoded, handle.pad_id, handle.device)
            inputs = {"attention_mask": mask, "position_ids": positions_of(mask), "use_cache": False}
            logits.append(handle.model(ids, **inputs).logits[:, -1])
    return total / total.norm(), torch.cat(logits)


def difference(scores: Scores, found: Scores) -> float:
    """The largest difference of any score that both have."""
    return max(
        abs(one - other)
        for place, row in scores.items()
        for one, other in zip(row, found[place], strict=True)
        if one is not None and other is not None
    )
