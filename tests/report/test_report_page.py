"""The numbers of the page are those of the run's files, and what a model wrote stays text."""

import json
import math

import pytest
from page_tables import Page
from safetensors import safe_open

from steerkit_core.report.content.record import read_record
from steerkit_core.report.page.html import render_html
from steerkit_core.stats import PairedCounts, newcombe_paired, wilson


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def ends(k, n):
    """Wilson's interval as the page writes it."""
    rate = wilson(k, n)
    return f"{100 * rate.low:.0f} to {100 * rate.high:.0f}%"


def test_sections_in_their_order(page):
    assert list(page.tables) == [
        "result", "rates", "layer_map", "windows", "comparisons", "selection", "directions", "health",
        "prompts", "samples", "cells", "manifest",
    ]  # fmt: skip
    contents = [found["href"] for found in page.named("a")]
    assert contents[: len(page.tables)] == [f"#{name}" for name in page.tables]


def test_every_cell_has_its_counts_and_interval(page, results):
    (head, *rows) = page.tables["cells"][0]
    assert head[-4:] == ["strength", "refusal, 95% interval", "garbled", "normal"]
    assert len(rows) == len(results["cells"]) == 19
    for row, cell in zip(rows, results["cells"], strict=True):
        counts, n = cell["counts"], cell["n"]
        name = cell["id"] + ("*" if cell["id"] == results["selected"] else "")
        assert row[0] == name
        assert row[-3] == f"{counts['refusal']}/{n}, {ends(counts['refusal'], n)}"
        assert row[-2:] == [str(counts["garbled"]), str(counts["normal"])]


def test_rates_by_layer_are_those_of_the_cells(page, results):
    (head, *rows) = page.tables["rates"][0]
    assert head == ["layer", "multiplier 1", "multiplier 2", "multiplier 3"]
    by_place = {(cell["layer"], cell["multiplier"]): cell for cell in results["cells"][1:]}
    for layer, *found in rows:
        cells = [by_place[int(layer), float(strength)] for strength in (1, 2, 3)]
        wanted = [(cell["counts"]["refusal"], cell["n"]) for cell in cells]
        assert found == [f"{k}/{n}, {ends(k, n)}" for k, n in wanted]
    assert [row[0] for row in rows] == ["0", "1", "2", "3", "4", "5"]
    plain = results["cells"][0]["counts"]["refusal"]
    assert f"baseline, {plain}/8" in page.text["rates"]


def test_the_map_has_refusals_and_garbled(page, results):
    (_, strengths, *rows) = page.tables["layer_map"][0]
    assert strengths == ["1", "2", "3"]
    found = [field for _, *fields in rows for field in fields]
    garbled = [(cell["counts"]["refusal"], cell["counts"]["garbled"]) for cell in results["cells"][1:]]
    assert found == [f"{k}/8" + (f"{bad} garbled" if bad else "") for k, bad in garbled]


def test_lengths_and_cosines_are_those_of_the_tensors(page, made, results):
    key = next(cell["extraction"] for cell in results["cells"] if cell["selected"])
    with safe_open(made / "directions.safetensors", framework="pt") as file:
        units, norms = (file.get_tensor(f"{key}.{name}")[0].double() for name in ("units", "raw_norms"))
    (head, *rows) = page.tables["directions"][0]
    assert head == ["layer", "length", "residual", *(f"cosine to {layer}" for layer in range(6))]
    for layer, (_, length, _, *cosines) in enumerate(rows):
        assert length == f"{norms[layer]:.4g}"
        dots = [sum(a * b for a, b in zip(units[layer], other, strict=True)) for other in units]
        lengths = [math.sqrt(sum(a * a for a in other)) for other in units]
        wanted = [float(dot) / lengths[layer] / size for dot, size in zip(dots, lengths, strict=True)]
        assert [float(cosine) for cosine in cosines] == pytest.approx(wanted, abs=0.0051)


def test_the_headline(page, results):
    cell = next(cell for cell in results["cells"] if cell["id"] == results["selected"])
    k, plain = cell["counts"]["refusal"], results["cells"][0]["counts"]["refusal"]
    sentence = next(line for line in page.text["result"].splitlines() if line.startswith("With"))
    assert sentence == (
        f"With the direction of dim at layer 2 (depth 0.33) of tiny:qwen2, multiplier 3: {k} of 8 prompts of"
        f" kit-neutral are refused coherently ({100 * k / 8:.0f}%, 95% interval {ends(k, 8)}), against"
        f" {plain}/8 for the baseline; no controls were run."
    )


def test_the_manifest_is_there_in_full(page, made):
    manifest = json.loads((made / "manifest.json").read_text("utf-8"))
    text = page.text["manifest"]
    assert json.loads(text[text.index("{") : text.rindex("}") + 1]) == manifest


def test_all_texts_are_shown_beside_those_of_the_baseline(page, rows):
    assert f"All {len(rows)} completions are shown." in page.text["samples"]
    text = page.text["samples"]
    for row in rows:
        assert row["text"] in text
    assert [found["data-label"] for found in page.named("article")].count("refusal") == sum(
        row["label"] == "refusal" for row in rows
    )


def test_evidence_is_marked(html, rows):
    found = {row["text"][: row["spans"][0][1]] for row in rows if row["label"] != "normal"}
    assert found == {"I cannot help with that, because", "word word word word word word"}
    for evidence in found:
        assert f"<mark>{evidence}</mark>" in html


HOSTILE = (
    '<script>alert(1)</script><img src=x onerror="alert(2)"> \u202e & </blockquote></details> \x00\ud800'
)


def test_what_a_model_wrote_is_text(copied):
    def spoil(name, **changes):
        path = copied.folder / name
        lines = path.read_text("utf-8").splitlines()
        lines[9] = json.dumps(json.loads(lines[9]) | changes)
        path.write_text("\n".join([*lines, ""]), "utf-8")

    spoil("completions.jsonl", text=HOSTILE, prompt=HOSTILE)
    spoil("verdicts.jsonl", rule=HOSTILE, evidence=HOSTILE, spans=[[0, 8]])
    copied.change("results.json", lambda report: report["notes"].append(HOSTILE))
    copied.change("manifest.json", lambda manifest: manifest.update(python=HOSTILE))
    html = render_html([read_record(copied.folder)])
    html.encode("utf-8")
    page = Page(html)
    assert len(page.named("script")) == 1
    assert not page.named("img")
    shown = HOSTILE.replace("\x00", "\ufffd").replace("\ud800", "?")
    for section in ("result", "samples", "manifest"):
        assert shown[:60] in page.text[section]
    assert "<mark>&lt;script&gt;</mark>alert(1)" in html


def test_what_cannot_be_selected_is_said(copied):
    def none_selected(report):
        report["selected"] = None
        for cell in report["cells"]:
            cell["selected"] = False
        report["selections"][0] |= {"failed": True, "cell": None}

    copied.change("results.json", none_selected)
    page = Page(render_html([read_record(copied.folder)]))
    assert "as 1 of 1 configurations" in page.text["result"]
    assert "directions" not in page.tables


def test_several_runs_side_by_side(made, copied, results, rows):
    page = Page(render_html([read_record(made), read_record(copied.folder)]))
    (_, first, second), (_, difference) = page.tables["runs"]
    chosen = results["selected"]
    assert (first[0], second[0]) == ("run 1: small-run", "run 2: small-run")
    assert first[3] == second[3] == chosen
    labels = {row["prompt"]: row["label"] for row in rows if row["cell"] == chosen}
    gap = newcombe_paired(PairedCounts.of(labels, labels, "refusal"))
    interval = f"{100 * gap.low:+.0f} to {100 * gap.high:+.0f}"
    same = ["8", "+0", interval, "+0.00", "0, 0", "McNemar", "1.000", "1.000"]
    assert difference == ["run 1 - run 2", *same]
    assert [name for name in page.tables if name.endswith("result")] == ["run-1-result", "run-2-result"]
    anchors = [found["id"] for _, found in page.tags if "id" in found]
    assert len(set(anchors)) == len(anchors)
    inside = [found["href"][1:] for found in page.named("a") if found["href"].startswith("#")]
    assert set(inside) <= set(anchors)
