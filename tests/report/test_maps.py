"""Which cells make a map, and what stands over it."""

from made_results import cell_entry, run_results

from steerkit_core.report.content.maps import maps


def cell(layer, multiplier, position=-1, **further):
    columns = {
        "role": "steered",
        "model": "m",
        "quantization": "none",
        "dtype": "float32",
        "extractor": "dim",
        "source": "self",
        "site": "residual-add",
        "unit": "absolute",
        "classifier": "k",
        "prompts": "p",
    }
    place = {"layer": layer, "multiplier": multiplier, "position": position}
    return cell_entry(**{**columns, **place, **further})


def test_every_position_has_a_map_of_its_own():
    cells = [cell(layer, m, position) for position in (-3, -1) for layer in (1, 2) for m in (4.0, 8.0)]
    found = maps(run_results(cells=cells))
    assert [(one.title, one.layers, one.multipliers) for one in found] == [
        ("m, float32, dim, residual-add, absolute, position -3, k, p", (1, 2), (4.0, 8.0)),
        ("m, float32, dim, residual-add, absolute, k, p", (1, 2), (4.0, 8.0)),
    ]
    assert {at.position for at in found[0].cells.values()} == {-3}


def test_two_cells_are_a_table_and_no_map():
    assert maps(run_results(cells=[cell(1, 4.0), cell(2, 4.0)])) == []
    assert maps(run_results(cells=[cell(1, 4.0), cell(2, 4.0), cell(3, 4.0, role="baseline")])) == []
    assert len(maps(run_results(cells=[cell(1, 4.0), cell(2, 4.0), cell(3, 4.0)]))) == 1
