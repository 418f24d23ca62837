"""What people wait for, measured beside the naive way in the same run: `nox -s bench`.

Prints a table; with `--write` the table replaces the one in docs/benchmarks.md, and the figures go to
docs/benchmarks.json.
"""

from __future__ import annotations

import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

ROOT = Path(__file__).parents[2]
PAGE, FIGURES = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks.json"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
MODEL = "bundled:qwen2-s"


@click.command()
@click.option("--write", is_flag=True, help="Renew docs/benchmarks.md and docs/benchmarks.json.")
@click.option(
    "--runs", default=5, show_default=True, help="Runs of each short measurement; the median counts."
)
@click.option("--model", default=MODEL, show_default=True, help="A bundled model or a folder.")
def main(*, write: bool, runs: int, model: str) -> None:
    """Measure and print."""
    console = Console(width=110)
    with Progress(console=Console(stderr=True)) as progress:
        measurements: list[Callable[[], list[dict[str, Any]]]] = [
            lambda: commands(runs),
            quickstart,
            lambda: extraction(model, runs),
            lambda: generation(model),
        ]
        rows: list[dict[str, Any]] = []
        for measure in progress.track(measurements, description="measuring"):
            rows += measure()
    found = {"date": datetime.now(UTC).date().isoformat(), "machine": machine(), "rows": rows}
    table = Table(
        title=f"{found['machine']}, {found['date']}", title_justify="left", box=None, padding=(0, 2, 0, 0)
    )
    for heading in ("what", "measured", "beside it", "ratio", "aim"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(row[key] for key in ("what", "measured", "naive", "ratio", "aim")))
    console.print(table)
    if write:
        FIGURES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        _renew_page(found)


def commands(runs: int) -> list[dict[str, Any]]:
    """Start-up of the commands that load no model, beside a bare import of torch."""
    bare = _seconds([sys.executable, "-c", "import torch"], runs)
    rows = []
    for words in (["check", "quickstart"], ["plugins"]):
        own = _seconds([sys.executable, "-m", "steerkit_core", *words], runs)
        rows.append(
            _row(
                f"steerkit {' '.join(words)}",
                f"{own:.2f} s",
                f"import torch: {bare:.2f} s",
                bare / own,
                "< 0.5 s",
            )
        )
    return rows


def quickstart() -> list[dict[str, Any]]:
    """The README's run, once, as a process of its own with its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        begun = time.monotonic()
        command = [sys.executable, "-m", "steerkit_core", "run", "quickstart", "--quiet", "--out", str(out)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - begun
        report = json.loads((out / "results.json").read_text(encoding="utf-8"))
    # the largest child so far; the commands before it are far smaller
    gigabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    best = next(cell for cell in report["cells"] if cell["id"] == report["selected"])
    plain = next(cell for cell in report["cells"] if cell["role"] == "baseline")
    refusals = f"{best['counts']['refusal']}/{best['n']}"
    unsteered = f"unsteered: {plain['counts']['refusal']}/{plain['n']}"
    return [
        _row("steerkit run quickstart, time", f"{seconds:.0f} s", "", None, "< 60 s"),
        _row("steerkit run quickstart, peak memory", f"{gigabytes:.2f} GB", "", None, "< 2 GB"),
        _row("steerkit run quickstart, coherent refusals", refusals, unsteered, None, ">= 27/30"),
    ]


def extraction(name: str, runs: int) -> list[dict[str, Any]]:
    """Directions of 64 + 64 prompts at all layers: one pass a batch, beside one pass a prompt."""
    import torch

    handle, contrast = _load(name), _prompt_sets()["refusal-64"]
    positive = [prompt for prompt in contrast if prompt.role == "positive"]
    negative = [prompt for prompt in contrast if prompt.role == "negative"]

    def own() -> Any:
        return handle.mean_activations((positive, negative), (-1,))[:, 0]

    @torch.no_grad()
    def naive() -> Any:
        means = []
        for group in (positive, negative):
            total = 0.0
            for prompt in group:
                ids = torch.tensor([handle.encode(prompt)])
                states = handle.model(ids, output_hidden_states=True).hidden_states
                total = total + torch.stack([state[0, -1] for state in states[1:]]).double()
            means.append(total / len(group))
        return torch.stack(means)

    @torch.no_grad()
    def bare() -> None:
        handle._forward([*positive, *negative], lambda _layer, _residual: None)

    difference = float((own()[:, :-1] - naive()[:, :-1]).abs().max())
    mine, slow, limit = (_median(task, runs) for task in (own, naive, bare))
    return [
        _row(
            "extraction, 128 prompts, all layers",
            f"{mine * 1000:.0f} ms",
            f"prompt by prompt: {slow * 1000:.0f} ms (largest difference {difference:.0e})",
            slow / mine,
            "",
        ),
        _row("the same", f"{mine * 1000:.0f} ms", f"bare forward: {limit * 1000:.0f} ms", limit / mine, ""),
    ]


def generation(name: str) -> list[dict[str, Any]]:
    """A sweep of five layers and three multipliers, beside one prompt and one cell after another."""
    import torch

    from steerkit_core.generation import Row
    from steerkit_core.options import GenerationOptions
    from steerkit_core.values import Edit, Intervention

    handle, prompts = _load(name), _prompt_sets()["benign-30"]
    layers, length = handle.num_layers, 40
    directions = torch.nn.functional.normalize(torch.randn(layers, handle.hidden_size), dim=-1)
    norms = handle.residual_norms(prompts)

    def steered(layer: int, share: float) -> Intervention:
        shift = directions[layer] * share * norms[layer]
        return Intervention(tuple(Edit(place, add=shift) for place in range(layer, layers)))

    chosen = [int(layers * depth) for depth in (0.3, 0.4, 0.5, 0.6, 0.7)]
    cells = [steered(layer, share) for layer in chosen for share in (0.01, 0.02, 0.04)]
    options = GenerationOptions(max_new_tokens=length)
    rows = [Row(prompt, cell) for cell in cells for prompt in prompts]
    begun = time.monotonic()
    made = sum(len(written.token_ids) + 1 for _, written in handle.generate(rows, options))
    own = made / (time.monotonic() - begun)

    few = [(cell, prompt) for cell in cells[::7] for prompt in prompts[:8]]
    begun = time.monotonic()
    tokens = sum(_one_by_one(handle, cell, prompt, length) for cell, prompt in few)
    slow = tokens / (time.monotonic() - begun)
    return [
        _row(
            "sweep of 15 cells x 30 prompts",
            f"{own:,.0f} tokens/s",
            f"one prompt at a time: {slow:,.0f} tokens/s",
            own / slow,
            "",
        )
    ]


def _one_by_one(handle: Any, intervention: Any, prompt: Any, length: int) -> int:
    """New tokens that transformers.generate makes for one prompt with plain hooks, as the paper did."""
    import torch

    ids = torch.tensor([handle.encode(prompt)])
    with ExitStack() as stack, torch.no_grad():
        for edit in intervention.edits:
            hook = handle.blocks[edit.layer].register_forward_hook(
                lambda _module, _arguments, output, add=edit.add: output + add
            )
            stack.callback(hook.remove)
        out = handle.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=length,
            pad_token_id=handle.pad_id,
        )
    return int(out.shape[1] - ids.shape[1])


def machine() -> str:
    """The machine, in words."""
    import os

    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _load(name: str) -> Any:
    from steerkit_core.fit import locate_model
    from steerkit_core.host import Host
    from steerkit_core.options import ModelSpec
    from steerkit_core.pipeline import load_model
    from steerkit_core.plan import Group
    from steerkit_core.registry import Registry

    registry = Registry.collect(Host.load())
    spec = ModelSpec(id=name)
    return load_model(Group(spec, locate_model(spec, registry), None, ()), registry)


def _prompt_sets() -> dict[str, Any]:
    from steerkit_core.host import Host
    from steerkit_core.registry import Registry

    registry = Registry.collect(Host.load())
    return {name: registry.get("prompt set", name)().prompts() for name in registry.names("prompt set")}  # type: ignore[attr-defined]  # reason: of this kind


def _row(what: str, measured: str, naive: str, ratio: float | None, aim: str) -> dict[str, str]:
    shown = "" if ratio is None else f"{ratio:.1f} x"
    return {"what": what, "measured": measured, "naive": naive, "ratio": shown, "aim": aim}


def _seconds(command: list[str], runs: int) -> float:
    """Median wall time of a process."""
    return _median(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), runs)


def _median(task: Callable[[], Any], runs: int) -> float:
    task()  # not counted: the first run fills caches
    times = []
    for _ in range(runs):
        begun = time.monotonic()
        task()
        times.append(time.monotonic() - begun)
    return statistics.median(times)


def _renew_page(found: dict[str, Any]) -> None:
    lines = [f"{found['machine']}, {found['date']}.", "", "| what | measured | beside it | ratio | aim |"]
    lines.append("| --- | --- | --- | --- | --- |")
    lines += ["| " + " | ".join(row.values()) + " |" for row in found["rows"]]
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
