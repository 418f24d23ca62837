"""`steerkit report`: the files it writes, and what it says of runs that it cannot use."""

import json
from pathlib import Path

import pytest
from bench.large import write_large_run

from steerkit_core.report.charts import saving
from steerkit_core.report.content.record import read_record
from steerkit_core.report.page.html import render_html


def test_it_writes_the_page_of_a_run_anew(copied, give):
    (copied.folder / "report.html").unlink()
    assert give("report", copied.folder) == (0, f"written: {copied.folder / 'report.html'}\n", "")
    page = (copied.folder / "report.html").read_text("utf-8")
    assert page == render_html([read_record(copied.folder)])


def test_a_run_writes_the_same_page_itself(give, tmp_path, monkeypatch, write_recipe):
    monkeypatch.chdir(tmp_path)
    write_recipe(tmp_path)
    assert give("run", "recipe.toml", "--quiet")[0] == 0
    written = Path("runs/small/report.html").read_text("utf-8")
    code, out, err = give("report", "small", "--json")
    assert (code, json.loads(out), err) == (0, {"report": "runs/small/report.html", "figures": []}, "")
    assert Path("runs/small/report.html").read_text("utf-8") == written


def test_several_runs_make_one_page(made, copied, give, tmp_path, monkeypatch, says):
    monkeypatch.chdir(tmp_path)
    assert give("report", made, copied.folder) == (0, "written: runs.html\n", "")
    assert "<title>2 runs - steerkit</title>" in Path("runs.html").read_text("utf-8")
    code, out, err = give("report", made, made)
    assert (code, out) == (2, "")
    says(err)


def test_figures_are_drawn_the_same_each_time(copied, give):
    code, out, _ = give("report", copied.folder, "--figures", "--json")
    assert code == 0
    files = [Path(path) for path in json.loads(out)["figures"]]
    names = ("rates", "map", "windows", "lengths", "cosines")
    assert [path.name for path in files] == [f"{name}.{kind}" for name in names for kind in ("svg", "png")]
    first = {path: path.read_bytes() for path in files}
    assert b"<text" in first[files[0]]
    assert all(data.startswith(b"\x89PNG") for path, data in first.items() if path.suffix == ".png")
    assert give("report", copied.folder, "--figures")[0] == 0
    assert {path: path.read_bytes() for path in files} == first


def test_without_the_extra_figures_are_svg_and_a_line_says_how_to_get_png(copied, give, monkeypatch):
    monkeypatch.setattr(saving, "find_spec", lambda _: None)
    code, out, _ = give("report", copied.folder, "--figures")
    assert code == 0
    assert out.splitlines()[-1].endswith("pip install 'steerkit-core[plots]'")
    assert {path.suffix for path in (copied.folder / "figures").iterdir()} == {".svg"}


REMEDY = "edited by hand; the command of the run writes it anew from the completions"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda report: report.update(schema_version=2),
            (
                "results.json: written with schema 2, and this steerkit reads up to 1: upgrade steerkit-core to"
                " read this run"
            ),
        ),
        (
            lambda report: report.update(selected="c00002000009"),
            (
                "results.json: selected: expected one of the cells, got 'c00002000009', did you mean"
                f" 'c00002000002'?: {REMEDY}"
            ),
        ),
        (
            lambda report: report["comparisons"][0].update(reference="nothing"),
            f"results.json: comparisons[0].reference: expected one of the cells, got 'nothing': {REMEDY}",
        ),
        (
            lambda report: report["selections"][0].pop("table"),
            f"results.json: selections[0].table is missing: {REMEDY}",
        ),
        (
            lambda report: report["cells"][3].pop("rates"),
            f"results.json: cells[3].rates is missing: {REMEDY}",
        ),
        (
            lambda report: report["cells"][3].update(n=9),
            f"results.json: cells[3].counts: expected them to sum to n = 9, got 8: {REMEDY}",
        ),
        (
            lambda report: report["cells"][3].update(failed=1),
            (
                "verdicts.jsonl: 8 rows of cell c00000000002, expected the 9 that results.json counts: edited by"
                " hand; the command of the run makes what is missing"
            ),
        ),
    ],
)
def test_results_that_cannot_be_used(copied, give, edit, message):
    copied.change("results.json", edit)
    assert give("report", copied.folder) == (2, "", f"error: {copied.folder}/{message}\n")


def test_a_run_that_has_not_ended_says_how_it_is_finished(copied, give):
    (copied.folder / "results.json").unlink()
    (copied.folder / "verdicts.jsonl").unlink()
    code, out, err = give("report", copied.folder)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {copied.folder}: unfinished, 152 of at most ")
    command = f"steerkit run {copied.folder}/recipe.toml --out {copied.folder}`\n"
    assert err.endswith(f"and finish it with `{command}")


def test_a_run_of_an_earlier_version(copied, give):
    def older(report):
        for name in ("quantization", "health", "windows", "comparisons", "controls", "transfers"):
            report.pop(name)
        for cell in report["cells"]:
            for name in ("sick", "source", "strength", "direction", "extraction", "n_unique"):
                cell.pop(name)

    copied.change("results.json", older)
    copied.change("manifest.json", lambda manifest: manifest["models"][0].pop("prompts"))
    assert give("report", copied.folder) == (0, f"written: {copied.folder / 'report.html'}\n", "")
    text = (copied.folder / "report.html").read_text("utf-8")
    assert 'id="rates"' in text
    assert 'id="health"' not in text


def test_a_damaged_file_of_directions(copied, give):
    (copied.folder / "directions.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0no json.")
    code, _, err = give("report", copied.folder)
    assert code == 2
    assert err.startswith(f"error: {copied.folder}/directions.safetensors: damaged (")
    assert err.endswith("): give the run's command again\n")
    (copied.folder / "directions.safetensors").unlink()
    assert give("report", copied.folder)[0] == 0


def test_a_place_that_cannot_be_written(copied, give, tmp_path):
    target = tmp_path / "no" / "page.html"
    code, _, err = give("report", copied.folder, "--out", target)
    assert code == 2
    assert err.startswith(
        f"error: {target}: cannot be written: no such file or directory; nothing was changed"
    )


def test_the_page_of_a_thousand_cells_is_small(tmp_path):
    run = write_large_run(tmp_path)
    record = read_record(run)
    assert (len(record.cells), sum(map(len, record.judged.values()))) == (1000, 30_000)
    page = render_html([record])
    assert len(page.encode()) < 3_000_000
    several = render_html([record] * 4)
    assert len(several.encode()) < 3_000_000
    assert "All cells, Directions" in several
    chosen = record.results.selected
    start = page.index(f'id="cell-{chosen}"')
    assert page[start : page.index("</details>", start)].count("<article") == 30
    shown = page.count("<article")
    assert f"<p>{shown} of 30000 completions are shown: those of the selected cell in full" in page
