"""What the blocks of a model give for prompts at some positions: prompt by prompt, or means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from steerkit_core.errors import NumericError
from steerkit_core.model.forward import batches, check_positions, forward
from steerkit_core.values import BlockModule, ClassActivations, ContrastSet, Prompt

if TYPE_CHECKING:
    from steerkit_core.model.engine import Engine


def mean_activations(
    model: Engine,
    groups: Sequence[Sequence[Prompt]],
    positions: Sequence[int],
    module: BlockModule,
) -> Tensor:
    """See `Model.mean_activations`. Adds to running sums: memory does not grow with the prompts."""
    shape = (len(groups), len(positions), model.num_layers, model.width(module))
    sums = torch.zeros(shape, dtype=torch.float64, device=model.device)
    columns = torch.tensor(list(positions), device=model.device)
    prompts = [prompt for group in groups for prompt in group]
    owner = [number for number, group in enumerate(groups) for _ in group]
    check_positions(model, prompts, positions)
    for batch in batches(model, prompts):
        owners = torch.tensor([owner[index] for index in batch], device=model.device)

        def add(layer: int, found: Tensor, _mask: Tensor, owners: Tensor = owners) -> None:
            sums[:, :, layer].index_add_(0, owners, found[:, columns].double())

        forward(model, [prompts[index] for index in batch], add, module)
    check_finite(model, sums)
    sizes = torch.tensor([len(group) for group in groups], dtype=torch.float64, device=model.device)
    return (sums / sizes.view(-1, 1, 1, 1)).cpu()


def activations(
    model: Engine, prompts: Sequence[Prompt], positions: Sequence[int], module: BlockModule
) -> Tensor:
    """See `Model.activations`."""
    check_positions(model, prompts, positions)
    shape = (len(prompts), len(positions), model.num_layers, model.width(module))
    store = torch.empty(shape, dtype=torch.float32)
    columns = torch.tensor(list(positions), device=model.device)
    for batch in batches(model, prompts):
        places = torch.tensor(batch)

        def keep(layer: int, found: Tensor, _mask: Tensor, places: Tensor = places) -> None:
            store[places, :, layer] = found[:, columns].float().cpu()

        forward(model, [prompts[index] for index in batch], keep, module)
    check_finite(model, store)
    return store


def class_activations(
    model: Engine,
    contrast: ContrastSet,
    positions: Sequence[int] = (-1,),
    module: BlockModule = "residual",
    layers: Sequence[int] | None = None,
) -> ClassActivations:
    """See `Model.class_activations`."""
    found = activations(model, (*contrast.positive, *contrast.negative), positions, module)
    chosen = range(model.num_layers) if layers is None else layers
    return ClassActivations.of(found, contrast, positions, chosen)


def check_finite(model: Engine, found: Tensor, layers: Sequence[int] | None = None) -> None:
    """Refuse activations, (any, positions, layers, width), of which one is NaN or infinite.

    Raises:
        NumericError: one is; the message names the first such layer.
    """
    failed = (~torch.isfinite(found)).permute(2, 0, 1, 3).flatten(1).any(dim=1)
    if bool(failed.any()):
        row = int(failed.nonzero()[0, 0])
        layer = row if layers is None else layers[row]
        remedy = ": set model.dtype to 'bfloat16' or 'float32'" if model.dtype == "float16" else ""
        raise NumericError(f"activations at layer {layer} are not finite in {model.dtype}{remedy}")
