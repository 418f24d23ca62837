"""Mean activations of all layers, beside a bare forward pass without the LM head."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from bench import process
from bench.models import load, prompts, subjects
from bench.report import Section, Spread, against

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle

HEADINGS = ("model", "way", "time, ms", "over bare", "peak memory, MB", "over bare", "aim")
BARE, ALL, ONE, NNSIGHT = "bare forward", "hooks", "prompt by prompt", "nnsight"


def extraction(folder: Path, names: tuple[str, ...], repeats: int) -> Section:
    """Time in this process, all ways in turn; memory in a process for each way."""
    rows, figures = [], []
    for subject in subjects(folder, names):
        if subject.natural:
            continue
        ways = (
            dict.fromkeys((BARE, ALL, NNSIGHT, ONE)) if has_nnsight() else dict.fromkeys((BARE, ALL, ONE))
        )
        tasks = {way: task(way, subject.folder) for way in ways}
        for one in tasks.values():
            one()
        times: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(repeats):
            for way, one in tasks.items():
                begun = time.monotonic()
                one()
                times[way].append(1000 * (time.monotonic() - begun))
        peaks = {way: process.run("extraction", way, str(subject.folder)) for way in ways}
        spreads = {way: Spread.of(found) for way, found in times.items()}
        for way in ways:
            slower = spreads[way].median / spreads[BARE].median
            larger = peaks[way].peak / peaks[BARE].peak
            aim = ""
            if way == ALL:
                aim = f"time {against(slower, 1.15, most=True)}; memory {against(larger, 1.2, most=True)}"
            elif way == NNSIGHT:
                aim = f"{against(spreads[way].median / spreads[ALL].median, 1.5, most=True)} hooks"
            shown = ("", "") if way == BARE else (f"{slower:.2f} x", f"{larger:.2f} x")
            megabytes = f"{peaks[way].peak / 1e6:,.0f}"
            rows.append((subject.name, way, spreads[way].text(), shown[0], megabytes, shown[1], aim))
            figures.append(
                {
                    "model": subject.name,
                    "way": way,
                    "ms": [round(value, 1) for value in times[way]],
                    "peak_bytes": peaks[way].peak,
                    "loaded_bytes": peaks[way].said["loaded"],
                }
            )
    notes = (
        (
            "64 + 64 prompts of refusal-64, the mean of every layer at the last token; the same padded batches"
            f" everywhere but prompt by prompt, which asks for `output_hidden_states`; median of {repeats}"
        ),
        "peak memory is that of a whole process, torch and the weights included",
    )
    return Section("extraction", "Extraction of all layers", HEADINGS, rows, figures, notes)


def has_nnsight() -> bool:
    """Whether recipes may ask for the nnsight backend."""
    from steerkit_core import options

    return NNSIGHT in get_args(options.Backend)


def task(way: str, folder: Path) -> Callable[[], Any]:
    """One extraction, to be run as often as one likes."""
    import torch

    handle = load(folder, NNSIGHT if way == NNSIGHT else ALL)
    contrast = prompts("refusal-64")
    groups = [[prompt for prompt in contrast if prompt.role == role] for role in ("positive", "negative")]
    if way == BARE:
        return bare(handle, [prompt for group in groups for prompt in group])
    if way == ONE:
        return lambda: torch.no_grad()(one_by_one)(handle, groups)
    return lambda: handle.mean_activations(groups, (-1,))


def bare(handle: ModelHandle, chosen: list[Any]) -> Callable[[], None]:
    """The batches that steerkit makes, made beforehand, through the decoder."""
    import torch

    from steerkit_core.generation.rows import left_pad, positions_of
    from steerkit_core.model.forward import batches

    made = []
    for batch in batches(handle, chosen):
        ids, mask = left_pad([handle.encode(chosen[k]) for k in batch], handle.pad_id, handle.device)
        made.append({"input_ids": ids, "attention_mask": mask, "position_ids": positions_of(mask)})
    model: Any = handle.model
    decoder = model.get_decoder()

    @torch.inference_mode()
    def forward() -> None:
        for batch in made:
            decoder(**batch, use_cache=False)

    return forward


def one_by_one(handle: ModelHandle, groups: list[list[Any]]) -> Any:
    """What a notebook would do."""
    import torch

    means = []
    for group in groups:
        total: Any = 0.0
        for prompt in group:
            model: Any = handle.model
            states = model(torch.tensor([handle.encode(prompt)]), output_hidden_states=True).hidden_states
            total = total + torch.stack([state[0, -1] for state in states[1:]]).double()
        means.append(total / len(group))
    return torch.stack(means)


def alone(way: str, folder: str) -> dict[str, Any]:
    """Extract in this process, and say how much memory it had before."""
    one = task(way, Path(folder))
    loaded = process.memory("VmRSS")
    one()
    return {"loaded": loaded}
