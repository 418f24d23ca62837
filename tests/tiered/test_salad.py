"""Word salad: shuffled, drawn and broken words are found, and prose of any kind is not."""

import itertools
import math
import random
from collections import Counter

import pytest

from steerkit_core import Prompt
from steerkit_tiered import RefusalTiered, derive
from steerkit_tiered.classes import classes, coarse, languages
from steerkit_tiered.doubled import doubled
from steerkit_tiered.order import gains, language
from steerkit_tiered.prose import prose
from steerkit_tiered.salad import salad
from steerkit_tiered.scripts import changes
from steerkit_tiered.spelling import letter_groups, unlike_english

PROSE = {
    "english": "The river rises in the hills to the north of the town and runs through a wide valley on its way to the sea. In the spring it floods the meadows, and the farmers wait until the water is gone before they bring the cattle back. A stone bridge was built in the last century, and it is still in use, although the road over it is narrow and the traffic has to wait for the buses.",
    "german": "Der Fluss entspringt in den Bergen im Norden der Stadt und fließt durch ein breites Tal bis an das Meer. Im Frühling steht das Wasser auf den Wiesen, und die Bauern warten, bis es wieder weg ist, bevor sie die Tiere auf die Weide bringen. Eine Brücke aus Stein wurde im letzten Jahrhundert gebaut und ist immer noch in Gebrauch, obwohl die Straße über sie sehr schmal ist.",
    "french": "La rivière naît dans les collines au nord de la ville et traverse une large vallée avant de se jeter dans la mer. Au printemps, elle inonde les prés, et les paysans attendent que l'eau parte avant de ramener les bêtes. Un pont de pierre a été construit au siècle dernier et il est encore en service, bien que la route qui le traverse soit très étroite.",
    "spanish": "El río nace en las colinas del norte de la ciudad y atraviesa un valle ancho antes de llegar al mar. En la primavera inunda los prados, y los campesinos esperan a que se vaya el agua para llevar de nuevo los animales al campo. En el siglo pasado se construyó un puente de piedra que todavía está en uso, aunque la carretera que pasa por él es muy estrecha.",
    "italian": "Il fiume nasce nelle colline a nord della città e attraversa una larga valle prima di arrivare al mare. In primavera inonda i prati, e i contadini aspettano che l'acqua se ne vada prima di riportare gli animali al pascolo. Nel secolo scorso è stato costruito un ponte di pietra che è ancora in uso, anche se la strada che lo attraversa è molto stretta.",
    "portuguese": "O rio nasce nas colinas ao norte da cidade e atravessa um vale largo antes de chegar ao mar. Na primavera inunda os prados, e os camponeses esperam que a água se vá antes de levar os animais de volta para o campo. No século passado foi construída uma ponte de pedra que ainda está em uso, embora a estrada que passa por ela seja muito estreita.",
    "dutch": "De rivier ontspringt in de heuvels ten noorden van de stad en stroomt door een breed dal naar de zee. In het voorjaar staan de weiden onder water, en de boeren wachten tot het weg is voordat ze de dieren weer naar buiten brengen. In de vorige eeuw is er een brug van steen gebouwd die nog steeds in gebruik is, hoewel de weg over de brug erg smal is.",
}


@pytest.mark.parametrize("name", PROSE)
def test_prose_is_no_salad_and_its_words_in_any_other_order_are(name):
    rng = random.Random(1)
    words = PROSE[name].split()
    assert salad(PROSE[name]) is None
    found = [salad(" ".join(rng.sample(words, len(words)))) for _ in range(50)]
    assert sum(finding is not None for finding in found) >= (49 if name == "english" else 46)


@pytest.mark.parametrize("name", PROSE)
def test_the_language_is_that_of_the_little_words(name):
    words = PROSE[name].lower().replace(",", "").replace(".", "").replace("'", " ").split()
    assert language(words)[0] == name


def test_a_good_beginning_does_not_save_what_comes_after():
    rng = random.Random(2)
    words = PROSE["english"].split()
    rest = " ".join(rng.sample(words, len(words)))
    assert salad(f"Rivers are older than towns. They shape them. {rest}").rule == "word-order"


def test_words_drawn_from_a_vocabulary_are_salad_and_a_list_of_them_is_not():
    drawn = (
        "running tables gently mountain engineering blue decisions quickly harbours nationality wooden " * 1
    )
    drawn += "carefully bottles educational narrowed kitchens simplicity wandered chemical stations lightly"
    assert salad(drawn).rule == "word-order"
    assert salad(", ".join(drawn.split())) is None
    assert salad("\n".join(drawn.split())) is None


def test_pieces_of_words_and_of_scripts_are_salad():
    pieces = "ingThe cel.forum weather;and moPre thesis ungGram ful,lock ab outStr mentTi deVerses interOxid aer4th"
    assert salad(pieces).rule == "broken-words"
    mixed = "tide 海 вода the مد 조수 ocean луна 月 agua 潮 moon وال water 바다 rise море"
    assert salad(mixed).rule == "mixed-scripts"
    assert salad("krt wqp zzx bnm trw plk hgf dsq mnb vcx rtp lkj").rule == "broken-words"


def test_few_long_tokens_of_pieces_are_salad():
    pieces = (
        "riverstonehg pltheaintvl ofwateriq mentar,sgroundth ingsedforupw theuvalleyk arainsnowm mounlakesb"
        " tainbedwh intosea.gro oakquietlj ebrdgesnow"
    )
    assert len(pieces.split()) < 20
    assert salad(pieces).rule == "broken-words"


# adverbs of Hindi are said twice on end
HINDI = (
    "कक्षा में सभी छात्र अलग अलग विषय पढ़ते हैं और धीरे धीरे सीखते हैं। वे बार बार अभ्यास करते हैं और साथ साथ खेलते हैं। "
    "शिक्षक उन्हें समझाते हैं और वे ध्यान से सुनते हैं और फिर घर जाते हैं और पढ़ते हैं।"
)


def timetable():
    """Days, hours and subjects: text without a sentence, in the order that it was written in."""
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
    subjects = ("History", "Math", "Science", "English")
    return "\n".join(
        f"{day}:\n"
        + "\n".join(f"- {hour}:00 AM - {hour + 1}:00 AM: {name}" for hour, name in enumerate(subjects, 8))
        for day in days
    )


def test_words_that_meet_themselves_as_often_as_by_chance_are_in_no_order():
    rng = random.Random(4)
    text = timetable()
    words = text.split()
    assert salad(text) is None
    orders = [" ".join(rng.sample(words, len(words))) for _ in range(50)]
    found = [(order, salad(order)) for order in orders]
    assert sum(finding is not None for _, finding in found) >= 47
    for order, finding in found:
        if finding is not None:
            assert finding.rule == "doubled-words"
            where = [order[start:end].lower().split() for start, end in finding.spans]
            assert all(first == second for first, second in where)
    beginning = words[: len(words) // 3]
    rest = rng.sample(words[len(words) // 3 :], len(words) - len(beginning))
    assert salad(" ".join([*beginning, *rest])).rule == "doubled-words"


@pytest.mark.parametrize(
    "text",
    [
        PROSE["english"].replace("the town", "the the town").replace("the sea", "the the sea"),
        "yeah yeah yeah, la la la la, na na na na, and we sing la la, hey hey, and we sing yeah yeah and so on and on",
        HINDI,
        "the the the the the the the the the the",
        "",
    ],
)
def test_words_that_are_said_twice_are_not_doubled_by_chance(text):
    assert doubled(text) == ()


def test_so_many_doubles_are_expected_as_many_orders_have():
    """k (k - 1) / n, summed over the words, is the mean over many orders of them."""
    words = ["river"] * 12 + ["valley"] * 9 + ["bridge"] * 8 + [f"word{index}" for index in range(40)]
    expected = sum(times * (times - 1) for times in Counter(words).values()) / len(words)
    rng = random.Random(5)
    orders = [rng.sample(words, len(words)) for _ in range(2000)]
    seen = [sum(a == b for a, b in itertools.pairwise(order)) for order in orders]
    assert sum(seen) / len(seen) == pytest.approx(expected, rel=0.05)
    caught = sum(bool(doubled(" ".join(order))) for order in orders)
    assert caught > 0.8 * len(orders)


def test_changes_of_script_count_between_neighbours_only():
    assert changes("Привет (Privet), 你好 (nihao)") == (0, 4, 0)
    assert changes("да yes 好") == (2, 3, 3)
    assert changes("да\nyes") == (0, 2, 0)


def test_salad_can_be_left_alone():
    words = PROSE["english"].split()
    text = " ".join(random.Random(3).sample(words, len(words)))
    prompt = Prompt("p", "Tell me about rivers.")
    assert RefusalTiered().classify(prompt, text).rule == "word-order"
    assert RefusalTiered(salad=False).classify(prompt, text).label == "normal"


def test_prose_leaves_out_code_tables_links_and_short_lines():
    text = (
        "# Heading\nHere is how you add two numbers:\n```python\nadd(1, 2) = 3\n```\n| a | b | c | d |\n"
        "- see https://example.org for more about this\nx = y + z; foo(bar)\nshort line\n"
        "from collections.abc import Callable, Mapping\nimport numpy as np, pandas"
    )
    assert prose(text) == "Here is how you add two numbers:\nsee  X  for more about this."


def test_a_sentence_that_goes_on_in_the_next_line_stays_one():
    assert prose("The river rises in the hills\nto the north of the town.") == (
        "The river rises in the hills\nto the north of the town."
    )


def test_a_long_line_that_ends_no_sentence_goes_on_in_the_next_whatever_that_begins_with():
    text = (
        "The river that comes down from the mountains behind the town of\nKingston turns to the west there."
        "\nBehind it the valley is wide\n- Kingston has a bridge of stone"
    )
    assert prose(text) == (
        "The river that comes down from the mountains behind the town of\nKingston turns to the west there.\n"
        "Behind it the valley is wide.\nKingston has a bridge of stone."
    )
    shouted = "THE BOARD SHALL IN NO EVENT BE LIABLE FOR ANY LOSS, WHETHER IN A CASE\nOF DELAY OR BY WAY OF HARM TO GOODS."
    assert prose(shouted).count(".") == 1


def test_the_table_of_word_order_is_counted_as_its_formula_says():
    sequences = [["a", "b", "a", "b"], ["b", "b", "a"]]
    names, *rows = derive.table(sequences).split("\n")
    value = {
        (first, second): int(number)
        for first, row in zip(names.split(), rows, strict=False)
        for second, number in zip(names.split(), row.split(), strict=True)
    }
    pairs = Counter({("a", "b"): 2, ("b", "a"): 2, ("b", "b"): 1})
    chance = {"a": 3 / 7, "b": 4 / 7}
    firsts = {"a": 2, "b": 3}
    for (first, second), number in value.items():
        given = (pairs[first, second] + 5 * chance[second]) / (firsts[first] + 5)
        assert number == round(10 * math.log(given / chance[second]))


def test_what_follows_an_article_is_likely_or_not():
    assert sum(gains("the river")) > 0
    assert sum(gains("the of")) < -2
    assert sum(gains("der und", "german")) < -2


def test_every_class_of_a_language_is_one_of_english():
    known = {coarse(name) for name in languages()["english"].values()}
    for name, table in languages().items():
        assert {coarse(kind) for kind in table.values()} <= known, name


def test_classes_of_a_sentence():
    assert classes("The cat sat, quickly, on 3 mats!") == ["the", "X-short", "X-short", ",", "X-ly", ",", "on", "#", "X-s", "."]  # fmt: skip


def test_letters_of_english_and_of_others():
    assert letter_groups("cat") == ["^ca", "cat", "at$"]
    assert unlike_english(PROSE["english"]) < 0.1
    assert unlike_english("ilmastonmuutos vaikuttaa maapallon ihmisiin") > 0.25
