"""Which runs are recorded in `old_runs`, the command that made each, and what is compared of a run.

All commands are given in this folder, so that nothing that a run keeps names a place of the machine.
"""

import json
import os
from pathlib import Path

HERE = Path(__file__).parent
OLD_RUNS = HERE / "old_runs"

SMALL_QUICKSTART = {
    "prompts.evaluation": "prompts/evaluation.txt",
    "prompts.selection": "prompts/selection.txt",
    "selector.depths": "[0.1, 0.4]",
    "selector.multipliers": "[1.0, 4.0]",
    "controls.random": "1",
    "generation.max_new_tokens": "16",
}


def changed(changes):
    """The `--set` words of a command."""
    return [word for place, value in changes.items() for word in ("--set", f"{place}={value}")]


# by the name of the folder; `saved-directions` reads the run `quickstart`, which is recorded before it
RUNS = {
    "quickstart": ["run", "quickstart", *changed(SMALL_QUICKSTART)],
    "grid": ["run", "recipes/grid.toml"],
    "transfer": [
        "transfer",
        "recipes/transfer.toml",
        "--models",
        "bundled:qwen2-s,bundled:qwen2-m,bundled:mistral-s",
    ],
    "saved-directions": ["run", "recipes/saved-directions.toml"],
    "adaptive": ["run", "recipes/adaptive.toml"],
    "sampled": ["run", "recipes/sampled.toml"],
    "calibrated": ["run", "recipes/calibrated.toml"],
}
STABILITY = [
    "stability",
    "recipes/adaptive.toml",
    *("--sizes", "1,2", "--resamples", "5", "--layers", "1,3", "--json"),
]
# what a rater presses for the texts of `quickstart`, in the order in which they are asked
LABEL = ["label", "old_runs/quickstart", "--rater", "alice", "--limit", "12"]
LABEL_KEYS = "rnrrnrgrnrrn"


def rows_of(path):
    """The JSON lines of a file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def results_of(folder):
    """What is in `results.json`."""
    return json.loads((folder / "results.json").read_text("utf-8"))


def found(folder):
    """What a run came to: completions, verdicts, selections and rates, in an order of their own.

    Measured numbers (scores, norms, lengths) are left out: they may differ in their last digits.
    """
    results = results_of(folder)
    return {
        "completions": sorted(
            [row[key] for key in ("cell", "prompt_id", "repeat", "text", "tokens", "stop", "error")]
            for row in rows_of(folder / "completions.jsonl")
        ),
        "verdicts": sorted(
            [row[key] for key in ("cell", "prompt_id", "classifier", "label", "rule", "evidence", "spans")]
            for row in rows_of(folder / "verdicts.jsonl")
        ),
        "selections": [_selection(entry, results) for entry in results["selections"]],
        "rates": [_rates(cell) for cell in results["cells"]],
    }


def _selection(entry, results):
    cell = next((cell for cell in results["cells"] if cell["id"] == entry["cell"]), {})
    return {
        "cell": entry["cell"],
        "tried": entry["tried"],
        "layer": cell.get("layer"),
        "position": cell.get("position"),
        "multiplier": _rounded(cell.get("multiplier")),
        "first": entry["cell"] == results["selected"],
    }


def _rates(cell):
    # strengths that were searched for are measured
    known = {key: cell[key] for key in ("id", "role", "control", "layer", "position", "counts", "failed")}
    return known | {"rates": {label: [rate["k"], rate["n"]] for label, rate in cell["rates"].items()}}


def _rounded(number):
    return None if number is None else float(f"{number:.4g}")


def one_thread():
    """What is added up in another order may come to another number, and so to another text."""
    import torch

    torch.set_num_threads(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def command(arguments, folder=HERE):
    """Give a command line in a folder, with the plugins that are installed; fails unless it succeeds."""
    from steerkit_core.cli import execute

    one_thread()
    before = Path.cwd()
    os.chdir(folder)
    try:
        code = execute([str(word) for word in arguments])
    finally:
        os.chdir(before)
    assert code == 0, f"steerkit {' '.join(map(str, arguments))}: exit code {code}"
