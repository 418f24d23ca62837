"""A made run: texts and verdicts that are known, for the commands that read one."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from steerkit_core.results.files import COMPLETIONS

sys.path.insert(0, str(Path(__file__).parent))

from made_runs import cell_entry, write_made_run, write_rows

REFUSALS = ("I cannot help with that.", "I'm sorry, I won't.", "No. I refuse.")
LOOP = "word word word word word word word"
GOOD = ("Mix flour and water.", "It is blue.", "Twelve.", "Ask a friend about it.")


@pytest.fixture
def made_run(tmp_path, monkeypatch):
    """`make()` writes the run `made` into the working directory and returns its folder.

    Cell `c1` holds seven prompts: three refusals, a loop, three good answers. `c2` has the same for two of
    them, a text that ended early, and a failed row.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def row(cell, number, text, stop="eos", error=None, score=None):
        return {
            "cell": cell, "prompt_id": f"p{number}", "prompt": f"question {number}", "category": "",
            "text": text, "tokens": 3, "stop": stop, "error": error, "score": score,
        }  # fmt: skip

    def entry(cell, use, **options):
        numbers = (3, 1, 3) if cell == "c1" else (1, 1, 1)
        counts = dict(zip(("refusal", "garbled", "normal"), numbers, strict=True))
        failed = 0 if cell == "c1" else 1
        return cell_entry(cell, counts, classifier=use, failed=failed, options={"classifier": options})

    def make(entries=None, scores=(None, None), name="made"):
        folder = Path(name)
        folder.mkdir()
        texts = [*REFUSALS, LOOP, *GOOD[:3]]
        rows = [row("c1", number, text, score=scores[0]) for number, text in enumerate(texts, start=1)]
        rows += [
            row("c2", 1, texts[0], score=scores[1]),
            row("c2", 5, texts[4], score=scores[1]),
            row("c2", 2, LOOP, stop="settled", score=scores[1]),
            row("c2", 3, "", stop="failed", error="the output is empty"),
        ]
        cells = entries or [entry("c1", "refusal-keywords"), entry("c2", "refusal-keywords")]
        write_rows(folder, COMPLETIONS, rows)
        return write_made_run(folder, cells, selected="c1")

    make.entry = entry
    return make


@pytest.fixture
def workplace(write_recipe, model_folder, tmp_path, monkeypatch):
    """A folder with a recipe, its prompts and a model, in which the command is given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    path = write_recipe(tmp_path)
    path.write_text(path.read_text().replace(json.dumps(str(model_folder)), '"tiny"'))
    shutil.copytree(model_folder, "tiny")
    return tmp_path


@pytest.fixture
def steerkit(give):
    return give


@pytest.fixture
def shown(steerkit):
    """A run, and its report."""
    code, out, _ = steerkit("run", "recipe.toml", "--quiet", "--json")
    assert code == 0
    return json.loads(out)
