"""Where a model's attention heads are, proved on one tiny forward pass when they are first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from attrs import frozen

from steerkit_core.errors import ModelError
from steerkit_core.generation.edits import HookPoint
from steerkit_core.model.backends.hooks import HooksBackend

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from steerkit_core.components import ModelAdapter

IDS = ((5, 6, 7),)


@frozen
class HeadLayout:
    """How many heads every block has, and how wide each is; head k is the k-th slice of that width."""

    num_heads: int
    head_width: int

    @property
    def width(self) -> int:
        """All heads side by side."""
        return self.num_heads * self.head_width


def head_layout(model: PreTrainedModel, adapter: ModelAdapter) -> HeadLayout:
    """Read the heads of every block once.

    Checked is that the layer which the adapter names takes one width in every block, that the configured
    number of heads divides it, and that what this layer gives is exactly what the attention gives.

    Raises:
        ModelError: one of these does not hold; the message names adapter, block and what was found.
    """
    if model.device.type == "meta":
        raise ModelError(
            "single heads are not read or edited in a model whose weights are on a server or offloaded, as"
            " they cannot be checked"
        )
    who = f"model adapter {adapter.name!r}"
    num_heads = int(getattr(model.config.get_text_config(), "num_attention_heads", 0))
    if num_heads < 1:
        raise ModelError(f"{who}: {type(model).__name__} does not say how many heads it has")
    backend = HooksBackend(model, adapter)
    layers = range(len(backend.blocks))
    read: dict[HookPoint, Tensor] = {}
    projected: dict[int, Any] = {}
    points = [HookPoint(layer, module) for layer in layers for module in ("heads", "attention")]
    handles = [
        backend.target(HookPoint(layer, "heads")).register_forward_hook(
            lambda _module, _arguments, output, at=layer: projected.__setitem__(at, output)
        )
        for layer in layers
    ]
    ids = torch.tensor(IDS, device=model.device)
    try:
        with torch.inference_mode():
            backend.observe({"input_ids": ids, "use_cache": False}, points, read.__setitem__)
    finally:
        for handle in handles:
            handle.remove()
    width = read[HookPoint(0, "heads")].shape[-1]
    for layer in layers:
        found = read[HookPoint(layer, "heads")].shape[-1]
        if found != width or found % num_heads:
            raise ModelError(
                f"{who}: block {layer} has heads of {found} dimensions together, expected a multiple of"
                f" {num_heads} heads and the same in every block ({width} in block 0)"
            )
        if not torch.equal(projected[layer], read[HookPoint(layer, "attention")]):
            raise ModelError(
                f"{who}: what the output projection of block {layer} gives is not what its attention gives:"
                " single heads cannot be read or edited"
            )
    return HeadLayout(num_heads, width // num_heads)
