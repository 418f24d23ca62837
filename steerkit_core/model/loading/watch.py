"""One tiny forward pass with hooks: what blocks return, what they receive, what norms take and give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from attrs import field, frozen, mutable
from torch import Tensor

from steerkit_core.components import ModelAdapter
from steerkit_core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch.nn import Module
    from transformers import PreTrainedModel

# two rows that differ in their last token only
IDS = ((5, 6, 7, 8, 9), (5, 6, 7, 8, 10))


@mutable
class Seen:
    """What passed: per block what was read or written, (2, 5, hidden), and what the block received.

    `norms` has (input, output) of every norm outside the blocks; `last` is the last hidden state that
    transformers reports.
    """

    read: dict[int, Tensor] = field(factory=dict)
    received: dict[int, Tensor] = field(factory=dict)
    norms: list[tuple[Tensor, Tensor]] = field(factory=list)
    last: Tensor = field(factory=lambda: torch.empty(0))


@frozen
class _Watch:
    """The hooks; `negate` replaces the output of every block by its negative."""

    adapter: ModelAdapter
    shape: tuple[int, int, int]
    negate: bool
    seen: Seen = field(factory=Seen)

    def receive(self, layer: int, args: tuple[Any, ...], kwargs: Mapping[str, Tensor]) -> None:
        self.seen.received[layer] = (args[0] if args else kwargs["hidden_states"]).detach().clone()

    def read(self, layer: int, output: Any) -> Any:
        residual: object = self.adapter.read(output)
        found = tuple(residual.shape) if isinstance(residual, Tensor) else type(residual).__name__
        if not isinstance(residual, Tensor) or found != self.shape:
            raise ModelError(
                f"model adapter {self.adapter.name!r} reads {found} from block {layer}, expected a tensor"
                f" of shape {self.shape}: rows, tokens, hidden"
            )
        # a negative is exact in every dtype, differs everywhere, and cannot overflow
        self.seen.read[layer] = (-residual if self.negate else residual).detach().clone()
        return self.adapter.write(output, self.seen.read[layer].clone()) if self.negate else None

    def norm(self, inputs: tuple[Any, ...], output: Any) -> None:
        if inputs and isinstance(inputs[0], Tensor) and isinstance(output, Tensor):
            self.seen.norms.append((inputs[0].detach().clone(), output.detach().clone()))


def watch(model: PreTrainedModel, adapter: ModelAdapter, blocks: Sequence[Module], *, negate: bool) -> Seen:
    """Run the model once on `IDS`, and remove every hook again.

    Raises:
        ModelError: what the adapter reads is no tensor of the expected shape.
    """
    hidden = model.config.get_text_config().hidden_size
    watching = _Watch(adapter, (len(IDS), len(IDS[0]), hidden), negate)
    within = {id(module) for block in blocks for module in block.modules()}
    # of offloaded weights nothing is here, and accelerate brings the ids to where the weights will be
    offloaded = model.device.type == "meta"
    ids = torch.tensor(IDS, device="cpu" if offloaded else model.device)
    handles = []
    try:
        for layer, block in enumerate(blocks):
            handles += [
                block.register_forward_pre_hook(
                    lambda _block, args, kwargs, at=layer: watching.receive(at, args, kwargs),
                    with_kwargs=True,
                ),
                block.register_forward_hook(
                    lambda _block, _args, output, at=layer: watching.read(at, output)
                ),
            ]
        handles += [
            module.register_forward_hook(lambda _norm, args, output: watching.norm(args, output))
            for module in model.modules()
            if "norm" in type(module).__name__.lower() and id(module) not in within
        ]
        with torch.no_grad():
            result = model(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                output_hidden_states=True,
                use_cache=False,
            )
    finally:
        for handle in handles:
            handle.remove()
    watching.seen.last = result.hidden_states[-1]
    return watching.seen
