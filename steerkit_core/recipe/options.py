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
    """A run's name and seed."""

    name: str = option("run", help="folder below runs/ that the results go to", checks=[folder_name])
    seed: int = option(
        0,
        help="seed of the random controls, the shuffled labels and sampled decoding",
        checks=[Within(0)],
    )


@frozen(kw_only=True)
class PromptOptions:
    """Which prompts serve which purpose: the name of a prompt set, or a file."""

    contrast: str = option(help="contrast set: the two classes that the extractor compares")
    evaluation: str = option(help="prompts that the reported rates are measured on")
    selection: str = option("", help="prompts that the selector may see; by default the evaluation prompts")
    validation: str = option(
        "",
        help="two classes for selectors that score directions; by default those that the directions were"
        " found with",
    )


@frozen(kw_only=True)
class ControlOptions:
    """What each chosen cell is compared with, besides its baseline."""

    random: int = option(3, help="number of random directions of the same length", checks=[Within(0)])
    shuffled: int = option(
        1,
        help="number of directions extracted after shuffling the contrast set's labels",
        checks=[Within(0)],
    )
    flipped: bool = option(
        True, help="also steer with the sign flipped, where that is a different intervention"
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
        help="kl searches the multiplier that moves the next-token distribution on the contrast set's"
        " negative prompts by a given KL divergence, and the selector's multipliers are these targets, in"
        " nats; none takes multipliers as they are",
    )
    target: float = option(
        0.5,
        help="mean KL(baseline || steered) over the first `tokens` tokens of the answer, in nats; used"
        " where the selector names no multipliers",
        checks=[Within(0.0, open=True)],
    )
    tolerance: float = option(
        0.05, help="accepted error of the KL, as a share of the target", checks=[Within(0.001, 0.5)]
    )
    tokens: int = option(
        1,
        help="how many tokens of the baseline's answer the KL is averaged over; 1 is the first, where an"
        " answer is decided",
        checks=[Within(1)],
    )


@frozen(kw_only=True)
class GenerationOptions:
    """How the model writes."""

    max_new_tokens: int = option(100, help="longest completion, in tokens", checks=[Within(1)])
    batch_size: int | Literal["auto"] = option(
        "auto",
        help="rows per batch; auto measures it, and halves it when memory runs out",
        checks=[Within(1)],
    )
    temperature: float = option(0.0, help="0 is greedy decoding", checks=[Within(0.0)])
    repeats: int = option(
        1,
        help="completions per prompt, each with its own random numbers; more than 1 needs a"
        " temperature above 0, as greedy completions are all the same",
        checks=[Within(1)],
    )
    full_texts: bool = option(False, help="finish every text of a sweep, even once its verdict is settled")
    top_p: float = option(
        1.0, help="nucleus sampling: smallest probability mass to sample from", checks=[Within(0.01, 1.0)]
    )


@frozen(kw_only=True)
class TransferOptions:
    """Which models are steered with each other's directions; `steerkit transfer` writes this table."""

    models: tuple[str, ...] = option(
        help="model ids; each model is steered with its own directions and with those of the others",
        checks=[models_once],
    )
    map: WidthMap = option(
        "none",
        help="linear map to fit for every pair; none leaves out pairs of unequal width",
    )
