"""Record the runs in `old_runs`: `python tests/results/record_old_runs.py`.

They were recorded with steerkit 0.1.0 as of commit 616168c, before its modules were moved, and are kept as
they are: later versions have to read them. Run this only to add a run that is not there yet.
"""

import io
import json
import shutil
import sys

from recorded_runs import HERE, LABEL, LABEL_KEYS, OLD_RUNS, RUNS, STABILITY, command

DERIVED = ("report.html", ".lock", "stability.svg", "stability.png")  # large, or made again at any time


def record(name, arguments):
    """Make one run, unless it is there, and leave out what says something of the machine."""
    folder = OLD_RUNS / name
    if folder.exists():
        return
    command([*arguments, "--out", f"old_runs/{name}"])
    for derived in DERIVED:
        (folder / derived).unlink(missing_ok=True)
    if (folder / "manifest.json").exists():
        scrub(folder / "manifest.json")


def scrub(path):
    """Take out of a manifest where this checkout lies and what the machine is."""
    text = path.read_text("utf-8").replace(f"{HERE.parents[1]}/", "")
    manifest = json.loads(text)
    manifest["hardware"]["platform"] = "Linux"
    path.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", "utf-8")


def main():
    """Record every run that is not there."""
    for name, arguments in RUNS.items():
        record(name, [*arguments, "--quiet"])
    record("stability", STABILITY)
    if not (OLD_RUNS / "quickstart" / "labels.csv").exists():
        sys.stdin = io.StringIO(LABEL_KEYS)
        command(LABEL)
    for lock in OLD_RUNS.glob("*/.*lock"):
        lock.unlink()
    shutil.rmtree(HERE / "runs", ignore_errors=True)


if __name__ == "__main__":
    main()
