"""`steerkit show`."""

import json
from pathlib import Path

import pytest
from workplaces import errors

pytestmark = pytest.mark.usefixtures("workplace")


def on_disk(name, cell):
    rows = Path("runs/small", name).read_bytes().splitlines()
    return [row for row in map(json.loads, rows) if row["cell"] == cell]


def test_show_finds_a_cell_by_the_beginning_of_its_id(shown, steerkit):
    files = shown.pop("files")
    assert shown.pop("folder") == "runs/small"
    assert json.loads(steerkit("show", "small", "--json")[1]) == shown
    assert files["results.json"] == "runs/small/results.json"
    assert all(Path(path).is_file() for path in files.values())
    ids = [cell["id"] for cell in shown["cells"]]
    for cell in ids:
        length = next(n for n in range(1, 13) if sum(other.startswith(cell[:n]) for other in ids) == 1)
        code, out, _ = steerkit("show", "runs/small", "--cell", cell[:length], "--json")
        assert code == 0
        rows = {row["prompt_id"]: row for row in json.loads(out)}
        assert {key: row["text"] for key, row in rows.items()} == {
            row["prompt_id"]: row["text"] for row in on_disk("completions.jsonl", cell)
        }
        assert {key: row["label"] for key, row in rows.items()} == {
            row["prompt_id"]: row["label"] for row in on_disk("verdicts.jsonl", cell)
        }


def test_show_tells_what_the_model_was_given_and_how_its_stream_was(shown, steerkit):
    code, out, _ = steerkit("show", "small", "--audit")
    assert code == 0
    assert "position -1 of refusal-5: '\\n'" in out
    (health,) = shown["health"]
    assert f"{health['norm_mean'][2]:.4g} {health['norm_max'][2]:.4g}" in out
    found = json.loads(steerkit("show", "small", "--audit", "--json")[1])
    assert found["health"] == shown["health"]
    assert found["prompts"][0]["prompts"]["double_bos"] == 0


def test_show_tells_what_a_selector_compared(steerkit):
    changes = (
        'selector={use = "cosmic", kl_threshold = "off"}',
        'extractor={use = "dim", module = "input", position = [-2, -1]}',
    )
    options = [part for change in changes for part in ("--set", change)]
    code, out, err = steerkit("run", "recipe.toml", "--json", "--quiet", *options)
    assert (code, err) == (0, "")
    (selection,) = json.loads(out)["selections"]
    assert len(selection["table"]) == 8
    code, out, _ = steerkit("show", "small")
    assert code == 0
    assert f"  {len(selection['table']) - 5} more candidates (--selection shows them all)" in out
    code, out, _ = steerkit("show", "small", "--selection")
    assert code == 0
    assert sum(line.split()[-1:] == ["degenerate"] for line in out.splitlines()) == 2
    assert json.loads(steerkit("show", "small", "--selection", "--json")[1]) == [selection]
    page = Path("runs/small/report.html").read_text()
    assert "<summary>8 candidates</summary>" in page
    assert page.count("<td>degenerate</td>") == 2


def test_show_reads_a_run_of_an_earlier_version(shown, steerkit):
    for name in ("quantization", "health"):
        del shown[name]
    for cell in shown["cells"]:
        del cell["sick"], cell["source"]
    Path("runs/small/results.json").write_text(json.dumps(shown))
    manifest = json.loads(Path("runs/small/manifest.json").read_text())
    del manifest["models"][0]["prompts"]
    Path("runs/small/manifest.json").write_text(json.dumps(manifest))
    for options in ([], ["--audit"], ["--selection"], ["--cell", shown["selected"]]):
        code, _, err = steerkit("show", "small", *options)
        assert (code, err) == (0, "")


def test_show_keeps_to_a_label(shown, steerkit):
    cell = shown["selected"]
    wanted = [row["prompt_id"] for row in on_disk("verdicts.jsonl", cell) if row["label"] == "garbled"]
    found = json.loads(steerkit("show", "small", "--cell", cell, "--label", "garbled", "--json")[1])
    assert [row["prompt_id"] for row in found] == wanted


def test_show_of_a_cell_that_is_not_there_lists_those_that_are(shown, steerkit):
    ids = ", ".join(cell["id"] for cell in shown["cells"])
    assert steerkit("show", "small", "--cell", "zzz") == (
        2,
        "",
        errors(f"runs/small: no cell 'zzz' (cells: {ids})"),
    )
    assert steerkit("show", "runs/small", "--cell", "") == (
        2,
        "",
        errors(f"runs/small: no cell '' (cells: {ids})"),
    )


def test_show_reads_texts_with_every_kind_of_line_end(shown, steerkit):
    text = "one\u2028two\u2029three\x85four\x1cfive\nsix\r\n"
    cell = shown["selected"]
    path = Path("runs/small/completions.jsonl")
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    for row in rows:
        row["text"] = text
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    code, out, _ = steerkit("show", "small", "--cell", cell, "--json")
    assert code == 0
    assert [row["text"] for row in json.loads(out)] == [text] * 5


@pytest.mark.parametrize("command", ["show"])
def test_what_is_no_run_is_explained(command, steerkit):
    assert steerkit(command, "tiny") == (
        2,
        "",
        errors("tiny: no manifest.json here: not a run directory"),
    )


def test_a_run_says_at_its_end_where_its_files_are(steerkit):
    code, out, err = steerkit("run", "recipe.toml", "--quiet", "--out", "mine")
    selected = json.loads(Path("mine/results.json").read_text())["selected"]
    assert (code, err) == (0, "")
    first, second = out.rstrip().splitlines()[-2:]
    assert first.endswith(" s. Files in mine; read completions with")
    assert second.strip() == f"steerkit show mine --cell {selected}"
