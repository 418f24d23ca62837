"""The lines of a chat: messages, which are answered, and commands, which begin with a slash."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from attrs import define, field, frozen

from steerkit_core.chat.conversation import Conversation, Exchange
from steerkit_core.cli.output import counted
from steerkit_core.components import OptionError
from steerkit_core.errors import SteerkitError, nearest
from steerkit_core.files.reading import unwritable
from steerkit_core.results.converter import unstructured


class Screen(Protocol):
    """Where a chat is shown."""

    def say(self, text: str) -> None:
        """What a command has to tell."""

    def complain(self, text: str) -> None:
        """What went wrong."""

    def answers(self, title: str, ask: Callable[[Callable[[int, str], None]], Exchange]) -> Exchange:
        """Show both answers while `ask` makes them; it is given whom to tell of texts as they grow."""


@define(eq=False)
class Talk:
    """A chat in progress: what was typed goes in, what is to be seen comes out on its screen."""

    conversation: Conversation
    screen: Screen
    over: bool = False
    saved: list[str] = field(factory=list)

    def line(self, typed: str) -> None:
        """Take one line: a message, a command, or nothing. What the user can put right is one line."""
        text = typed.strip()
        if not text:
            return
        try:
            if text.startswith("/") and not text.startswith("//"):
                self._command(text)
            else:
                self._message(text.removeprefix("/") if text.startswith("//") else text)
        except SteerkitError as error:
            for part in str(error).splitlines():
                self.screen.complain(part)

    def _message(self, text: str) -> None:
        self.conversation.check(text)  # before a screen is begun, which would stay there empty
        found = self.screen.answers(self.steered, lambda show: self.conversation.answer(text, show))
        if found.stopped:
            self.screen.say("stopped")

    @property
    def steered(self) -> str:
        """How the steered side is steered."""
        now = self.conversation
        strength = "" if now.multiplier is None else f", multiplier {now.multiplier:g}"
        return f"steered (layer {now.layer}{strength})"

    def _command(self, text: str) -> None:
        word, _, argument = text[1:].partition(" ")
        if word not in COMMANDS:
            names = list(COMMANDS)
            begun = [name for name in names if word and name.startswith(word)]
            close = (
                f", did you mean '/{begun[0]}'?" if begun else nearest(f"/{word}", [f"/{n}" for n in names])
            )
            raise SteerkitError(f"no command '/{word}'{close} (/help lists them)")
        COMMANDS[word].act(self, argument.strip())


def _number(name: str, argument: str) -> float:
    try:
        found = float(argument)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise SteerkitError(f"/{name}: expected a number, got {argument!r}")
    return found


def _whole(name: str, argument: str) -> int:
    try:
        return int(argument)
    except ValueError:
        raise SteerkitError(f"/{name}: expected a whole number, got {argument!r}") from None


def _multiplier(talk: Talk, argument: str) -> None:
    now = talk.conversation
    if argument:
        multiplier = _number("multiplier", argument)
        now.steering.intervention(now.layer, multiplier)
        now.multiplier = multiplier
    talk.screen.say(talk.steered)


def _layer(talk: Talk, argument: str) -> None:
    now = talk.conversation
    if argument:
        layer = _whole("layer", argument)
        now.steering.intervention(layer, now.multiplier)
        now.layer = layer
    talk.screen.say(talk.steered)


def _reset(talk: Talk, _argument: str) -> None:
    talk.conversation.reset()
    talk.screen.say("conversation reset")


def _system(talk: Talk, argument: str) -> None:
    now, old = talk.conversation, talk.conversation.system
    now.system = argument
    try:
        now.check()
    except SteerkitError:
        now.system = old
        raise
    talk.screen.say(f"system prompt: {argument}" if argument else "no system prompt")


def _seed(talk: Talk, argument: str) -> None:
    if argument:
        seed = _whole("seed", argument)
        if seed < 0:
            raise SteerkitError(f"/seed: expected a whole number of at least 0, got {seed}")
        talk.conversation.seed = seed
    greedy = talk.conversation.generation.temperature == 0
    note = "; decoding is greedy and needs none, see /temperature" if greedy else ""
    talk.screen.say(f"seed {talk.conversation.seed}{note}")


def _temperature(talk: Talk, argument: str) -> None:
    if argument:
        _change(talk, "temperature", temperature=_number("temperature", argument))
    temperature = talk.conversation.generation.temperature
    talk.screen.say(f"temperature {temperature:g}{'' if temperature else ': greedy'}")


def _tokens(talk: Talk, argument: str) -> None:
    if argument:
        _change(talk, "tokens", max_new_tokens=_whole("tokens", argument))
    talk.screen.say(f"answers of at most {talk.conversation.generation.max_new_tokens} tokens")


def _change(talk: Talk, name: str, **options: float) -> None:
    try:
        talk.conversation.change(**options)
    except OptionError as error:
        raise SteerkitError(f"/{name}: {error}") from None


def _save(talk: Talk, argument: str) -> None:
    if not argument:
        raise SteerkitError("/save: expected a file name")
    path = Path(argument)
    if path.exists():
        raise SteerkitError(f"/save: {path} already exists: name another file")
    found = json.dumps(unstructured(talk.conversation.saved), indent=1, ensure_ascii=False)
    try:
        path.write_text(found + "\n", encoding="utf-8")
    except OSError as error:
        raise SteerkitError(f"/save: {unwritable(path, error)}") from None
    talk.saved.append(str(path))
    talk.screen.say(f"saved {counted(len(talk.conversation.exchanges), 'exchange')}: {path}")


def _help(talk: Talk, _argument: str) -> None:
    width = max(len(f"/{name} {one.argument}") for name, one in COMMANDS.items())
    for name, one in COMMANDS.items():
        talk.screen.say(f"{f'/{name} {one.argument}':{width}}  {one.help}")
    talk.screen.say("start a message with // to send a leading slash; Ctrl-C stops an answer")


def _quit(talk: Talk, _argument: str) -> None:
    talk.over = True


@frozen
class Command:
    """What a word behind a slash does."""

    argument: str
    help: str
    act: Callable[[Talk, str], None]


COMMANDS: dict[str, Command] = {
    "multiplier": Command("X", "set the multiplier; without a number: show it", _multiplier),
    "layer": Command("N", "steer at this layer, with its own direction", _layer),
    "reset": Command("", "start over", _reset),
    "system": Command("TEXT", "system prompt of both sides; without text: none", _system),
    "temperature": Command("T", "0 is greedy, above it sampled", _temperature),
    "seed": Command("N", "seed of sampled answers", _seed),
    "tokens": Command("N", "token limit of an answer", _tokens),
    "save": Command("FILE", "save the chat as JSON", _save),
    "help": Command("", "show this list", _help),
    "quit": Command("", "end the chat, like Ctrl-D", _quit),
}
