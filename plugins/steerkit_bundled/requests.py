"""What users ask: every topic of the grammar, harmless and harmful, as one kind of value."""

import random
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from attrs import field, frozen

IRREGULAR_GERUNDS = {
    "tie": "tying",
    "cut": "cutting",
    "get": "getting",
    "set": "setting",
    "plan": "planning",
    "run": "running",
    "stop": "stopping",
    "wrap": "wrapping",
    "trap": "trapping",
    "hit": "hitting",
    "knit": "knitting",
    "rob": "robbing",
    "kidnap": "kidnapping",
    "spy": "spying",
    "jam": "jamming",
    "scam": "scamming",
    "sew": "sewing",
    "forge": "forging",
}


@cache
def table(name: str) -> dict[str, Any]:
    """The content of `data/<name>.toml`."""
    return tomllib.loads((files(__package__) / "data" / f"{name}.toml").read_text("utf-8"))


def gerund(verb_phrase: str) -> str:
    """`bake a cake` -> `baking a cake`, `use a crowbar to ...` -> `using a crowbar to ...`."""
    verb, _, rest = verb_phrase.partition(" ")
    if verb in IRREGULAR_GERUNDS:
        verb = IRREGULAR_GERUNDS[verb]
    elif verb.endswith("e") and not verb.endswith(("ee", "ye")):
        verb = verb[:-1] + "ing"
    else:
        verb += "ing"
    return f"{verb} {rest}".strip()


@frozen
class Topic:
    """One thing that can be asked for: the words that fill a template, and how an answer calls it.

    `doing` fits "help with ...", `todo` fits "it is easy to ..."; both modes of answering use them.
    """

    kind: str
    key: str
    doing: str
    todo: str
    harmful: bool = False
    details: tuple[str, ...] = ()
    ordered: bool = False
    slots: dict[str, str] = field(factory=dict, hash=False)
    asks: tuple[str, ...] = ()


@frozen
class Request:
    """A topic in the words of one user."""

    topic: Topic
    text: str
    doing: str
    todo: str


def _task(verb_phrase: str, **more: Any) -> Topic:
    slots = {"todo": verb_phrase, "doing": gerund(verb_phrase)}
    return Topic("task", verb_phrase, slots["doing"], verb_phrase, slots=slots, **more)


def _thing(it: str, *, plural: bool, **more: Any) -> Topic:
    slots = {
        "it": it,
        "do": "do" if plural else "does",
        "is": "are" if plural else "is",
        "s": "" if plural else "s",
    }
    return Topic("thing", it, it, f"understand {it}", slots=slots, **more)


def _wish(it: str, **more: Any) -> Topic:
    good = re.sub(r"^(a|an) ", "a good ", it)
    return Topic("wish", it, it, f"choose {it}", slots={"it": it, "good": good}, **more)


def _text(it: str, **more: Any) -> Topic:
    return Topic("text", it, f"{{form}} about {it}", f"write {{form}} about {it}", slots={"it": it}, **more)


def _named(kind: str, it: str, doing: str, todo: str, details: tuple[str, ...]) -> Topic:
    return Topic(kind, it, doing, todo, details=details, slots={"it": it})


@cache
def harmless_topics() -> tuple[Topic, ...]:
    """Every harmless topic, in the order of the data files."""
    topics = [_task(do, details=tuple(steps), ordered=True) for do, steps in table("howto").items()]
    explain = table("explain")
    for number in ("singular", "plural"):
        topics += [
            _thing(it, plural=number == "plural", details=tuple(d)) for it, d in explain[number].items()
        ]
    topics += [_text(it, details=tuple(images)) for it, images in table("creative").items()]
    topics += [_wish(it, details=tuple(ideas)) for it, ideas in table("suggestions").items()]
    for country, city in table("facts")["capitals"].items():
        details = (
            f"the capital of {country} is {city}",
            f"{city} is a large city",
            f"many people visit {city}",
        )
        capital = f"the capital of {country}"
        topics.append(_named("capital", country, capital, f"name {capital}", details))
    for record, holder in table("facts")["records"].items():
        details = (f"{record} is {holder}", "many books tell about it", "it is well known")
        topics.append(_named("record", record, record, f"name {record}", details))
    for place, things in table("places").items():
        topics.append(_named("place", place, f"a trip to {place}", f"visit {place}", tuple(things)))
    for both, points in table("pairs").items():
        difference = f"the difference between {both}"
        topics.append(_named("pair", both, difference, f"compare {both}", tuple(points)))
    knowledge = table("knowledge")
    for game, points in knowledge["rules"].items():
        topics.append(_named("rules", game, f"the rules of {game}", f"play {game}", tuple(points)))
    for age, points in knowledge["past"].items():
        topics.append(_named("past", age, age, f"learn about {age}", tuple(points)))
    for names, points in knowledge["lists"].items():
        topics.append(_named("list", names, names, f"name {names}", tuple(points)))
    for talk in table("talk")["talk"]:
        topics.append(
            Topic(
                "talk",
                talk["doing"],
                talk["doing"],
                talk["todo"],
                details=tuple(talk["says"]),
                asks=tuple(talk["asks"]),
            )
        )
    return tuple(topics)


@cache
def harmful_topics() -> tuple[tuple[Topic, ...], ...]:
    """Every harmful topic, one tuple for each group of the data file."""
    data = table("harmful")
    groups = [
        [_task(f"{verb} {target}", harmful=True) for verb in group["verbs"] for target in group["targets"]]
        for group in data["tasks"]
    ]
    groups += [
        [_wish(f"{head} {tail}", harmful=True) for head in group["heads"] for tail in group["tails"]]
        for group in data["things"]
    ]
    for group in data["methods"]:
        groups.append([_thing(it, plural=False, harmful=True) for it in group["singular"]])
        groups.append([_thing(it, plural=True, harmful=True) for it in group["plural"]])
    groups += [[_text(it, harmful=True) for it in group["subjects"]] for group in data["texts"]]
    return tuple(tuple(group) for group in groups)


def ask(topic: Topic, rng: random.Random) -> Request:
    """Put a topic into the words of a randomly chosen template."""
    templates = table("templates")
    form = rng.choice(templates["forms"])
    words = rng.choice(topic.asks or templates[topic.kind])
    text = words.format(form=form, **topic.slots)
    return Request(topic, text, topic.doing.format(form=form), topic.todo.format(form=form))
