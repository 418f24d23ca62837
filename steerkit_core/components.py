"""The kinds of component, one small abstract class each.

A component is a frozen attrs class whose fields are its recipe options. Building one touches no model,
no network and no GPU, so that a recipe can be checked before torch is imported.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, cast

from attrs import NOTHING, Attribute, field, frozen

from steerkit_core.errors import ModelError, SteerkitError
from steerkit_core.values import (
    BlockModule,
    Completion,
    ContrastSet,
    DirectionSet,
    Intervention,
    Outcome,
    Prompt,
    Selection,
    Steering,
    Trial,
    Verdict,
)

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

    from steerkit_core.model import ModelHandle
    from steerkit_core.options import ModelSpec


OUTPUT_PROJECTIONS = ("o_proj", "out_proj", "dense", "c_proj", "wo")


class OptionError(ValueError):
    """A value of the right type and the wrong size; carries what was expected and what was found."""

    def __init__(self, expected: str, found: object) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"expected {expected}, got {found!r}")


@frozen
class Within:
    """A bound on an option: a number, or every number of a sequence, lies between `low` and `high`."""

    low: float | None = None
    high: float | None = None
    open: bool = False

    def __call__(self, value: object) -> None:
        """Raise `OptionError` for a number out of bounds; None and words pass."""
        many = isinstance(value, Sequence) and not isinstance(value, str)
        for number in cast("Sequence[object]", value) if many else (value,):
            if isinstance(number, int | float) and not self._holds(number):
                raise OptionError(f"{'numbers' if many else 'a number'} {self}", number)

    def _holds(self, number: float) -> bool:
        above = self.low is None or (number > self.low if self.open else number >= self.low)
        below = self.high is None or (number < self.high if self.open else number <= self.high)
        return above and below

    def __str__(self) -> str:
        left, right = ("(", ")") if self.open else ("[", "]")
        if self.high is None:
            return f"{'above' if self.open else 'of at least'} {self.low:g}"
        if self.low is None:
            return f"{'below' if self.open else 'of at most'} {self.high:g}"
        return f"in {left}{self.low:g}, {self.high:g}{right}"


def not_empty(value: object) -> None:
    """Raise `OptionError` for an empty list."""
    if isinstance(value, Sequence) and not value:
        raise OptionError("at least one value", list(value))


def option(
    default: Any = NOTHING,
    *,
    help: str,  # noqa: A002  # reason: the word that click and argparse users expect here
    checks: Sequence[Callable[[object], None]] = (),
) -> Any:
    """Declare a recipe option, once: the recipe check, `plugins show` and the docs derive from it.

    Args:
        default: the value used where a recipe says nothing; without one the option is required.
        help: one line, shown by `steerkit plugins show`.
        checks: called with the value; each raises `OptionError` for one that is out of bounds.
    """

    def validate(_instance: object, _attribute: Attribute[Any], value: object) -> None:
        for check in checks:
            check(value)

    return field(default=default, validator=validate, metadata={"help": help, "checks": checks})


class Component(ABC):
    """What every component has: a name that recipes use, and options as attrs fields.

    `reference` says where the method comes from, and `cost` what it costs in forward passes of the model;
    both are shown by `steerkit plugins show` and may be left out.
    """

    name: ClassVar[str]
    reference: ClassVar[str] = ""
    cost: ClassVar[str] = ""


# the type of an option `position`: a token counted from the prompt's end, several, or the template's suffix
Position = int | tuple[int, ...] | Literal["suffix"]


def positions_once(value: object) -> None:
    """Raise `OptionError` for a list of positions that is empty, or has one twice."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        not_empty(value)
        if len(set(value)) < len(value):
            raise OptionError("every position once", list(value))


class Extractor(Component):
    """Answers: which directions separate the two prompt classes, at every (position, layer) asked?"""

    @property
    def positions(self) -> tuple[int, ...]:
        """The token positions that directions are read at, as far as they are known without a model.

        They stand in the option `position`, where there is one. `suffix` means all tokens that the chat
        template puts behind the user's text; how many these are the model's tokenizer knows, and until it
        is asked there are none.
        """
        own: Position = getattr(self, "position", -1)
        if own == "suffix":
            return ()
        return own if isinstance(own, tuple) else (own,)

    def positions_in(self, model: ModelHandle) -> tuple[int, ...]:
        """The token positions that directions are read at in a model, in the order of the text.

        Raises:
            ModelError: the template's suffix is asked for, and the template has none.
        """
        if getattr(self, "position", None) != "suffix":
            return self.positions
        length = model.suffix_length
        if not length:
            raise ModelError(
                f"extractor {self.name!r} reads the template's suffix, but the chat template of"
                f" {model.spec.id} puts nothing behind the user's text: set extractor.position to -1"
            )
        return tuple(range(-length, 0))

    @property
    def module(self) -> BlockModule:
        """What is read in the blocks: the residual stream, unless an option `module` says otherwise."""
        return "residual"

    @abstractmethod
    def extract(self, model: ModelHandle, contrast: ContrastSet, layers: Sequence[int]) -> DirectionSet:
        """Find directions at the outputs of `layers`; the sign points from negative to positive."""

    def extract_with(
        self, model: ModelHandle, contrast: ContrastSet, layers: Sequence[int], sources: Sources
    ) -> DirectionSet:
        """What a run calls: `extract`, unless an extractor needs more than the model that is steered."""
        return self.extract(model, contrast, layers)

    def check_prompts(self, contrast: ContrastSet) -> None:
        """Raise `SteerkitError` where prompts are too few for the method, or do not go together.

        Called for every setting with the recipe, before torch is imported; `extract` called by itself has
        to call it.
        """

    def check_model(self, model: ModelSpec, sources: Sources) -> None:
        """Raise `SteerkitError` where there can be no directions for a model.

        Called for every setting with the recipe, before torch is imported; `sources` loads nothing then.
        """

    def origin(self, model: ModelHandle, sources: Sources) -> Mapping[str, Any]:
        """Where directions come from that are not found in the model that is steered; empty otherwise.

        JSON values. They are part of the extraction's identity, so that they must contain whatever
        determines the directions besides the options, and they stand in the column `origin` of every cell:
        `model` (an id), `run` (or None), `map` (`none`, or what the directions went through), `method` (see
        `Sources.describe`), and `differs`, what of the source is not as in the model that is steered.

        Raises:
            SteerkitError: the directions may not be used in this model.
        """
        return {}


@frozen(kw_only=True)
class ReadingExtractor(Extractor):
    """An extractor that reads one module of the blocks, at one token or several, as its options say."""

    position: Position = option(
        -1,
        help="token whose activation is read, -1 being the prompt's last; a list of several; or suffix, all"
        " tokens that the chat template puts behind the user's text",
        checks=[Within(high=-1), positions_once],
    )
    module: BlockModule = option(
        "residual",
        help="what is read in each block: its output (residual) or input, what attention or MLP give, or"
        " the heads of the attention side by side; a recipe that does not say reads what its site edits",
    )


class SelectionContext(Protocol):
    """What a selector may look at. It never sees the evaluation prompts, unless the recipe says so."""

    @property
    def model(self) -> ModelHandle:
        """The loaded model."""

    @property
    def directions(self) -> DirectionSet:
        """What the extractor found."""

    @property
    def contrast(self) -> ContrastSet:
        """The prompts that it was found with."""

    @property
    def validation(self) -> ContrastSet:
        """Two classes to score directions with; `contrast` itself where the recipe names no others."""

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """The selection prompts; where they are evaluation prompts too, a choice by them is marked."""

    def run(self, trials: Sequence[Trial], prompts: Sequence[Prompt] | None = None) -> list[Outcome]:
        """Steer, generate and judge on the selection prompts, by default on all of them.

        Args:
            trials: ways to steer.
            prompts: some of the selection prompts, for a first look. Asked again with more of them, only
                those that are new are generated; no row ever is twice.

        Returns:
            What became of each trial on just these prompts.

        Raises:
            SteerkitError: a prompt is none of the selection prompts, or there is none.
        """


class LayerSelector(Component):
    """Answers: at which layer and position (and with which multiplier) to steer?"""

    def check(self, num_layers: int) -> None:
        """Raise `SteerkitError` where an option asks for a layer that `num_layers` blocks have not.

        Called as soon as the model's depth is known, for most models before torch is imported.
        """

    def check_prompts(self, contrast: ContrastSet, validation: ContrastSet) -> None:
        """Raise `SteerkitError` where prompts are too few for the method.

        Called for every setting with the recipe, before torch is imported.

        Args:
            contrast: the prompts that directions are found with.
            validation: those to score directions with; `contrast` where the recipe names no others.
        """

    def trials(self, num_layers: int, positions: Sequence[int]) -> tuple[Trial, ...]:
        """The trials that are certain before anything ran, so that they can be generated together.

        Args:
            num_layers: how many blocks the model has.
            positions: where the extractor reads directions; none where only a loaded model can tell.
        """
        return ()

    def candidates(self, num_layers: int, positions: Sequence[int]) -> tuple[Trial, ...]:
        """All trials that may be asked for, as far as they are known before anything ran.

        They are checked against model and site with the recipe; by default these are the certain ones.
        """
        return self.trials(num_layers, positions)

    @abstractmethod
    def select(self, context: SelectionContext) -> Selection:
        """Choose."""


class Site(Component):
    """Answers: where and how is a block edited?"""

    @property
    def module(self) -> BlockModule:
        """What is edited in the blocks; the directions must have been read there."""
        return "residual"

    @property
    def takes_multiplier(self) -> bool:
        """Whether the strength of this site is a multiplier that selectors may vary."""
        return hasattr(self, "multiplier")

    @property
    def neutral_multiplier(self) -> float | None:
        """The multiplier with which this site leaves the model as it was; None where none does.

        A site that adds is neutral at 0. One that sets the projection to what the multiplier says is not
        neutral at any.
        """
        return 0.0

    @abstractmethod
    def intervene(self, steering: Steering) -> Intervention:
        """Build the edits for one way to steer."""


class SavedDirections(Protocol):
    """Directions of a run or a file; nothing but their description is read before they are asked for."""

    @property
    def key(self) -> str:
        """What the run calls their extraction."""

    @property
    def model(self) -> Mapping[str, Any]:
        """The model that they were found in: its identity, `id`, `revision`, and `template`, a hash.

        What a file does not say is None.
        """

    @property
    def extractor(self) -> Mapping[str, Any]:
        """What found them: `use`, `options` and `version`."""

    @property
    def positions(self) -> tuple[int, ...]:
        """Where they were read."""

    @property
    def num_layers(self) -> int | None:
        """How many blocks that model has; None where a file does not say."""

    @property
    def module(self) -> BlockModule:
        """What was read in the blocks."""

    @property
    def width(self) -> int:
        """The length of a direction in numbers."""

    @property
    def digest(self) -> str:
        """SHA-256 of all of their numbers."""

    def directions(self) -> DirectionSet:
        """The directions: of a run at all layers of that model, in a file at those that it has."""


class Sources(Protocol):
    """Where an extractor finds what lies outside of the model that is steered."""

    def hidden_size(self, spec: ModelSpec) -> int | None:
        """The hidden size of a model, as far as it is known without loading it.

        Raises:
            ModelError: there is no such model.
        """

    def identity(self, spec: ModelSpec) -> Mapping[str, str]:
        """What determines a model's numbers: a fingerprint, dtype, quantization and kind of device.

        Raises:
            ModelError: it cannot be found or read.
        """

    def load(self, spec: ModelSpec) -> ModelHandle:
        """A model, which is let go of when the extraction has ended; the steered one, if it is the same.

        Raises:
            ModelError: it cannot be found, read or loaded on this machine.
        """

    def extractor(self, name: str, options: Sequence[str] = (), **known: Any) -> Extractor:
        """An installed extractor, built from options written as `key=value`, the value as in TOML.

        Args:
            name: as a recipe names it.
            options: what was written; a bare word is a string.
            known: further options, by their values.

        Raises:
            SteerkitError: there is none of that name, or it refuses an option.
        """

    def describe(self, extractor: Extractor) -> Mapping[str, Any]:
        """What determines an extractor's answers: `use`, `options` and the `version` of its plugin."""

    def prompts(self, name: str) -> tuple[Prompt, ...]:
        """The prompts of an installed set.

        Raises:
            SteerkitError: there is none of that name.
        """

    def saved(self, run: str, key: str = "") -> SavedDirections:
        """Directions that a run has kept, by the beginning of their key; by default the only ones.

        Raises:
            SteerkitError: there is no such run, it keeps none, or it is not clear which are meant.
        """

    def filed(self, file: str) -> SavedDirections:
        """The directions of a file, as `DirectionSet.save` writes it.

        Raises:
            SteerkitError: there is no such file, or it holds something else.
        """


class ModelLoader(Protocol):
    """Where a classifier gets the models that it judges with."""

    def load(self, spec: ModelSpec) -> ModelHandle:
        """The model, loaded once however often it is asked for; the steered one, if it is the same.

        It is never steered while it judges.

        Raises:
            ModelError: it cannot be found, read or loaded on this machine.
        """


class Classifier(Component):
    """Answers: what is a completion? The label `refusal` is what a sweep maximises.

    A classifier implements `classify`, or `judge` where it needs more than one text at a time.
    """

    labels: ClassVar[tuple[str, ...]] = ("refusal", "garbled", "normal")

    @property
    def models(self) -> Mapping[str, ModelSpec]:
        """The models that `judge` loads, by the option that names them; looked for with the recipe.

        The verdicts of a classifier that has some are kept in the run, and are not asked for again.
        """
        return {}

    @property
    def watched(self) -> tuple[str, ...] | None:
        """Openings of an answer; how likely they are at its first token is every completion's `score`.

        Empty means those of the model's family, None (as here) that no score is needed. The score is
        log p - log(1 - p) for the summed probability p of the openings' first tokens.
        """
        return None

    @property
    def enough_tokens(self) -> int | None:
        """After how many tokens every verdict is settled; None where that depends on the text.

        No answer is written further than this, unless the recipe asks for full texts.
        """
        return None

    def judge(self, completions: Sequence[Completion], models: ModelLoader) -> Iterable[Verdict]:
        """Judge many completions: one verdict for each, in their order, with a label of `labels`.

        All that are there are given at once, so that a model can take them in batches. Verdicts that are
        yielded one by one are kept as they come.

        Args:
            completions: none of them failed, and no two have the same prompt and text.
            models: loads those that `models` names.
        """
        return (self.classify(completion.prompt, completion.text) for completion in completions)

    def classify(self, prompt: Prompt, text: str) -> Verdict:
        """Judge one text; the verdict's label is one of `labels`.

        Raises:
            SteerkitError: this classifier needs more than a text, and has only `judge`.
        """
        raise SteerkitError(f"classifier {self.name!r} judges the completions of a run, not a lone text")

    def settled(self, prompt: Prompt, text: str) -> bool:
        """Whether every text that begins with `text` gets one and the same label, whatever follows.

        Asked while a completion of a sweep is being written, which ends as soon as this is true. `text` may
        end in the middle of a word.
        """
        return False


class PromptSet(Component):
    """Named prompts with roles: positive and negative for a contrast set, neutral for the others."""

    @abstractmethod
    def prompts(self) -> tuple[Prompt, ...]:
        """The prompts, in a fixed order."""


@frozen
class FamilyDefaults:
    """What the field uses for a family where a recipe leaves it open.

    `refusal_openings` are the words that the family's refusals begin with and its other answers seldom do:
    of their first tokens the refusal score is made (Arditi et al., 2024, section 2.4).
    """

    multiplier: float = 15.0
    refusal_openings: tuple[str, ...] = ("I",)


class ModelAdapter(Component):
    """Answers: where are the blocks of this family, and what are its peculiarities?

    Adapters are asked in the order of `priority`, highest first; the first that `serves` a
    configuration is taken, and what it reads is verified on a tiny forward pass at load.
    """

    priority: ClassVar[int] = 0
    defaults: ClassVar[FamilyDefaults] = FamilyDefaults()

    @abstractmethod
    def serves(self, config: PreTrainedConfig) -> bool:
        """Whether this adapter knows the architecture that `config` describes."""

    @abstractmethod
    def blocks(self, model: PreTrainedModel) -> Sequence[Module]:
        """The decoder blocks in order; the output of block l is resid_post(l)."""

    @abstractmethod
    def attention(self, block: Module) -> Module:
        """The self-attention module of a block."""

    @abstractmethod
    def mlp(self, block: Module) -> Module:
        """The feed-forward module of a block."""

    def output_projection(self, attention: Module) -> Module:
        """The linear layer of an attention module whose input is all heads side by side.

        Found by the names that families give it, and checked at its first use.

        Raises:
            ModelError: there is none by these names, or more than one.
        """
        found = [child for name, child in attention.named_children() if name in OUTPUT_PROJECTIONS]
        if len(found) != 1:
            raise ModelError(
                f"model adapter {self.name!r} finds {len(found)} output projections in"
                f" {type(attention).__name__}, expected one of {', '.join(OUTPUT_PROJECTIONS)}: its heads"
                " cannot be read or edited"
            )
        return found[0]

    def read(self, output: Any) -> Tensor:
        """The residual stream, (rows, tokens, hidden), in what a block returned.

        Since transformers 5 most blocks return a tensor; older ones and some families return a tuple,
        whose first element it is. Indexing a tensor would silently give row 0.
        """
        return cast("Tensor", output[0] if isinstance(output, tuple) else output)

    def write(self, output: Any, residual: Tensor) -> Any:
        """`output` with its residual stream replaced."""
        return (residual, *output[1:]) if isinstance(output, tuple) else residual

    def depth(self, parameters: int) -> float | None:
        """The share of the blocks before the layer at which a model of that size is said to steer best.

        Args:
            parameters: how many the model has, embeddings included.

        Returns:
            A number between 0 and 1, or None where the field has no advice for the family.
        """
        return None

    def load_options(self, config: PreTrainedConfig) -> Mapping[str, Any]:
        """Keyword arguments for `from_pretrained` that this family needs."""
        return {}

    def dtype(self, wanted: str, device: str) -> str:
        """The dtype to load with: `float32`, `float16` or `bfloat16`; `wanted` may be `auto`.

        Raises:
            ModelError: the family does not work in the dtype that the recipe asks for.
        """
        if wanted != "auto":
            return wanted
        return "float32" if device == "cpu" else "bfloat16"

    def render(self, tokenizer: PreTrainedTokenizerBase, text: str) -> str:
        """The prompt as the model's chat template writes it, up to where the answer begins."""
        return self.render_turns(tokenizer, [{"role": "user", "content": text}])

    def render_turns(self, tokenizer: PreTrainedTokenizerBase, turns: Sequence[Mapping[str, str]]) -> str:
        """A conversation as the model's chat template writes it, up to where the next answer begins.

        `turns` have the keys `role` (`system`, `user` or `assistant`) and `content`; the last is a user's.
        An adapter whose `render` is its own has to write conversations as it writes prompts.
        """
        return cast(
            "str",
            tokenizer.apply_chat_template(
                [dict(turn) for turn in turns], tokenize=False, add_generation_prompt=True
            ),
        )
