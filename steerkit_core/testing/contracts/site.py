"""The contract of sites."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, get_args

import pytest
import torch

from steerkit_core.components import Site
from steerkit_core.generation.batch_edits import compile_edits
from steerkit_core.generation.edits import apply_edit
from steerkit_core.testing.contracts.component import ComponentContract
from steerkit_core.testing.small_run import small_run
from steerkit_core.values import ClassActivations, DirectionSet, Edit, Intervention, Steering, TokenSpan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

HIDDEN = 16
HEADS = 4
DEPTHS = (1, 2, 5)
SUFFIX = 2


class SiteContract(ComponentContract):
    """Edits at layers that exist, with vectors that fit, and none where the site calls itself neutral."""

    component: ClassVar[type[Site]]

    def steering(self, layer: int, num_layers: int, multiplier: float = 3.0) -> Steering:
        """A way to steer a model of width 16 whose residual stream grows from layer to layer.

        The directions were read in the module that the site edits; they are the differences of the class
        means.
        """
        built: Site = self.build()
        raw = torch.randn(1, num_layers, HIDDEN, generator=torch.Generator().manual_seed(0))
        directions = DirectionSet.from_raw(raw, (-1,), tuple(range(num_layers)), built.module)
        norms = tuple(10.0 + place for place in range(num_layers))
        negative = torch.randn(3, 1, num_layers, HIDDEN, generator=torch.Generator().manual_seed(2))
        classes = ClassActivations((-1,), directions.layers, negative + raw, negative)
        return Steering(
            directions, layer, -1, multiplier, num_layers, norms, HEADS, classes=lambda: classes
        )

    def steerings(self, multiplier: float = 3.0) -> Iterator[Steering]:
        """Every layer of models of several depths."""
        for num_layers in DEPTHS:
            for layer in range(num_layers):
                yield self.steering(layer, num_layers, multiplier)

    def intervene(self, steering: Steering) -> Intervention:
        """Call a newly built component."""
        built: Site = self.build()
        return built.intervene(steering)

    def test_it_edits_layers_that_exist(self) -> None:
        for steering in self.steerings():
            for edit in self.intervene(steering).edits:
                assert 0 <= edit.layer < steering.num_layers, (
                    f"an edit at layer {edit.layer} of a model of {steering.num_layers} layers"
                )

    def test_its_vectors_fit_and_are_finite(self) -> None:
        for steering in self.steerings():
            for edit in self.intervene(steering).edits:
                for vector in (edit.add, edit.unit):
                    if vector is not None:
                        assert vector.shape == (HIDDEN,), f"a vector of shape {tuple(vector.shape)}"
                        assert bool(torch.isfinite(vector).all()), "a vector is not finite"
                if edit.unit is not None:
                    length = float(edit.unit.double().norm())
                    assert abs(length - 1) < 1e-5, f"`unit` of an edit has length {length}, expected 1"
                assert abs(edit.gain) < float("inf"), f"the gain is {edit.gain}"

    def test_its_edits_can_be_compiled(self) -> None:
        """Among others, no two projections at one layer."""
        for steering in self.steerings():
            intervention = self.intervene(steering)
            assert intervention.tokens in get_args(TokenSpan), f"tokens is {intervention.tokens!r}"
            edit_stream(intervention, steering.num_layers)

    def test_its_strength_is_the_length_of_what_it_adds(self) -> None:
        """Of edits that set the projection it may be another length, or none."""
        for steering in self.steerings():
            intervention = self.intervene(steering)
            edits, strength = intervention.edits, intervention.strength
            added = [_length(edit) for edit in edits if not edit.gain]
            if strength is None:
                assert not any(added), f"strength is None, and {max(added)} is added"
            elif any(added) or not any(map(_length, edits)):
                expected = pytest.approx(max(added, default=0.0), rel=1e-5)
                assert abs(strength) == expected, "strength is not the length of `add`"
            assert strength is None or math.isfinite(strength), f"strength is {strength}"
            layer = intervention.strength_layer
            assert layer is None or 0 <= layer < steering.num_layers, f"strength_layer is {layer}"

    def test_its_condition_can_be_read(self) -> None:
        for steering in self.steerings():
            condition = self.intervene(steering).condition
            if condition is None:
                return
            assert 0 <= condition.layer < steering.num_layers, f"a condition at layer {condition.layer}"
            assert condition.position < 0, f"a condition at position {condition.position}, expected below 0"
            assert condition.unit.shape == (HIDDEN,), f"a vector of shape {tuple(condition.unit.shape)}"
            length = float(condition.unit.double().norm())
            assert abs(length - 1) < 1e-5, f"`unit` of a condition has length {length}, expected 1"
            assert math.isfinite(condition.threshold), f"the threshold is {condition.threshold}"
            assert condition.holds(math.inf) != condition.holds(-math.inf), f"when is {condition.when!r}"

    def test_the_same_steering_gives_the_same_edits(self) -> None:
        for steering in self.steerings():
            one, other = (edit_stream(self.intervene(steering), steering.num_layers) for _ in range(2))
            assert torch.equal(one, other), f"two interventions at layer {steering.layer} differ"

    def test_it_leaves_the_directions_as_they_were(self) -> None:
        for steering in self.steerings():
            before = steering.directions.units.clone()
            self.intervene(steering)
            assert torch.equal(steering.directions.units, before), "the directions were changed in place"

    def test_its_neutral_multiplier_leaves_the_stream_as_it_was(self) -> None:
        """Bit by bit. `neutral_multiplier` is 0 unless the site says another, or None for none at all."""
        built: Site = self.build()
        neutral = built.neutral_multiplier
        if not built.takes_multiplier or neutral is None:
            return
        for steering in self.steerings(multiplier=neutral):
            edited = edit_stream(self.intervene(steering), steering.num_layers)
            assert torch.equal(edited, stream(steering.num_layers)), f"a multiplier of {neutral:g} steers"

    def test_it_steers_by_its_multiplier_or_by_none(self) -> None:
        built: Site = self.build()
        for steering in self.steerings(multiplier=3.0):
            other = self.steering(steering.layer, steering.num_layers, multiplier=7.0)
            one, two = (edit_stream(self.intervene(way), way.num_layers) for way in (steering, other))
            if built.takes_multiplier:
                assert not torch.equal(one, two), "multipliers of 3 and of 7 steer alike"
            else:
                assert torch.equal(one, two), "the site takes no multiplier and steers by one"

    def test_it_steers(self) -> None:
        for steering in self.steerings():
            edited = edit_stream(self.intervene(steering), steering.num_layers)
            assert not torch.equal(edited, stream(steering.num_layers)), (
                f"steering at layer {steering.layer} of {steering.num_layers} changes nothing"
            )

    def test_a_recipe_can_use_it(self, folder: Path) -> None:
        table = {"use": self.component.name, **self.recipe_options()}
        built: Site = self.build()
        extractor = {"use": "dim", "module": built.module}
        report = small_run(folder, self.component, {"site": table, "extractor": extractor})
        assert {cell.site for cell in report.cells} == {self.component.name, None}


def _length(edit: Edit) -> float:
    """How long what an edit adds is."""
    return 0.0 if edit.add is None else float(edit.add.double().norm())


def stream(num_layers: int) -> Tensor:
    """A residual stream of shape (layers, rows, tokens, hidden), the same every time."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(num_layers, 1, 3, HIDDEN, generator=generator)


def edit_stream(intervention: Intervention, num_layers: int) -> Tensor:
    """`stream`, edited layer by layer as the engine would while it reads the prompt and while it writes."""
    edited = stream(num_layers)
    for phase in ("prompt", "generated"):
        compiled = compile_edits(
            [intervention],
            phase,
            width=lambda _module: HIDDEN,
            dtype=torch.float32,
            device=torch.device("cpu"),
            suffix=lambda: SUFFIX,
        )
        # a site edits one module, so that one tensor for each layer stands for whichever it is
        assert len({place.layer for place in compiled}) == len(compiled), "two modules of one layer"
        for place, edit in compiled.items():
            edited[place.layer] = apply_edit(edited[place.layer], edit)
    return edited
