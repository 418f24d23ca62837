"""Scales, colours and what a chart draws."""

import math
import re

import numpy as np
import pytest
from markupsafe import escape
from matplotlib import colormaps
from matplotlib.colors import to_hex

from steerkit_core.report.charts.keys import legend, level_key, line_keys
from steerkit_core.report.charts.lines import Line, Point, line_chart
from steerkit_core.report.charts.palette import LABELS, SERIES, SHADES, ink, shade
from steerkit_core.report.charts.picture import marker
from steerkit_core.report.charts.scales import Scale, some, steps
from steerkit_core.report.charts.squares import Axis, matrix, squares


def test_shades_are_matplotlibs_viridis():
    for place, colour in enumerate(SHADES):
        assert colour == to_hex(colormaps["viridis"](place / 16))
    for share in np.linspace(0, 1, 50):
        own = [int(shade(share)[at : at + 2], 16) for at in (1, 3, 5)]
        theirs = [255 * value for value in colormaps["viridis"](share)[:3]]
        assert own == pytest.approx(theirs, abs=5)
    assert (shade(-1), shade(2)) == (SHADES[0], SHADES[-1])


def contrast(one, other):
    """WCAG 2's contrast of two colours."""

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("share", np.linspace(0, 1, 21))
def test_text_on_shades_can_be_read(share):
    wide = {"#000": "#000000", "#fff": "#ffffff"}
    assert contrast(shade(share), wide[ink(shade(share))]) >= 4.5


@pytest.mark.parametrize("ground", ["#ffffff", "#16181c"])
def test_labels_stand_out_from_the_page(ground):
    # WCAG asks 3 of graphics; the lightest label is always named beside its colour
    for label in ("refusal", "garbled"):
        assert contrast(LABELS[label], ground) >= 3
    assert contrast(LABELS["normal"], ground) >= 2.5


def test_every_series_has_a_marker_of_its_own():
    markers = {marker(number, 0.0, 0.0) for number in range(len(SERIES))}
    assert len(set(SERIES)) == len(SERIES) == len(markers)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.65, 1.0, [0.6, 0.7, 0.8, 0.9, 1.0]),
        (0, 62.4, [0, 20, 40, 60, 80]),
        (-0.3, 0.4, [-0.4, -0.2, 0.0, 0.2, 0.4]),
        (3, 3, [3]),
    ],
)
def test_round_values_cover_a_range(low, high, expected):
    assert steps(low, high) == pytest.approx(expected)


def test_some_are_evenly_spread():
    assert some(range(10), 16) == list(range(10))
    assert some(range(111), 16) == list(range(0, 111, 7))


def test_scales():
    assert Scale(0, 10, 100, 200)(2.5) == 125
    assert Scale(0, 10, 200, 100)(99) == 100
    assert Scale(1, 100, 0, 2, log=True)(10) == pytest.approx(1.0)


def places(html, name):
    return [
        tuple(map(float, at))
        for at in re.findall(r"[ML]([\d.]+) ([\d.]+)", re.search(f'd="([^"]*)" class="{name}"', html)[1])
    ]


def test_points_stand_where_their_values_are():
    points = [Point(3, 0.0, 0.0, 0.5, "none"), Point(5, 1.0, 0.5, 1.0, "all <&>")]
    chart = escape(
        line_chart("title <b>", [Line("one", points)], x="layer", y="rate", share=True, level=0.5)
    )
    (first, second) = places(chart, "line")
    # the drawing area: 52 to 626 across, 256 up to 12
    width = 626 - 52
    assert first == pytest.approx((52 + width * 0.5 / 3, 256), abs=0.1)
    assert second == pytest.approx((52 + width * 2.5 / 3, 12), abs=0.1)
    assert places(chart, "level") == [(52, 134)]
    cap = "m-2.5 0h5.0m-2.5 0"
    assert f"M{first[0]:.1f} 256.0{cap}V134.0{cap}" in re.search('d="([^"]*)" class="ci"', chart)[1]
    assert "<title>one, all &lt;&amp;&gt;</title>" in chart
    assert "<title>title &lt;b&gt;</title>" in chart
    assert 'role="img" aria-label="title &lt;b&gt;"' in chart


def test_points_of_one_layer_stand_side_by_side_wherever_the_layers_begin():
    lines = [Line(name, [Point(layer, 0.5, 0.2, 0.8) for layer in (10, 11)]) for name in "ab"]
    html = escape(line_chart("t", lines, x="layer", y="rate", share=True))
    first, second = (
        [float(at) for at in re.findall(r"[ML]([\d.]+) ", path)]
        for path in re.findall('d="([^"]*)" class="line"', html)
    )
    assert [round(b - a, 1) for a, b in zip(first, second, strict=True)] == [9.0, 9.0]


def test_a_logarithmic_axis_has_the_same_room_for_each_doubling():
    line = Line("layer 3", [Point(size, 0.5) for size in (2, 4, 8)], "#123456")
    html = escape(line_chart("t", [line], x="prompts", y="cosine", log=True))
    one, two, three = (x for x, _ in places(html, "line"))
    assert three - two == pytest.approx(two - one, abs=0.11)
    assert 'style="color:#123456"' in html
    assert re.findall(r'class="t">(\d+)<', html) == ["2", "4", "8"]


def test_panels_side_by_side_have_one_axis():
    drawn = [
        escape(
            line_chart("t", [Line("", [Point(0, value), Point(1, value)])], x="x", y="y", beside=(0.1, 7.0))
        )
        for value in (0.5, 6.0)
    ]
    labels = [re.findall(r'class="e">([^<]*)<', html) for html in drawn]
    assert labels[0] == labels[1] == ["0", "2", "4", "6", "8"]


def test_squares_have_labels_numbers_and_colours():
    rows, columns = Axis("source", ["long name"], 40), Axis("target", ["a" * 20, "b"], 50)
    html = escape(squares("t", [[0.0, 1.0]], rows, columns, ends=(0.0, 1.0), form="{:.0%}", names=True))
    assert re.findall(r'<path fill="(#\w+)"', html) == [SHADES[0], SHADES[-1]]
    assert re.findall(r'class="t n" style="fill:(#\w+)">([^<]*)<', html) == [
        ("#fff", "0%"),
        ("#000", "100%"),
    ]
    # slanted, as they are longer than their columns are wide
    assert re.findall(r'rotate\(-45 [^)]*\)">([^<]*)<', html) == ["a" * 20, "b"]
    assert "long name" in html


def test_a_matrix_leaves_out_what_is_no_number():
    values = np.array([[1.0, -1.0, math.nan], [-1.0, 1.0, 0.0], [math.nan, 0.0, 1.0]])
    chart = escape(matrix("cosines", (0, 1, 2), values))
    found = {
        colour: path.count("M") for colour, path in re.findall(r'<path fill="(#\w+)" d="([^"]*)"', chart)
    }
    assert found.pop(SHADES[-1]) == 3
    assert found.pop(SHADES[0]) == 2
    assert list(found.values()) == [2]


def test_a_legend_names_its_lines():
    assert re.findall(r"</svg> ([^<]*)</li>", legend([*line_keys(["a <b", "c"]), level_key("dashed")])) == [
        "a &lt;b",
        "c",
        "dashed",
    ]


@pytest.mark.parametrize(
    ("base", "values"), [(1.0, [0.9999962, 0.9999991]), (1000.0, [1000.00012, 1000.00031])]
)
def test_values_that_differ_by_little_are_told_by_their_difference(base, values):
    line = Line("", [Point(layer, value) for layer, value in enumerate(values)])
    drawn = escape(line_chart("scores", [line], x="layer", y="score", from_zero=False))
    factor = float(re.search(rf"\(score - {base:g}\) / (1e-\d)", drawn)[1])
    labels = re.findall(r'class="e">([^<]*)<', drawn)
    read = [base + factor * float(label) for label in labels]
    assert len(set(labels)) == len(labels)
    assert max(map(len, labels)) <= 7
    assert read[0] <= values[0] < values[-1] <= read[-1]
    assert read[-1] - read[0] < 3 * (values[-1] - values[0])
    assert np.ptp(np.diff(read)) < 1e-9
