"""Two conversations with one model, side by side: one steered, one not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen

from steerkit_core.chat.resteering import Resteering
from steerkit_core.errors import ModelError
from steerkit_core.generation import Row, completion, generate
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.values import Intervention, Prompt

if TYPE_CHECKING:
    from steerkit_core.generation import Written

SIDES = ("unsteered", "steered")
Turns = tuple[tuple[str, str], ...]


@frozen(kw_only=True)
class SavedExchange:
    """An exchange as it is saved; `errors` and `tokens` have a key for each side."""

    user: str
    unsteered: str
    steered: str
    errors: Mapping[str, str | None]
    tokens: Mapping[str, int]
    layer: int
    multiplier: float | None
    max_new_tokens: int
    temperature: float
    top_p: float
    seed: int
    stopped: bool


@frozen(kw_only=True)
class SavedChat:
    """A conversation as it is saved, with the cell and run that it was steered by."""

    run: str
    cell: str
    model: str
    quantization: str
    revision: str
    site: str | None
    system: str
    exchanges: tuple[SavedExchange, ...]


@frozen
class Exchange:
    """One message and both answers, with what the steered one was steered by.

    `errors` says of an answer why it failed; None where it did not.
    """

    user: str
    answers: tuple[str, str]
    errors: tuple[str | None, str | None]
    tokens: tuple[int, int]
    layer: int
    multiplier: float | None
    generation: GenerationOptions
    seed: int
    stopped: bool = False

    @property
    def saved(self) -> SavedExchange:
        """What is saved of it."""
        return SavedExchange(
            user=self.user,
            unsteered=self.answers[0],
            steered=self.answers[1],
            errors=dict(zip(SIDES, self.errors, strict=True)),
            tokens=dict(zip(SIDES, self.tokens, strict=True)),
            layer=self.layer,
            multiplier=self.multiplier,
            max_new_tokens=self.generation.max_new_tokens,
            temperature=self.generation.temperature,
            top_p=self.generation.top_p,
            seed=self.seed,
            stopped=self.stopped,
        )


@define(eq=False)
class Conversation:
    """What has been said so far on both sides, and how the next answers are made.

    Each side continues from its own answers. `system` is the system prompt of both, or empty.
    """

    steering: Resteering
    layer: int
    multiplier: float | None
    generation: GenerationOptions
    seed: int = 0
    system: str = ""
    exchanges: list[Exchange] = field(factory=list)
    _begun: int = 0

    @classmethod
    def of(cls, steering: Resteering) -> Conversation:
        """At the cell's own layer, with its own multiplier, written as its texts were."""
        cell = steering.cell.entry
        seed = steering.run.results.run.seed
        return cls(steering, steering.cell.layer, cell.multiplier, steering.generation, seed)

    def reset(self) -> None:
        """Forget what was said; what is saved keeps it."""
        self._begun = len(self.exchanges)

    def before(self, side: int) -> Turns:
        """The turns that one side has had so far."""
        turns = (("system", self.system),) if self.system else ()
        return turns + tuple(
            turn
            for one in self.exchanges[self._begun :]
            for turn in (("user", one.user), ("assistant", one.answers[side]))
        )

    def prompt(self, side: int, text: str) -> Prompt:
        """The next request of one side."""
        # a number of its own for every message: sampled answers to equal ones then differ
        return Prompt(f"chat-{len(self.exchanges) + 1}", text, before=self.before(side))

    def check(self, text: str = "a") -> None:
        """Find out whether the model takes what would be said next.

        Raises:
            ModelError: the template refuses it, or it is too long for the model.
        """
        model = self.steering.model
        longest = max(len(model.encode(self.prompt(side, text))) for side in range(len(SIDES)))
        limit = getattr(model.config, "max_position_embeddings", None)
        if limit is not None and longest + self.generation.max_new_tokens > limit:
            raise ModelError(
                f"the conversation has {longest} tokens, and the model's context is {limit} with the"
                " answer: /reset it, or ask for fewer with /tokens"
            )

    def answer(self, text: str, show: Callable[[int, str], None]) -> Exchange:
        """Ask both sides in one batch.

        Args:
            text: the message.
            show: called with a side (0 unsteered, 1 steered) and its text so far, every few tokens and at
                its end; a KeyboardInterrupt ends the answers and keeps what was written.

        Raises:
            SteerkitError: there is no direction to steer by, or the model cannot take the message.
        """
        self.check(text)
        ways = (Intervention(), self.steering.intervention(self.layer, self.multiplier))
        so_far = ["", ""]

        def hear(side: int) -> Callable[[str], bool]:
            def heard(found: str) -> bool:
                so_far[side] = found
                show(side, found)
                return False  # nothing that is written settles a conversation

            return heard

        rows = [
            Row(self.prompt(side, text), way, SIDES[side], settled=hear(side))
            for side, way in enumerate(ways)
        ]
        errors: list[str | None] = [None, None]
        tokens, stopped = [0, 0], False
        try:
            for side, written in generate(self.steering.model, rows, self.generation, self.seed):
                so_far[side], errors[side] = self._read(rows[side].prompt, written)
                tokens[side] = len(written.token_ids)
                show(side, so_far[side])
        except KeyboardInterrupt:
            stopped = True
        found = Exchange(
            text,
            (so_far[0], so_far[1]),
            (errors[0], errors[1]),
            (tokens[0], tokens[1]),
            self.layer,
            self.multiplier,
            self.generation,
            self.seed,
            stopped,
        )
        self.exchanges.append(found)
        return found

    def _read(self, prompt: Prompt, written: Written) -> tuple[str, str | None]:
        found = completion(self.steering.model, prompt, written)
        return found.text, found.error

    def change(self, **options: Any) -> None:
        """Write the next answers otherwise; see `GenerationOptions`.

        Raises:
            OptionError: a value is out of bounds.
        """
        self.generation = evolve(self.generation, **options)

    @property
    def saved(self) -> SavedChat:
        """All that was said, and with which cell of which run."""
        cell = self.steering.cell.entry
        return SavedChat(
            run=str(self.steering.run.folder),
            cell=cell.id,
            model=cell.model,
            quantization=cell.quantization,
            revision=self.steering.spec.revision,
            site=cell.site,
            system=self.system,
            exchanges=tuple(one.saved for one in self.exchanges),
        )
