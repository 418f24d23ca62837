"""Directions, and the activations that they are found in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import attrs
from attrs import field, frozen

from steerkit_core.display import html_table, spanned
from steerkit_core.errors import DegenerateDirection, MissingDirection
from steerkit_core.values.blocks import BlockModule
from steerkit_core.values.prompts import ContrastSet

if TYPE_CHECKING:
    from torch import Tensor


class Identified(Protocol):
    """A model that can say which it is."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Everything that determines its numbers."""

    @property
    def record(self) -> attrs.AttrsInstance:
        """What a file of directions says of it besides."""


@frozen(eq=False, repr=False)
class Direction:
    """A unit vector of what one module of a block gives, read at one layer and position.

    `unit` has shape (width,), float32; `raw_norm` is the length before normalising, in units of what was
    read. `residual_norm` is the mean length of the residual stream at the layer over the neutral prompts,
    None where nobody has measured it. `axes`, (number, width), are an orthonormal basis of the
    subspace that the direction was found with, which sites that remove it remove; None where there is none.
    """

    layer: int
    position: int
    unit: Tensor
    raw_norm: float
    module: BlockModule = "residual"
    residual_norm: float | None = None
    axes: Tensor | None = None

    @classmethod
    def from_raw(
        cls, vector: Tensor, layer: int, position: int = -1, module: BlockModule = "residual"
    ) -> Self:
        """Normalise a vector, (width,), that was found in another way than by an extractor.

        Raises:
            DegenerateDirection: its length is zero or not a number.
        """
        import torch

        raw = torch.as_tensor(vector).detach().cpu().reshape(1, 1, -1)
        found = DirectionSet.from_raw(raw, (position,), (layer,), module).at(layer, position)
        return cls(layer, position, found.unit, found.raw_norm, module)

    def __repr__(self) -> str:
        return (
            f"Direction(layer={self.layer}, position={self.position}, module={self.module!r},"
            f" width={self.unit.shape[-1]}, raw_norm={self.raw_norm:.4g})"
        )


@frozen(eq=False, repr=False)
class DirectionSet:
    """Directions for every (position, layer) that an extractor was asked for.

    `units` has shape (positions, layers, width), float32; `raw_norms` (positions, layers), float64.
    `positions` count from the end of the rendered prompt: -1 is its last token. `scores` holds further
    tables of shape (positions, layers) by name, such as a validation accuracy. `module` is what was read
    in the blocks; the width is the hidden size, and for `heads` that of all heads side by side.
    `residual_norms` has for every layer the mean length of the residual stream over the neutral prompts; it
    is empty where nobody has measured it, and needed for multipliers of unit `residual` alone. `axes`, of
    shape (positions, layers, number, width), float32, are orthonormal bases of subspaces in which the
    directions lie, where an extractor finds such.
    """

    positions: tuple[int, ...]
    layers: tuple[int, ...]
    units: Tensor
    raw_norms: Tensor
    scores: Mapping[str, Tensor] = field(factory=dict)
    module: BlockModule = "residual"
    residual_norms: tuple[float, ...] = ()
    axes: Tensor | None = None

    @classmethod
    def from_raw(
        cls,
        raw: Tensor,
        positions: tuple[int, ...],
        layers: tuple[int, ...],
        module: BlockModule = "residual",
    ) -> Self:
        """Normalise `raw`, of shape (positions, layers, width), vector by vector.

        A vector of length zero, or one that is not finite, stays as it is and is refused by `at`, so
        that one dead layer does not cost the others.
        """
        wide = raw.double()
        norms = wide.norm(dim=-1)
        units = wide / norms.clamp_min(1e-300).unsqueeze(-1)
        return cls(positions, layers, units.float(), norms, module=module)

    def at(self, layer: int, position: int | None = None) -> Direction:
        """The direction read at `layer` and `position`, which may be left out where there is but one.

        Raises:
            MissingDirection: the set has no such layer or position.
            DegenerateDirection: its length is zero or not a number.
        """
        if position is None:
            if len(self.positions) != 1:
                known = ", ".join(map(str, self.positions))
                raise MissingDirection(
                    f"directions at {len(self.positions)} positions, expected one to be named: {known}"
                )
            (position,) = self.positions
        if layer not in self.layers or position not in self.positions:
            known = f"layers {spanned(self.layers)}; positions {spanned(self.positions)}"
            raise MissingDirection(f"no direction at layer {layer}, position {position} ({known})")
        row, column = self.positions.index(position), self.layers.index(layer)
        norm = float(self.raw_norms[row, column])
        if not math.isfinite(norm) or norm == 0.0:
            raise DegenerateDirection(
                f"the direction at layer {layer}, position {position} has length {norm}: both prompt"
                " classes look the same there, or the activations overflowed; choose another layer or"
                " position, or a wider dtype"
            )
        stream = self.residual_norms[column] if self.residual_norms else None
        axes = None if self.axes is None else self.axes[row, column]
        return Direction(layer, position, self.units[row, column], norm, self.module, stream, axes)

    def __repr__(self) -> str:
        return (
            f"DirectionSet(layers {spanned(self.layers)}, positions {spanned(self.positions)},"
            f" module={self.module!r}, width={self.units.shape[-1]})"
        )

    def _repr_html_(self) -> str:
        """A notebook's view: the length before normalising, layer by layer."""
        rows = [
            [layer, *(f"{float(norm):.4g}" for norm in self.raw_norms[:, column])]
            for column, layer in enumerate(self.layers)
        ]
        heads = ["layer", *(f"raw norm at {position}" for position in self.positions)]
        return html_table(repr(self), heads, rows)

    def save(
        self,
        path: str | Path,
        *,
        model: Identified | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        """Write all of it to a safetensors file, bit for bit, for `load` and the extractor `transfer`.

        Args:
            path: the file; one that is there is replaced.
            model: the model that they were found in. A recipe takes directions whose model is not known
                only if it says so.
            facts: what else is known of them, as JSON can hold it, such as `extractor`.

        Raises:
            StoreError: it cannot be written.
        """
        from steerkit_core.files.directions import AXES, NORMS, SCORE, STREAM, UNITS, write_directions

        known = {} if model is None else {"model": model.identity, "record": attrs.asdict(model.record)}
        shape = {"positions": self.positions, "layers": self.layers, "module": self.module}
        tensors = {UNITS: self.units, NORMS: self.raw_norms}
        tensors |= {f"{SCORE}{name}": table for name, table in self.scores.items()}
        if self.axes is not None:
            tensors[AXES] = self.axes
        if self.residual_norms:
            tensors[STREAM] = self.raw_norms.new_tensor(self.residual_norms)
        write_directions(Path(path), tensors, {**known, **(facts or {}), **shape})

    @classmethod
    def load(cls, path: str | Path, key: str = "") -> Self:
        """The directions of a file that `save`, `steerkit export` or a run has written.

        Args:
            path: the file.
            key: the beginning of an extraction's key, where a run's file keeps several.

        Raises:
            StoreError: it is missing or damaged, holds no directions, or not exactly one set is meant.
        """
        from steerkit_core.files.directions import AXES, NORMS, SCORE, STREAM, UNITS, read_directions

        facts, tensors = read_directions(Path(path), key)
        scores = {name.removeprefix(SCORE): one for name, one in tensors.items() if name.startswith(SCORE)}
        positions, layers = tuple(facts["positions"]), tuple(facts["layers"])
        module = facts.get("module", "residual")
        stream = tuple(tensors[STREAM].tolist()) if STREAM in tensors else ()
        axes = tensors.get(AXES)
        return cls(positions, layers, tensors[UNITS], tensors[NORMS], scores, module, stream, axes)


@frozen(eq=False)
class ClassActivations:
    """What both classes' prompts give, token by token and layer by layer: what most extractors start from.

    `positive` and `negative` have shape (prompts, positions, layers, width), float32, on the CPU.
    """

    positions: tuple[int, ...]
    layers: tuple[int, ...]
    positive: Tensor
    negative: Tensor

    @classmethod
    def of(
        cls, found: Tensor, contrast: ContrastSet, positions: Sequence[int], layers: Sequence[int]
    ) -> Self:
        """Some layers of `found`, (prompts, positions, all layers, width), positive prompts first."""
        chosen, cut = found[:, :, list(layers)], len(contrast.positive)
        return cls(tuple(positions), tuple(layers), chosen[:cut], chosen[cut:])

    def at(self, layer: int, position: int) -> tuple[Tensor, Tensor]:
        """Both classes at one layer and position, each of shape (prompts, width)."""
        row, column = self.positions.index(position), self.layers.index(layer)
        return self.positive[:, row, column], self.negative[:, row, column]
