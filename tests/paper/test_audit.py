"""The audit finds what is wrong, and what it says of the paper is what the counts say."""

from math import comb
from pathlib import Path

import pytest
from attrs import evolve

from steerkit_core import SteerkitError
from steerkit_paper.audit.consistency import steps
from steerkit_paper.audit.findings import holds, make_audit
from steerkit_paper.records import decimals_of, load_paper


@pytest.fixture(scope="module")
def paper():
    return load_paper()


@pytest.fixture(scope="module")
def audit(paper):
    return make_audit(paper)


def found(audit):
    return {finding.id: finding for finding in audit.findings}


# on a study of which every figure holds


def test_right_figures_hold(small):
    audit = make_audit(load_paper(small()))
    assert {finding.id: finding.status for finding in audit.findings} == {
        "interval": "holds",
        "test": "holds",
        "gap": "holds",
        "angle": "holds",
        "lost": "cannot be recomputed",
    }
    assert audit.summary() == {
        "printed": 5,
        "holds": 4,
        "differs": 0,
        "in_the_last_digit": 0,
        "cannot_be_recomputed": 1,
        "repeated": 2,
        "repeated_differs": 2,
        "sums": 7,
        "sums_differ": 0,
        "compared": 3,
        "disagreements": 0,
    }


def test_repeats_of_a_prompt_are_one_observation(small):
    findings = found(make_audit(load_paper(small())))
    # ten of ten: Wilson's lower end is n / (n + z^2)
    assert findings["interval"].by_prompt == pytest.approx((100 * 10 / (10 + 1.959964**2), 100.0))
    # 10/10 against 6/10: all four failures in one arm, or in the other: 2 C(10, 4) / C(20, 4)
    assert findings["test"].by_prompt == pytest.approx((2 * comb(10, 4) / comb(20, 4),))
    assert findings["test"].by_prompt_holds is False
    # a difference of rates is the same however they are counted
    assert findings["gap"].by_prompt is None


@pytest.mark.parametrize(
    ("name", "old", "new", "last_digit"),
    [
        ("interval", "values = [92.9, 100.0]", "values = [92.7, 100.0]", False),
        ("interval", "values = [92.9, 100.0]", "values = [92.8, 100.0]", True),
        ("test", "values = [0.001]", "values = [0.0000001]", False),
        ("gap", "values = [40.0]", "values = [45.0]", False),
        ("angle", "values = [60.0]", "values = [61.0]", True),
    ],
)
def test_a_wrong_figure_is_found(small, name, old, new, last_digit):
    findings = found(make_audit(load_paper(small(old, new))))
    assert findings.pop(name).status == "differs"
    assert {finding.status for finding in findings.values()} == {"holds", "cannot be recomputed"}
    assert found(make_audit(load_paper(small(old, new))))[name].last_digit is last_digit


def test_what_else_gives_the_printed_figure_is_named(small):
    text = small('about = ["a.coherent"]', 'about = ["a.coherent"]\nelse_of = [["b.thirty"]]')
    text = text.replace("values = [92.9, 100.0]", "values = [59.1, 88.2]")
    assert found(make_audit(load_paper(text)))["interval"].found_by == ("Wilson of 23/30",)


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ('printed = "60%", value = 60.0', 'printed = "61%", value = 61.0', ["b.coherent"]),
        ("layer = 10, depth = 50", "layer = 11, depth = 50", ["a.layer.depth"]),
        ('printed = "0%", value = 0.0, k = 0, n = 50, source = "1" },\n    { id = "a.normal"',
         'printed = "10%", value = 10.0, k = 5, n = 50, source = "1" },\n    { id = "a.normal"',
         ["rates: A"]),
    ],
)  # fmt: skip
def test_a_cell_that_does_not_follow_from_its_parts_is_found(small, old, new, wrong):
    audit = make_audit(load_paper(small(old, new)))
    assert [entry.id for entry in audit.sums if not entry.holds] == wrong


def test_a_layer_is_compared_with_the_results_file(small):
    text = small("layer = 10, depth = 50", 'layer = 10, depth = 50, key = "a.layer", key_value = 11')
    (found,) = make_audit(load_paper(text)).disagreements
    assert [side.says for side in found.sides] == ["10", "11"]


def test_a_rate_that_repeats_cannot_give_is_counted(small):
    # of the four rates of n = 50, 49 is no whole number of ten prompts; 0, 0 and 30 are
    text = small('printed = "100%", value = 100.0, k = 50', 'printed = "98%", value = 98.0, k = 49')
    (step,) = steps(load_paper(text), ["rates", "other"])
    assert (step.n, step.unique, step.rates, step.whole) == (50, 10, 4, 3)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("key_value = 100.0", "key_value = 90.0", "A, coherent"),
        ("key_n = 50", "key_n = 30", "n of A, coherent"),
        ('{ says = "1", source = "table" }', '{ says = "2", source = "table" }', "number of models"),
    ],
)
def test_sources_that_disagree_are_found(small, old, new, what):
    audit = make_audit(load_paper(small(old, new)))
    assert [entry.what for entry in audit.disagreements] == [what]


def test_one_table_can_be_asked_for(small):
    audit = make_audit(load_paper(small()), ["other"])
    assert list(found(audit)) == ["angle", "lost"]
    assert (audit.claims, audit.additions, audit.sums) == ((), (), ())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'measure = "angle"',
            'measure = "angel"',
            "angle: no measure 'angel' (known: interval, test, effect, difference, ratio, overlap, reach, angle, chance, value, least, between, prompts)",
        ),
        (
            'relation = "<"',
            'relation = "=="',
            "no relation '==' between printed and recomputed (known: =, <, >, <=, >=)",
        ),
        (
            'measure = "two rates"',
            'measure = "three rates"',
            "pair: no measure 'three rates' (known: two rates, trend, family, rest)",
        ),
        ("k = 30, n = 50", "k = 31, n = 50", "31 of 50 is no whole number of 10 prompts"),
        ('about = ["a.coherent"]', 'about = ["a.layer"]', "cell 'a.layer' has no counts"),
        ('about = ["cosine"]', 'about = ["a.layer"]', "cell 'a.layer' has no number"),
    ],
)
def test_data_that_cannot_be_computed_with_is_named(small, old, new, message):
    paper = load_paper(small(old, new))
    with pytest.raises(SteerkitError) as caught:
        make_audit(paper)
    assert str(caught.value) == message


def test_printed_precision():
    assert [decimals_of(text) for text in ("[92.9%, 100%]", "p = 0.005", "20pp", "overlap")] == [1, 3, 0, 0]
    assert holds([0.3649], [0.36], "=", 2)
    assert holds([0.365], [0.36], "=", 2)
    assert holds([0.365], [0.37], "=", 2)
    assert not holds([0.3651], [0.36], "=", 2)
    assert not holds([0.05], [0.05], "<", 2)
    assert holds([0.05], [0.05], ">=", 2)


def test_repeats_that_ended_unlike_are_refused(paper):
    assert paper.by_prompt(30, 50) == (6, 10)
    assert paper.by_prompt(23, 30) == (23, 30)
    with pytest.raises(SteerkitError, match=r"^31 of 50 is no whole number of 10 prompts$"):
        paper.by_prompt(31, 50)


# on the paper


def test_the_papers_figures_that_differ(audit):
    assert [finding.id for finding in audit.findings if finding.status == "differs"] == [
        "ceiling", "n-50", "size.fisher", "size.effect", "size.effect-14b-50", "size.effect-gemma",
        "limits.fisher", "limits.reach-30-half", "limits.reach-30-full", "limits.reach-50-half",
        "cosmic.effect-gemma", "cosmic.decline-to", "quantisation.fisher", "quantisation.effect",
        "transfer.te-qwen-14b", "transfer.te-qwen-32b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ceiling", (100 * 30 / (30 + 1.959964**2), 100.0)),
        ("size.fisher", (1.759e-07,)),
        ("size.effect", (1.3694,)),
        ("size.effect-14b-50", (0.7259,)),
        ("size.effect-gemma", (2.7744,)),
        ("limits.reach-30-half", (16.85,)),
        ("cosmic.effect-gemma", (0.5158,)),
        ("quantisation.fisher", (0.1702,)),
        ("quantisation.effect", (0.4288,)),
        ("transfer.te-qwen-14b", (30 / 23,)),
        ("transfer.te-qwen-32b", (29 / 27,)),
    ],
)
def test_what_the_counts_give(audit, name, value):
    """By hand, or by R: fisher.test, and 2 * asin(sqrt(p))."""
    assert found(audit)[name].ours == pytest.approx(value, rel=5e-4)


def test_where_the_papers_p_value_comes_from(audit):
    assert found(audit)["size.fisher"].found_by[0] == "Fisher, one-sided of 30/30 against 23/30"


def test_the_papers_intervals_are_wilsons(audit):
    counted = audit.methods["interval"]
    assert (counted["printed"], counted["Wilson"]) == (13, 12)
    assert max(count for name, count in counted.items() if name not in ("printed", "Wilson")) <= 4


def test_every_rate_at_n_50_is_a_whole_number_of_ten_prompts(paper):
    rates = [cell for cell in paper.cells.values() if cell.n == 50]
    assert len(rates) > 30
    assert all(cell.k % 5 == 0 for cell in rates)


def test_no_difference_is_significant_by_prompt(audit):
    for name in ("size.fisher", "limits.large-60", "cosmic.fisher"):
        assert found(audit)[name].by_prompt[0] > 0.05
    family = next(entry for entry in audit.additions if entry.id == "add.family")
    assert min(value for name, value in family.values.items() if "Holm" in name) > 0.15


def test_every_figure_of_the_paper_would_be_found_if_it_were_wrong(paper):
    """Each printed value is moved by five in its last digit, or its relation is turned."""
    turned = {"<": ">=", ">": "<=", ">=": "<", "<=": ">"}
    wrong = []
    for statistic in paper.statistics:
        if statistic.relation == "=":
            step = 5 * 10.0 ** -decimals_of(statistic.printed)
            values = tuple(value + step for value in statistic.values)
            wrong.append(evolve(statistic, values=values))
        else:
            wrong.append(evolve(statistic, relation=turned[statistic.relation]))
    before = found(make_audit(paper))
    for name, finding in found(make_audit(evolve(paper, statistics=tuple(wrong)))).items():
        if before[name].status == "holds":
            assert finding.status == "differs", name


def test_the_guide_says_what_comes_out(audit):
    guide = (Path(__file__).parents[2] / "docs" / "study" / "published-numbers.md").read_text("utf-8")
    n = audit.summary()
    differ = f"{n['differs']} differ ({n['in_the_last_digit']} of them in the last digit)"
    cannot = f"{n['cannot_be_recomputed']} cannot be recomputed"
    assert f"Of {n['printed']} printed figures {n['holds']} hold, {differ}, and {cannot}." in guide
    assert f"names {n['disagreements']} quantities" in guide
    (step,) = audit.steps
    assert step.rates == step.whole
    assert f"all {step.whole} rates at n = {step.n} are whole tenths" in guide
    rows = guide.partition("| printed | about |")[2].partition("\n\n")[0].splitlines()[2:]
    # p = 0.005 and the reach near 50% stand there once, and are two findings each
    assert len(rows) == n["differs"] - 2
