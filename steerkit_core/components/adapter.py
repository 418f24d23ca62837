"""Model adapters: where are the blocks of a family, and what are its peculiarities?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from attrs import frozen

from steerkit_core.components.component import Component
from steerkit_core.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

OUTPUT_PROJECTIONS = ("o_proj", "out_proj", "dense", "c_proj", "wo")


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

    def load_options(self, config: PreTrainedConfig) -> Mapping[str, object]:
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
