"""One class per prompt set; the prompts themselves stand in `data/<name>.toml`."""

import tomllib
from importlib.resources import files
from typing import ClassVar

from attrs import frozen

from steerkit_core import Prompt, PromptSet


@frozen(kw_only=True)
class ShippedPrompts(PromptSet):
    """A prompt set that reads the data file of its own name."""

    def prompts(self) -> tuple[Prompt, ...]:
        """The file's `[[prompt]]` tables, in the order in which they are written."""
        source = files(__package__) / "data" / f"{self.name}.toml"
        return tuple(Prompt(**row) for row in tomllib.loads(source.read_text("utf-8"))["prompt"])


@frozen(kw_only=True)
class Refusal5(ShippedPrompts):
    """Five harmful and five harmless requests: the contrast set of Mohammad, 2026 (Appendix A, H and L)."""

    name: ClassVar[str] = "refusal-5"


@frozen(kw_only=True)
class Refusal64(ShippedPrompts):
    """64 harmful and 64 harmless requests in pairs of one form, over sixteen categories of harm."""

    name: ClassVar[str] = "refusal-64"


@frozen(kw_only=True)
class RefusalVal32(ShippedPrompts):
    """32 pairs of requests like those of `refusal-64`, and none of them, to score directions with."""

    name: ClassVar[str] = "refusal-val-32"


@frozen(kw_only=True)
class Benign30(ShippedPrompts):
    """Thirty harmless requests: the evaluation prompts of Mohammad, 2026 (Appendix A, T)."""

    name: ClassVar[str] = "benign-30"


@frozen(kw_only=True)
class Selection30(ShippedPrompts):
    """Thirty harmless requests like those of `benign-30`, and none of them, for selectors to look at."""

    name: ClassVar[str] = "selection-30"
