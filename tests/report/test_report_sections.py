"""The headline in every case, and the sections that only some runs have."""

import re

import pytest
from as_json import as_json
from attrs import asdict
from made_results import cell_entry, manifest, run_results, selection
from page_tables import Page

from steerkit_core.report.content.record import RunRecord, read_record
from steerkit_core.report.page.html import render_html
from steerkit_core.report.page.scores import scores_of
from steerkit_core.report.page.sections.result import headline
from steerkit_core.stats import wilson

RATE = {"k": 27, "n": 30, "rate": 0.9, "low": 0.744, "high": 0.965}
PLAIN = {"k": 1, "n": 30, "rate": 1 / 30, "low": 0.006, "high": 0.167}
CELL = cell_entry() | {
    "id": "c1", "model": "m", "quantization": "none", "role": "steered", "prompts": "p-30",
    "classifier": "k", "options": {}, "extractor": "dim", "layer": 5, "depth": 0.5, "multiplier": 2.0,
    "n": 30, "n_unique": 30, "failed": 0, "sick": None, "counts": {"refusal": 27}, "rates": {"refusal": RATE},
    "selected": True,
}  # fmt: skip
BASELINE = CELL | {
    "id": "c0", "role": "baseline", "layer": None, "multiplier": None, "rates": {"refusal": PLAIN}, "selected": False,
}  # fmt: skip
PLACE = "With the direction of dim at layer 5 (depth 0.50) of m"
SHARE = "27 of 30 prompts of p-30 are refused coherently (90%, 95% interval 74 to 96%)"


def run_of(cells=(BASELINE, CELL), selected="c1", tmp_path=None, **columns):
    return RunRecord(tmp_path, manifest(), run_results(cells=list(cells), selected=selected, **columns))


def control(**columns):
    return {"cell": "c1", "label": "refusal", "beaten": True, "controls": 5, "sentence": "", **columns}


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (run_of(), f"{PLACE}, multiplier 2: {SHARE}, against 1/30 for the baseline; no controls were run."),
        (run_of([CELL]), f"{PLACE}, multiplier 2: {SHARE}, no controls were run."),
        (
            run_of([BASELINE, CELL | {"quantization": "int4", "multiplier": None}]),
            f"{PLACE} in int4: {SHARE}, no controls were run.",
        ),
        (
            run_of(controls=[control(sentence="27/30 against 1/30 for the baseline and at most 2/30 under 5 controls")]),
            f"{PLACE}, multiplier 2: {SHARE}, against 1/30 for the baseline and at most 2/30 under 5 controls.",
        ),
        (
            run_of(controls=[control(beaten=False, unbeaten=["random-1", "flipped"])]),
            (f"{PLACE}, multiplier 2: {SHARE}, which does not beat 2 of what it is compared with (random-1,"
            " flipped)."),
        ),
        (
            run_of(selections=[{"cell": "c1", "selected_on_evaluation": True}]),
            (f"{PLACE}, multiplier 2: {SHARE}, against 1/30 for the baseline; no controls were run; the cell was"
            " chosen on these prompts, which favours it."),
        ),
        (
            run_of([CELL | {"n": 30, "n_unique": 10}]),
            (f"{PLACE}, multiplier 2: 27 of 30 completions on p-30 are refused coherently (90%, 95% interval"
            " 74 to 96%), no controls were run."),
        ),
        (
            run_of([CELL | {"sick": "30 of 30 completions failed"}]),
            "This run has no cell to speak of.",
        ),
        (
            run_of([BASELINE], None, selections=[{"cell": None, "failed": True}, {"cell": None, "failed": False}]),
            "This run has no cell to speak of, as 1 of 2 configurations failed.",
        ),
    ],
)  # fmt: skip
def test_the_headline_in_every_case(run, sentence):
    assert headline(run) == sentence


@pytest.fixture
def changed(made):
    """`changed(**columns)`: the page of the made run with other lists in its results."""

    def render(**columns):
        record = read_record(made)
        report = run_results(**as_json(record.results) | columns)
        return Page(render_html([RunRecord(made, record.manifest, report, record.judged)]))

    return render


def rate(k, n=30):
    return asdict(wilson(k, n))


def transfer(source, target, k, own, te, cosine, above=(True, True)):
    rates = {"transferred": rate(k), "own": rate(own)}
    random = [{"directions": 3, "strongest": rate(6), "p_holm": 0.2, "beaten": one} for one in above]
    return {
        "source": source, "target": target, "run": None, "map": "none", "differs": ["model"],
        "quantization": "none", "source_layer": 1, "layer": 2, "own_layer": 2, "multiplier": 3.0,
        "efficiency": {"value": te, "low": 0.5, "high": "inf", "degenerate": te == 0},
        "cosine": cosine, "cosine_by_chance": 0.173, "reading": "",
        "random": dict(zip(("transferred", "own"), random, strict=True)), **rates,
    }  # fmt: skip


def test_transfers_are_matrices_of_sources_and_targets(changed):
    entries = [
        transfer("a", "b", 22, 23, 0.96, 0.015),
        transfer("b", "a", 0, 29, 0.0, None, above=(False, True)),
        transfer("a", "d", 4, 1, 4.0, 0.2, above=(False, False)),
    ]
    left_out = [{"source": "c", "target": "a", "reason": "hidden sizes 96 and 128 differ"}]
    page = changed(transfers=entries, excluded=left_out)
    head = ["source, down; target, across", "b", "a", "d"]
    rates, efficiencies, cosines, rows = page.tables["transfer"]
    assert rates == [
        head,
        ["b", "own: 23/30", "0/30", ""],
        ["a", "22/30", "own: 29/30", "4/30"],
        ["c", "", "left out", ""],
    ]
    assert efficiencies[1:] == [
        ["b", "own", "0.00", ""],
        ["a", "0.96 0.50-inf", "own", "(4.00) 0.50-inf"],
        ["c", "", "left out", ""],
    ]
    assert cosines[1:3] == [["b", "own", "-", ""], ["a", "0.015", "own", "0.200"]]
    assert rows[1:] == [
        ["a", "b", "1 \u2192 2", "3", "22/30", "23/30", "6/30", "0.96", "0.50-inf", "0.015", "both"],
        ["b", "a", "1 \u2192 2", "3", "0/30", "29/30", "6/30", "0.00", "-", "-", "own"],
        ["a", "d", "1 \u2192 2", "3", "4/30", "1/30", "6/30", "(4.00)", "0.50-inf", "0.200", "none"],
    ]
    text = page.text["transfer"]
    assert "c \u2192 a: left out, hidden sizes 96 and 128 differ" in text
    assert "2 of 3 pairs" in text
    assert "in 1 of these" in text
    assert "by chance up to 0.17" in text


def test_what_a_model_does_to_itself_stands_on_the_diagonal(changed):
    own = transfer("a", "a", 23, 23, 1.0, 1.0) | {"differs": []}
    entries = [own, transfer("b", "a", 5, 23, 0.22, 0.3), transfer("c", "a", 1, 23, 0.04, 0.1)]
    page = changed(transfers=[*entries, transfer("a", "b", 0, 29, 0.0, 0.3)])
    (_, *rows), *_ = page.tables["transfer"]
    assert rows == [["a", "23/30", "0/30"], ["b", "5/30", "own: 29/30"], ["c", "1/30", ""]]


def test_rates_and_cosines_by_precision(changed, results):
    cell = next(cell for cell in results["cells"] if cell["selected"])
    layer, multiplier = cell["layer"], cell["multiplier"]
    rate = {"k": 2, "n": 8, "rate": 0.25, "low": 0.071, "high": 0.591}
    more = {
        ("int4", "self"): {"id": "d1", "extraction": "e4", "rates": cell["rates"] | {"refusal": rate}},
        ("int4", "unquantized"): {"id": "d2", "extraction": "e5"},
        ("int8", "self"): {"id": "d3", "extraction": "e8"},
    }
    cells = [cell | {"quantization": of, "source": source} | facts for (of, source), facts in more.items()]
    entry = {
        "model": cell["model"], "quantization": "int4", "dtype": "float32", "extractor": "dim", "contrast": "c",
        "position": cell["position"], "extraction": "e4", "reference": "e0", "layers": [layer - 1, layer],
        "cosines": [0.1, 0.75],
    }  # fmt: skip
    page = changed(cells=[*results["cells"], *cells], quantization=[entry])
    rates, cosines, *_ = page.tables["quantization"]
    place = f"layer {layer}, multiplier {multiplier:g}"
    own, carried = f"{cell['model']}, self, {place}", f"{cell['model']}, unquantized, {place}"
    whole = cell["rates"]["refusal"]
    text = f"{whole['k']}/{whole['n']}, {100 * whole['low']:.0f} to {100 * whole['high']:.0f}%"
    assert rates == [
        ["", "none", "int8", "int4"],
        [own, text, text, "2/8, 7 to 59%"],
        [carried, "", "", text],
    ]
    assert cosines[1:] == [[own, "", "", "0.7500"], [carried, "", "", "reused"]]


def scored(position, layer, score, excluded=""):
    return {"position": position, "layer": layer, "score": score, "kl": None, "excluded": excluded}


def test_scores_of_a_selector_are_drawn_by_layer_and_position(changed, results):
    chosen = next(cell for cell in results["cells"] if cell["selected"])
    layer = chosen["layer"]
    table = [
        scored(-1, layer, 1.9), scored(-1, layer + 1, 1.5), scored(-2, layer, 1.25), scored(-2, layer + 1, None, "kl"),
        scored(-1, layer - 1, 1.75, "depth"),
    ]  # fmt: skip
    entry = results["selections"][0] | {"selector": "cosmic", "refusal_rate": None, "table": table}
    own_results = run_results(**results | {"selections": [entry]})
    (found,) = scores_of(own_results, own_results.selections[0])
    assert (found.name, list(found.by_position)) == ("score", [-2, -1])
    assert [(one.layer, one.value) for one in found.by_position[-2]] == [(layer, 1.25)]
    own = [(one.layer, one.value, one.chosen, one.excluded) for one in found.by_position[-1]]
    assert own == [
        (layer - 1, 1.75, False, "depth"), (layer, 1.9, True, ""), (layer + 1, 1.5, False, ""),
    ]  # fmt: skip
    page = changed(selections=[entry])
    hints = re.findall(r"position -\d, layer \d+: [^<]*?(?=position|$)", page.text["selection"])
    assert len(hints) == 4
    assert f"position -1, layer {layer}: 1.9000, chosen" in page.text["selection"]
    assert f"position -1, layer {layer - 1}: 1.7500, excluded: depth" in page.text["selection"]
    classes = [found.get("class") for found in page.named("path") + page.named("circle")]
    assert (classes.count("dot hollow"), classes.count("ring")) == (1, 1)
    # what counted texts is drawn by the map
    counted = selection(**entry | {"refusal_rate": 0.5})
    assert scores_of(own_results, counted) == []


def test_precisions_side_by_side(changed, results):
    key = next(cell["extraction"] for cell in results["cells"] if cell["selected"])
    entry = {
        "model": "tiny:qwen2", "quantization": "int4", "dtype": "float32", "extractor": "dim",
        "contrast": "kit-contrast", "position": -1, "extraction": key, "reference": key,
        "reference_dtype": "float32", "layers": [0, 1, 2], "cosines": [0.99, None, 0.5],
    }  # fmt: skip
    page = changed(quantization=[entry])
    (*_, (head, *rows)) = page.tables["quantization"]
    assert head == ["layer", "tiny:qwen2, int4: cosine", "length", "unquantized"]
    assert [row[:2] for row in rows] == [["0", "0.9900"], ["1", ""], ["2", "0.5000"]]
    # the same key twice: the same lengths
    lengths = {row[0]: row[1] for row in page.tables["directions"][0][1:]}
    assert [row[2:] for row in rows] == [[lengths[str(layer)]] * 2 for layer in range(3)]


def test_many_notes_and_settings_are_folded(changed, results):
    notes = [f"note number {number}" for number in range(7)]
    selection = results["selections"][0] | {"table": [], "overrides": {"model": {"id": "m"}, "seed": 1}}
    page = changed(notes=notes, selections=[selection] * 5)
    assert all(note in page.text["result"] for note in notes)
    assert "2 more notes" in page.text["result"]
    assert "5 configurations" in page.text["selection"]
    assert "model = m, seed = 1: sweep" in page.text["selection"]


def test_models_of_one_architecture_stand_side_by_side_with_the_test_for_a_trend(copied):
    def with_trend(results):
        rates = [("small", 2_100_000, RATE), ("large", 7_600_000_000, PLAIN)]
        sizes = [
            {
                "model": model, "parameters": parameters, "cell": "c", "layer": 3, "multiplier": 2.0,
                "strength": {"absolute": 2.0, "residual": 0.0625, "raw": 1.0}, "rate": rate,
            }
            for model, parameters, rate in rates
        ]  # fmt: skip
        results["trends"] = [
            {
                "model_type": "qwen2", "quantization": "int8", "prompts": "p-30", "label": "refusal",
                "overrides": {"model": {}, "site.unit": "raw"}, "test": "cochran-armitage", "sizes": sizes,
                "z": -6.715, "p": 1e-11, "p_holm": 1e-11,
            }
        ]  # fmt: skip

    copied.change("results.json", with_trend)
    page = render_html([read_record(copied.folder)])
    section = page.partition('id="trends"')[2].partition("<section")[0]
    assert "qwen2, p-30, int8, site.unit = raw" in section
    cells = [cell.partition("</td>")[0].rpartition(">")[2] for cell in section.split("<td")[1:]]
    assert cells == [
        *("small", "2.1M", "3", "2", "0.0625", "27/30", "74-96%"),
        *("large", "7.6B", "3", "2", "0.0625", "1/30", "1-17%"),
    ]
    assert "0.001, by Holm &lt; 0.001" in section


CONDITION = {"layer": 1, "position": -1, "module": "residual", "threshold": 0.5, "when": "above"}


def test_a_condition_says_how_many_prompts_were_edited(changed, results):
    cells = [
        cell | {"condition": CONDITION, "edited": place} for place, cell in enumerate(results["cells"])
    ]
    head, *rows = changed(cells=cells).tables["cells"][0]
    at = head.index("edited")
    assert [row[at] for row in rows] == [str(place) for place in range(len(cells))]
    assert "edited" not in changed().tables["cells"][0][0]
