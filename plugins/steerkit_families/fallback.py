"""Any other decoder, if its blocks can be found beyond doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from attrs import frozen

from steerkit_core import ModelAdapter, ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch.nn import Module
    from transformers import PreTrainedConfig, PreTrainedModel

ATTENTION = ("self_attn", "self_attention", "attn", "attention")
MLP = ("mlp", "feed_forward", "ffn", "block_sparse_moe")


@frozen(kw_only=True)
class Fallback(ModelAdapter):
    """Decoders without an adapter of their own; the blocks are looked for and then verified at load."""

    name: ClassVar[str] = "fallback"
    priority: ClassVar[int] = -100

    def serves(self, config: PreTrainedConfig) -> bool:
        """Every architecture that says how many layers it has and is no encoder-decoder."""
        return not config.is_encoder_decoder and hasattr(config.get_text_config(), "num_hidden_layers")

    def blocks(self, model: PreTrainedModel) -> Sequence[Module]:
        """The one list of modules that is as long as the config says and holds attention and MLP.

        Raises:
            ModelError: there is none, or more than one.
        """
        from torch.nn import ModuleList

        wanted = model.config.get_text_config().num_hidden_layers
        lists = {name: module for name, module in model.named_modules() if isinstance(module, ModuleList)}
        found = {name: blocks for name, blocks in lists.items() if _are_blocks(list(blocks), wanted)}
        if len(found) == 1:
            return cast("Sequence[Module]", next(iter(found.values())))
        seen = ", ".join(f"{name} of {len(module)}" for name, module in lists.items()) or "none"
        raise ModelError(
            f"model adapter 'fallback' finds {len(found)} lists of blocks in {type(model).__name__},"
            f" expected one ModuleList of {wanted} whose members have an attention"
            f" ({', '.join(ATTENTION)}) and an mlp ({', '.join(MLP)}) each (lists seen: {seen}):"
            f" write a model adapter for {model.config.model_type!r}"
        )

    def attention(self, block: Module) -> Module:
        """The only child with one of the usual names."""
        return _child(block, ATTENTION)

    def mlp(self, block: Module) -> Module:
        """The only child with one of the usual names."""
        return _child(block, MLP)


def _are_blocks(blocks: Sequence[Module], wanted: int) -> bool:
    return len(blocks) == wanted and all(
        sum(name in names for name, _ in block.named_children()) == 1
        for block in blocks
        for names in (ATTENTION, MLP)
    )


def _child(block: Module, names: Sequence[str]) -> Module:
    return next(child for name, child in block.named_children() if name in names)
