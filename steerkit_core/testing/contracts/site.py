"""The contract of sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, get_args

import pytest
import torch

from steerkit_core.components import Site
from steerkit_core.interventions import apply_edit, compile_edits
from steerkit_core.testing.contracts.component import ComponentContract
from steerkit_core.testing.small_run import small_run
from steerkit_core.values import DirectionSet, Intervention, Steering, TokenSpan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

HIDDEN = 16
HEADS = 4
DEPTHS = (1, 2, 5)


class SiteContract(ComponentContract):
    """Edits at layers that exist, with vectors that fit, and none for a multiplier of zero."""

    component: ClassVar[type[Site]]

    def steering(self, layer: int, num_layers: int, multiplier: float = 3.0) -> Steering:
        """A way to steer a model of width 16 whose residual stream grows from layer to layer.

        The directions were read in the module that the site edits.
        """
        built: Site = self.build()
        raw = torch.randn(1, num_layers, HIDDEN, generator=torch.Generator().manual_seed(0))
        directions = DirectionSet.from_raw(raw, (-1,), tuple(range(num_layers)), built.module)
        norms = tuple(10.0 + place for place in range(num_layers))
        return Steering(directions, layer, -1, multiplier, num_layers, norms, HEADS)

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
        for steering in self.steerings():
            intervention = self.intervene(steering)
            added = [float(edit.add.double().norm()) for edit in intervention.edits if edit.add is not None]
            if intervention.strength is None:
                assert not any(added), f"strength is None, and {max(added)} is added"
            else:
                expected = pytest.approx(max(added, default=0.0), rel=1e-5)
                assert abs(intervention.strength) == expected, "strength is not the length of `add`"

    def test_the_same_steering_gives_the_same_edits(self) -> None:
        for steering in self.steerings():
            one, other = (edit_stream(self.intervene(steering), steering.num_layers) for _ in range(2))
            assert torch.equal(one, other), f"two interventions at layer {steering.layer} differ"

    def test_it_leaves_the_directions_as_they_were(self) -> None:
        for steering in self.steerings():
            before = steering.directions.units.clone()
            self.intervene(steering)
            assert torch.equal(steering.directions.units, before), "the directions were changed in place"

    def test_zero_leaves_the_stream_as_it_was(self) -> None:
        """Bit by bit; a site that takes no multiplier must not listen to one."""
        built: Site = self.build()
        for steering in self.steerings(multiplier=0.0):
            edited = edit_stream(self.intervene(steering), steering.num_layers)
            if built.takes_multiplier:
                assert torch.equal(edited, stream(steering.num_layers)), "a multiplier of 0 steers"
                continue
            other = self.steering(steering.layer, steering.num_layers, multiplier=7.0)
            assert torch.equal(edited, edit_stream(self.intervene(other), other.num_layers)), (
                "the site declares no option `multiplier` and steers by one"
            )

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
        assert {cell["site"] for cell in report["cells"]} == {self.component.name, None}


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
        )
        # a site edits one module, so that one tensor for each layer stands for whichever it is
        assert len({place.layer for place in compiled}) == len(compiled), "two modules of one layer"
        for place, edit in compiled.items():
            edited[place.layer] = apply_edit(edited[place.layer], edit)
    return edited
