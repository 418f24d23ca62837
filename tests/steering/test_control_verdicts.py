"""Does a chosen cell beat its controls?"""

from attrs import asdict
from made_results import cell_result, comparison

from steerkit_core.counting.controls import judge_controls, unbeaten_note
from steerkit_core.results.findings import ControlVerdict
from steerkit_core.stats import wilson


def entry(id_, k, role="steered", control=None, n=30, direction=None, **further):
    plain = None if role == "baseline" else {"raw_norm": 1.0}
    return cell_result(
        id=id_,
        role=role,
        control=control,
        layer=3,
        multiplier=2.0,
        rates={"refusal": asdict(wilson(k, n))},
        direction=direction or plain,
        **further,
    )


def judged(chosen, references, ps, left_out=()):
    cells = {cell.id: cell for cell in (chosen, *references)}
    rate = chosen.rates["refusal"].rate
    comparisons = [
        comparison(
            cell=chosen.id,
            reference=cell.id,
            role=cell.role,
            difference={"value": rate - cell.rates["refusal"].rate, "low": -1.0, "high": 1.0},
            p=p,
            p_holm=p,
        )
        for cell, p in zip(references, ps, strict=True)
    ]
    return judge_controls(comparisons, cells, [(chosen.id, tuple(left_out))])


def test_a_cell_that_beats_all_is_said_to_in_one_sentence():
    references = [
        entry("b", 0, "baseline"),
        entry("r1", 2, "control", "random-1"),
        entry("r2", 1, "control", "random-2"),
    ]
    (found,) = judged(entry("c", 30), references, [0.001, 0.001, 0.001], ["flipped: why"])
    assert found == ControlVerdict(
        cell="c",
        label="refusal",
        beaten=True,
        controls=2,
        unbeaten=(),
        sentence="30/30 against 0/30 for the baseline and at most 2/30 under 2 controls",
        left_out=("flipped: why",),
    )


def test_those_that_are_not_beaten_are_named_with_what_they_reached(says):
    near = {"raw_norm": 1.0, "cosine": 0.91}
    references = [
        entry("b", 0, "baseline"),
        entry("r1", 26, "control", "random-1"),
        entry("s1", 25, "control", "shuffled-1", direction=near),
        entry("f", 30, "control", "flipped", direction={"raw_norm": 1.0, "cosine": -1.0}),
    ]
    chosen = entry("c", 30)
    (found,) = judged(chosen, references, [0.001, 0.4, 0.0501, 1.0])
    assert (found.beaten, found.unbeaten) == (False, ("random-1", "shuffled-1", "flipped"))
    says(unbeaten_note(found, chosen))


def test_a_control_that_goes_further_is_not_beaten_however_small_the_p():
    references = [entry("b", 0, "baseline"), entry("r1", 30, "control", "random-1")]
    (found,) = judged(entry("c", 15), references, [0.001, 0.001])
    assert found.unbeaten == ("random-1",)


def test_taking_refusals_away_is_judged_the_other_way_round(says):
    references = [entry("b", 28, "baseline"), entry("r1", 27, "control", "random-1")]
    (found,) = judged(entry("c", 2), references, [0.001, 0.001])
    says(found.sentence)
    references.append(entry("r2", 0, "control", "random-2"))
    (found,) = judged(entry("c", 2), references, [0.001, 0.001, 0.001])
    assert found.unbeaten == ("random-2",)


def test_without_controls_nothing_is_said():
    assert judged(entry("c", 30), [entry("b", 0, "baseline")], [0.001]) == ()
