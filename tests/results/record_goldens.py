"""Record what runs come to: `python tests/results/record_goldens.py [NAME ...]`, by default all.

Recorded with steerkit 0.1.0 as of commit 616168c. Record again only what was meant to change, and say why.
"""

import json
import sys
import tempfile
from pathlib import Path

from golden_runs import GOLDENS, commands, digests, save_tiny_model
from recorded_runs import command


def main(names):
    """Run what is asked for, and put its hashes into the file."""
    goldens = json.loads(GOLDENS.read_text("utf-8")) if GOLDENS.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        known = commands(Path(folder))
        for name in names or known:
            save_tiny_model(name, Path(folder))
            command([*known[name], "--quiet", "--json", "--out", Path(folder, "run", name)])
            known_texts = goldens.get(name, {}).get("texts", [])
            goldens[name] = digests(Path(folder, "run", name))
            goldens[name]["texts"] = sorted({*known_texts, goldens[name]["texts"]})
    GOLDENS.write_text(json.dumps(goldens, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
