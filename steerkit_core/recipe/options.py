"""The recipe tables that are not components."""

from collections.abc import Sequence
from typing import Literal

from attrs import frozen

from steerkit_core.components import OptionError, Within, option

Calibrator = Literal["none", "kl"]
WidthMap = Literal["none", "ridge", "procrustes"]


def folder_name(value: object) -> None:
    """Raise `OptionError` for a name that is no folder's, or one outside of `runs/`."""
    if value in ("", ".", "..") or set(str(value)) & set("/\\\0"):
        raise OptionError("a name for a folder", value)


def models_once(value: object) -> None:
    """Raise `OptionError` for a list of fewer than two models, or one that has a model twice."""
    if isinstance(value, Sequence) and (len(value) < 2 or len(set(value)) < len(value)):
        raise OptionError("two models or more, each once", list(value))


@frozen(kw_only=True)
class RunOptions:
    """What a run is called, and its seed."""

    name: str = option("run", help="folder below runs/ that the results go to", checks=[folder_name])
    seed: int = option(
        0,
        help="of random directions and shuffled labels, which are controls, and of sampled decoding",
        checks=[Within(0)],
    )


@frozen(kw_only=True)
class PromptOptions:
    """Which prompts serve which purpose: the name of a prompt set, or a file."""

    contrast: str = option(help="two classes, for the extractor")
    evaluation: str = option(help="what the reported rates are measured on")
    selection: str = option("", help="what the selector may look at; by default the evaluation prompts")
    validation: str = option(
        "",
        help="two classes for selectors that score directions; by default those that the directions were"
        " found with",
    )


@frozen(kw_only=True)
class ControlOptions:
    """What each chosen cell is held against, besides the unsteered one."""

    random: int = option(
        3, help="random directions of the same length, each another; 0 for none", checks=[Within(0)]
    )
    shuffled: int = option(
        1,
        help="directions found with shuffled labels of the contrast set, each another shuffle; 0 for none",
        checks=[Within(0)],
    )
    flipped: bool = option(
        True, help="the direction with its sign flipped, where that is another intervention"
    )

    @property
    def number(self) -> int:
        """How many there are for each chosen cell, at most."""
        return self.random + self.shuffled + self.flipped


@frozen(kw_only=True)
class CalibrationOptions:
    """How strengths are found, where they are not given as multipliers."""

    use: Calibrator = option(
        "none",
        help="kl searches multipliers with which the next-token distribution on the contrast set's negative"
        " prompts moves by a given KL divergence, and every multiplier of the selector is such a target,"
        " in nats; none takes multipliers as they are",
    )
    target: float = option(
        0.5,
        help="mean KL(plain || steered), in nats, of the answer's tokens that are looked at; for a selector"
        " that names no multipliers",
        checks=[Within(0.0, open=True)],
    )
    tolerance: float = option(
        0.05, help="how far off the KL may be, as a share of the target", checks=[Within(0.001, 0.5)]
    )
    tokens: int = option(
        1,
        help="how many tokens of the unsteered answer are looked at: 1 is the first, where an answer is"
        " decided; of more the mean is taken, with the answer's own tokens before each",
        checks=[Within(1)],
    )


@frozen(kw_only=True)
class GenerationOptions:
    """How the model writes."""

    max_new_tokens: int = option(100, help="longest completion, in tokens", checks=[Within(1)])
    batch_size: int | Literal["auto"] = option(
        "auto",
        help="rows that are generated together; auto measures it, and halves it where memory ends",
        checks=[Within(1)],
    )
    temperature: float = option(0.0, help="0 is greedy decoding", checks=[Within(0.0)])
    repeats: int = option(
        1,
        help="completions of each prompt, each with random numbers of its own; more than 1 needs a"
        " temperature above 0, as greedy ones would all be the same",
        checks=[Within(1)],
    )
    full_texts: bool = option(
        False, help="write every text of a sweep to its end, also where its verdict is settled"
    )
    top_p: float = option(
        1.0, help="nucleus of the distribution to sample from", checks=[Within(0.01, 1.0)]
    )


@frozen(kw_only=True)
class TransferOptions:
    """Which models are steered with each other's directions; `steerkit transfer` writes this table."""

    models: tuple[str, ...] = option(
        help="ids of the models, each of which is steered with its own directions and with the others'",
        checks=[models_once],
    )
    map: WidthMap = option(
        "none",
        help="linear map that is fitted for every pair; none leaves pairs of unequal width out",
    )
