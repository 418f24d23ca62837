"""Figures as files: what a reader of one alone sees, and that the values stand where they belong."""

import re
from xml.etree import ElementTree as ET

import pytest
from as_json import as_json
from made_results import run_results

from steerkit_core.extraction.stability import Curve
from steerkit_core.extraction.stability import Point as SizePoint
from steerkit_core.report import figures
from steerkit_core.report.charts.figure import Figure, Panel
from steerkit_core.report.charts.keys import level_key, line_keys, ramp_key
from steerkit_core.report.charts.lines import Line, Point, line_chart
from steerkit_core.report.charts.palette import SHADES
from steerkit_core.report.charts.saving import save_figures
from steerkit_core.report.charts.sheet import sheet
from steerkit_core.report.content.record import RunRecord, read_record
from steerkit_core.report.curves import stability_figure
from steerkit_core.report.page.matrices import Field, Matrix, matrix_figures

SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing):
    return [one.text for one in ET.fromstring(drawing).iter(f"{SVG}text")]


def hints(drawing):
    return [one.text for one in ET.fromstring(drawing).iter(f"{SVG}title")]


@pytest.fixture
def drawn(made):
    """`drawn(**columns)`: the sheets of the made run with other lists in its results, by file name."""

    def draw(**columns):
        record = read_record(made)
        report = run_results(**as_json(record.results) | columns)
        found = figures.figures(RunRecord(made, record.manifest, report, record.judged))
        return {name: sheet(figure) for name, figure in found}

    return draw


@pytest.fixture
def figure():
    chart = line_chart(
        "t", [Line("one", [Point(0, 1.0, hint="all"), Point(1, 2.0)])], x="layer", y="length"
    )
    keys = [*line_keys(["one <&>"]), level_key("baseline"), ramp_key("share", "0%", "100%")]
    return Figure("What <&> it is", [Panel(chart, "first"), Panel(chart, "second")], keys, "a note")


def test_a_sheet_stands_alone(figure):
    drawing = sheet(figure)
    root = ET.fromstring(drawing)
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert {"What <&> it is", "first", "second", "one <&>", "baseline", "share", "100%", "a note"} <= set(
        texts(drawing)
    )
    assert "one, all" in hints(drawing)
    # nothing of the page's is needed: no colour by name, and no other file
    assert "var(" not in drawing
    assert re.findall(r"https?://[^\"]*", drawing) == ["http://www.w3.org/2000/svg"]
    assert root.find(f"{SVG}rect").get("class") == "paper"
    assert "svg .paper { fill: #fff; }" in drawing


def test_a_long_heading_and_a_long_legend_are_broken(figure):
    wide = " ".join(["word"] * 200)
    long = Figure(wide, figure.panels, line_keys([f"a rather long name {number}" for number in range(12)]))
    drawing = sheet(long)
    assert int(ET.fromstring(drawing).get("width")) < 1400
    lines = [text for text in texts(drawing) if text and text.startswith("word")]
    assert " ".join(lines) == wide
    assert len(lines) > 1


def test_files_are_the_same_each_time_and_png_has_twice_the_pixels(figure, tmp_path):
    written = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        paths = save_figures([("figure", figure)], folder)
        assert [path.name for path in paths] == ["figure.svg", "figure.png"]
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]
    drawing, png = written[0]
    root = ET.fromstring(drawing)
    size = tuple(int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
    assert size == (2 * int(root.get("width")), 2 * int(root.get("height")))


def test_a_png_has_its_text_whatever_fonts_the_machine_has(figure, tmp_path):
    plain = Figure("", figure.panels[:1])
    headed = Figure("Heading", figure.panels[:1])
    blank, with_text = (
        save_figures([("f", one)], folder)[1].stat().st_size
        for one, folder in ((plain, tmp_path), (headed, tmp_path))
    )
    assert with_text > blank


def test_the_map_has_the_share_of_each_label(drawn, results):
    drawing = drawn()["map"]
    cells = [cell for cell in results["cells"] if cell["role"] == "steered"]
    shares = [
        f"{cell['counts'].get(label, 0) / cell['n']:.2f}"
        for label in ("refusal", "garbled", "normal")
        for cell in cells
    ]
    written = [
        f"{int(text[:-1]) / 100:.2f}" for text in texts(drawing) if re.fullmatch(r"\d+%", text or "")
    ]
    # beside them the ends of the colours
    assert sorted(written) == sorted([*shares, "0.00", "1.00"])
    assert {"refusal", "garbled", "normal", "multiplier", "layer", "share of completions"} <= set(
        texts(drawing)
    )


def test_rates_have_a_point_for_each_cell(drawn, results):
    found = [hint for hint in hints(drawn()["rates"]) if re.match(r"multiplier \d", hint)]
    cells = [cell for cell in results["cells"] if cell["role"] == "steered"]
    assert len(found) == len(cells)
    for cell in cells:
        rate = cell["rates"]["refusal"]
        start = f"multiplier {cell['multiplier']:g}, layer {cell['layer']}: {rate['k']}/{rate['n']}"
        assert sum(hint.startswith(start) for hint in found) == 1


def test_more_precisions_than_colours_are_drawn_below_one_another(drawn, results):
    chosen = next(cell for cell in results["cells"] if cell["selected"])
    entries = [
        {
            "model": f"m{number}", "quantization": "int4", "dtype": "float32", "extractor": "dim", "contrast": "c",
            "position": -1, "extraction": chosen["extraction"], "reference": chosen["extraction"],
            "layers": [0, 1], "cosines": [0.9, number / 10],
        }
        for number in range(7)
    ]  # fmt: skip
    drawing = drawn(quantization=entries)["quantization"]
    assert texts(drawing).count("cosine to the unquantized direction") == 2
    assert [f"m{number}, int4, layer 1: {number / 10:.4f}" in hints(drawing) for number in range(7)] == [
        True
    ] * 7
    # both on one axis, from the least to the greatest of all
    assert texts(drawing).count("0") == texts(drawing).count("1") == 4


def curve(layer, *means):
    points = tuple(
        SizePoint("bootstrap", 2**power, 5, mean, None, None, None)
        for power, mean in enumerate(means, start=1)
    )
    return Curve(layer, -1, points, {"bootstrap": None}, None)


def test_curves_have_a_colour_for_each_layer_and_skip_what_is_no_number():
    drawing = sheet(stability_figure("m, dim", [curve(0, 0.5, 0.7), curve(4, None, 0.9)], 0.95))
    assert [hint for hint in hints(drawing) if "prompts:" in hint] == [
        "layer 0, 2 prompts: 0.5000", "layer 0, 4 prompts: 0.7000", "layer 4, 4 prompts: 0.9000",
    ]  # fmt: skip
    assert re.findall(r'<g style="color:(#\w+)">', drawing)[:2] == [SHADES[0], SHADES[-1]]
    assert {"prompts of each class", "mean cosine", "layer", "threshold, 0.95"} <= set(texts(drawing))


def test_matrices_stand_side_by_side_with_the_names_of_their_rows_at_the_first():
    fields = {("a", "b"): Field("22/30, long", 0.73, ""), ("c", "b"): Field("left out", None, "")}
    found = [Matrix("long title", name, ("a", "c"), ("b",), (0.0, 1.0), fields) for name in ("rate", "TE")]
    (figure,) = matrix_figures("heading", found, "target", "source")
    written = texts(sheet(figure))
    assert [written.count(text) for text in ("a", "c", "b", "0.73", "rate", "TE", "target")] == [
        1,
        1,
        2,
        2,
        1,
        1,
        2,
    ]
    assert not any("left out" in text for text in written if text)
    assert matrix_figures("heading", [], "target", "source") == []
