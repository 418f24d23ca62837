"""Do all ways to reach a model's tensors see the same ones?

The hooks backend is compared with nnsight at every hook point, and with the hidden states that
transformers reports at the output of every block. Each witness has its own forward pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from attrs import frozen

from steerkit_core.errors import ModelError
from steerkit_core.generation.edits import HookPoint
from steerkit_core.model.backends import Backend, Inputs, make_backend
from steerkit_core.results.manifest import ParityCheck
from steerkit_core.values import BLOCK_MODULES, BlockModule, Prompt

if TYPE_CHECKING:
    from torch import Tensor

    from steerkit_core.model.engine import Engine

Witness = Literal["nnsight", "transformers"]

# all witnesses run the same kernels on the same numbers, so that they mostly agree exactly
TOLERANCE = 1e-4


@frozen
class Agreement:
    """How far a witness is from the hooks backend at one hook point.

    `cosine` is the smallest over the tokens, `difference` the largest absolute one of any number, `scale`
    the largest absolute number that was read there.
    """

    witness: Witness
    point: HookPoint
    cosine: float
    difference: float
    scale: float

    def holds(self, tolerance: float) -> bool:
        """Whether cosine and difference stay within `tolerance`, the latter relative to the scale."""
        # a comparison with NaN is false, so that overflowed numbers agree with nothing
        return self.cosine >= 1 - tolerance and self.difference <= tolerance * self.scale


@frozen(kw_only=True)
class ParityPlace:
    """How far a witness is from the hooks backend at one hook point; see `Agreement`."""

    module: str
    layer: int
    witness: str
    cosine: float
    difference: float
    scale: float
    agrees: bool


@frozen(kw_only=True)
class ParityReport:
    """What `steerkit parity --json` prints: backends compared, hook point by hook point."""

    model: str
    tolerance: float
    agrees: bool
    places: tuple[ParityPlace, ...]


def parity_report(model: str, tolerance: float, found: Sequence[Agreement]) -> ParityReport:
    """The comparisons of a model, each held against a tolerance."""
    places = tuple(
        ParityPlace(
            module=agreement.point.module,
            layer=agreement.point.layer,
            witness=agreement.witness,
            cosine=agreement.cosine,
            difference=agreement.difference,
            scale=agreement.scale,
            agrees=agreement.holds(tolerance),
        )
        for agreement in found
    )
    agrees = all(place.agrees for place in places)
    return ParityReport(model=model, tolerance=tolerance, agrees=agrees, places=places)


def compare(
    model: Engine, prompt: Prompt, witnesses: Sequence[Witness], modules: Sequence[BlockModule]
) -> list[Agreement]:
    """What each witness says of one prompt, against the hooks backend, one hook point after another."""
    inputs = {"input_ids": torch.tensor([model.encode(prompt)], device=model.device), "use_cache": False}
    layers = range(model.num_layers)
    points = [HookPoint(layer, module) for layer in layers for module in modules]
    seen = _read(make_backend("hooks", model.model, model.adapter), inputs, points)
    found: list[Agreement] = []
    for witness in witnesses:
        if witness == "nnsight":
            other = _read(make_backend("nnsight", model.model, model.adapter), inputs, points)
            found += [_agreement(witness, point, seen[point], other[point]) for point in points]
        else:
            found += _against_states(model, inputs, [seen[HookPoint(layer)] for layer in layers])
    return found


def readable_modules(model: Engine) -> tuple[BlockModule, ...]:
    """All modules of a block, without the heads where they cannot be told apart."""
    try:
        _ = model.heads
    except ModelError:
        return tuple(module for module in BLOCK_MODULES if module != "heads")
    return BLOCK_MODULES


def check_parity(model: Engine, prompt: Prompt) -> ParityCheck | None:
    """The check of one prompt that every run keeps: the residual stream, at every layer.

    None for a remote model, which has no weights here to compare with.

    nnsight is a witness only where the run uses it, because importing and wrapping change the process and
    the model; see docs/decisions/0005-backends.md.
    """
    if model.spec.remote:
        return None
    witnesses: list[Witness] = ["transformers"]
    if model.backend.name == "nnsight":
        witnesses.append("nnsight")
    found = compare(model, prompt, witnesses, ("residual",))
    return ParityCheck(
        prompt=prompt.id,
        witnesses=tuple(sorted(witnesses)),
        cosine=_worst(min, [agreement.cosine for agreement in found]),
        difference=_worst(max, [agreement.difference / agreement.scale for agreement in found]),
        tolerance=TOLERANCE,
        agrees=all(agreement.holds(TOLERANCE) for agreement in found),
    )


@torch.inference_mode()
def _read(backend: Backend, inputs: Inputs, points: Sequence[HookPoint]) -> dict[HookPoint, Tensor]:
    """What a backend reads of one prompt, (tokens, width) at each hook point."""
    found: dict[HookPoint, Tensor] = {}

    def keep(point: HookPoint, tensor: Tensor) -> None:
        found[point] = tensor[0].clone()

    backend.observe(inputs, points, keep)
    return found


@torch.inference_mode()
def _against_states(model: Engine, inputs: Inputs, seen: Sequence[Tensor]) -> list[Agreement]:
    """Against transformers' hidden states, of which the last has gone through the final norm."""
    decoder = cast("Any", model.model).get_decoder()
    states = [state[0] for state in decoder(**inputs, output_hidden_states=True).hidden_states[1:]]
    last = len(seen) - 1
    found = [_agreement("transformers", HookPoint(at), seen[at], states[at]) for at in range(last)]
    ends = [seen[last], *(norm(seen[last]) for norm in _final_norms(model))]
    final = [_agreement("transformers", HookPoint(last), end, states[last]) for end in ends]
    return [*found, max(final, key=lambda agreement: (agreement.cosine, -agreement.difference))]


def _final_norms(model: Engine) -> list[Any]:
    """The norms of the decoder outside of its blocks that are as wide as the residual stream."""
    within = {id(module) for block in model.blocks for module in block.modules()}
    return [
        module
        for module in cast("Any", model.model).get_decoder().modules()
        if "norm" in type(module).__name__.lower()
        and id(module) not in within
        and getattr(module, "weight", torch.empty(0)).shape == (model.hidden_size,)
    ]


def _agreement(witness: Witness, point: HookPoint, seen: Tensor, other: Tensor) -> Agreement:
    one, two = seen.double(), other.double()
    # vectors of length zero on both sides agree
    cosines = torch.nn.functional.cosine_similarity(one, two, dim=-1, eps=1e-300)
    cosines[(one == two).all(dim=-1)] = 1.0
    difference = float((one - two).abs().max())
    return Agreement(witness, point, float(cosines.min()), difference, float(one.abs().max()) or 1.0)


def _worst(choose: Callable[[list[float]], float], numbers: list[float]) -> float | None:
    """The smallest or largest; None where one is not finite, which JSON has no word for."""
    return choose(numbers) if all(map(math.isfinite, numbers)) else None
