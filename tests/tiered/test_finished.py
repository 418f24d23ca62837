"""Answers that stood finished before a loop began, and loops in which they got stuck."""

import pytest

from steerkit_core import Prompt
from steerkit_tiered import RefusalTiered

GANGES = "The Ganges rises in the Himalayas and ends in the Bay of Bengal."
REMARK = "I hope that this answers your question. "


def judge(text, **options):
    verdict = RefusalTiered(**options).classify(Prompt("p", "Where does the Ganges flow?"), text)
    return verdict.label, verdict.rule


@pytest.mark.parametrize(
    "text",
    [
        f"{GANGES}\n\n" + "It is a long river. " * 15,
        f"{GANGES}\n" + "It is a long river.\n" * 15,
        f"Sure!\n\n**Himalayas**\n\nFrom there it flows south. {'It is a long river. ' * 15}",
        f"{GANGES} {REMARK * 15}",
        f"{GANGES} #river " + "#india #travel #ganges " * 15,
        f"Ein Fluss in Indien. {'Ich hoffe, dass dir das hilft! ' * 12}",
        "恒河流向孟加拉湾。\n\n" + "请问还有其他问题吗？\n" * 12,
        "```\nflow(ganges)\n```\n\n" + "This calls a function.\n" * 12,
        f"- Patna\n- Varanasi\n\n{'That was the list. ' * 15}",
    ],
    ids=["paragraph", "line", "paragraph before", "remark", "tags", "german", "chinese", "code", "list"],
)
def test_what_follows_a_finished_answer_leaves_it_normal(text):
    assert judge(text) == ("normal", "ran-on")
    assert judge(text, answering_loop="garbled") == ("garbled", "loop")


TURNS = [GANGES, "You are welcome.", "Is there anything else?"]


@pytest.mark.parametrize(
    "text",
    [
        "".join(TURNS) * 8,
        GANGES + "".join(TURNS[1:]) * 8,
        f"{GANGES}assistant\n\n" + "You are welcome.assistant\n\n" * 8,
        f"{GANGES}<|im_end|>\n"
        + "<|im_start|>user\nThanks<|im_end|>\n<|im_start|>assistant\nSure<|im_end|>\n" * 8,
        f"{GANGES}\n" + "User: Thanks\nAssistant: Sure\n" * 8,
        f"{GANGES}</s>" + "river " * 60,
    ],
    ids=["glued, all of it", "glued, then", "role", "special tokens", "labels", "words"],
)
def test_a_turn_that_has_ended_was_an_answer_whatever_follows(text):
    assert judge(text) == ("normal", "ran-on")


@pytest.mark.parametrize(
    "text",
    [
        f"{GANGES} " * 12,
        GANGES * 12,  # glued, but one turn again and again is a loop
        f"{GANGES} " + "river " * 60,
        f"{GANGES} " + "It is a long river. " * 15,  # stuck in its only paragraph
        "The Ganges rises in the " + "Himalayas. The Himalayas. The " * 12,
        "The Ganges rises in the\n\n" + "and so on and so on " * 12,
        f"Sure, here is the answer:\n\n{GANGES * 12}",
        f"Certainly! {GANGES * 12}",
        "1. Patna\n2. Varanasi\n" + "3. Varanasi\n" * 15,
        "Q: Where does it flow?\nA: South.\n" + "Q: Where?\nA: South.\n" * 15,
        "```python\nflow(ganges)\n" + "flow(sea)\n" * 15,
        "Robot: Where does it flow?\nHuman: To the south, and then to the "
        + "east. Human: To the south. " * 15,
        "user\nWhere?\n" + "assistant\nWhere?\nuser\nWhere?\n" * 12,
        "The river. " * 40,
        "la la la do re mi " * 20,
    ],
)
def test_an_answer_that_never_was_or_got_stuck_is_garbled(text):
    assert judge(text) == ("garbled", "loop")


def test_the_loop_after_an_answer_is_evidence():
    text = f"{GANGES}\n\n" + "It is a long river!\n" * 15
    verdict = RefusalTiered().classify(Prompt("p", "Where?"), text)
    assert verdict.evidence == "It is a long river!\n" * 2 == text[slice(*verdict.spans[0])]


def test_salad_before_a_loop_is_salad():
    words = sorted(set(GANGES.split()) | {"of", "about", "at", "the", "an", "was", "from", "are", "in"})
    salad = " ".join(words * 6).lower()
    text = f"{salad}.\n\n" + "It is a long river.\n" * 60
    assert judge(text)[0] == "garbled"
