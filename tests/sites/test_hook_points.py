"""The sites that an operation makes at the four hook points."""

import inspect

import attrs
import pytest
import torch
from attrs import frozen

from steerkit_core import Edit, option
from steerkit_core.testing import installed_registry
from steerkit_core.values import DirectionSet, Steering
from steerkit_sites import OPERATIONS
from steerkit_sites.block_site import BlockSite
from steerkit_sites.hook_points import HOOK_POINTS, at_every_hook_point

SITES = tuple(kind for kinds in OPERATIONS for kind in kinds)


@frozen(kw_only=True, slots=False)
class Halve(BlockSite):
    """Halve the component along the direction in {hook_point}."""

    reference = "nobody"
    share: float = option(0.5, help="what is taken away")

    def edit(self, steering, layer, direction):
        return Edit(layer, unit=direction.unit, gain=self.share, module=direction.module)


MADE = at_every_hook_point(Halve, spans={"mlp": "onward"}, references={"head": "somebody"})
ResidualHalve, AttentionHalve, MlpHalve, HeadHalve = MADE


def test_there_are_five_operations_at_four_hook_points():
    prefixes = ("residual", "attention", "mlp", "head")
    operations = ("add", "ablate", "clamp", "affine", "reflect")
    assert [kind.name for kind in SITES] == [f"{p}-{o}" for o in operations for p in prefixes]
    assert [kind().module for kind in SITES] == 5 * ["residual", "attention", "mlp", "heads"]


@pytest.mark.parametrize("kind", SITES)
def test_a_site_is_known_by_its_name_and_says_where_it_edits(kind):
    prefix, operation = kind.name.split("-")
    assert kind.__name__ == f"{prefix.title()}{operation.title()}"
    assert getattr(inspect.getmodule(kind), kind.__name__) is kind
    (phrase,) = (point.phrase for point in HOOK_POINTS if point.prefix == prefix)
    assert phrase in kind.__doc__.partition("\n")[0]
    assert "{" not in kind.__doc__


def test_a_new_operation_has_four_sites():
    assert [kind.name for kind in MADE] == ["residual-halve", "attention-halve", "mlp-halve", "head-halve"]
    for kind in MADE:
        assert kind.name in installed_registry(kind).entries["site"]
    assert MlpHalve.__doc__.startswith("Halve the component along the direction in the MLP output.\n\n")
    assert [kind().span for kind in MADE] == ["layer", "layer", "onward", "layer"]
    assert [kind.reference for kind in MADE] == ["nobody", "nobody", "nobody", "somebody"]
    assert [field.name for field in attrs.fields(HeadHalve)] == ["tokens", "share", "span", "heads"]


def test_a_new_operation_edits_at_its_hook_point():
    for kind in MADE:
        site = kind(share=0.25)
        raw = torch.ones(1, 2, 8)
        directions = DirectionSet.from_raw(raw, (-1,), (0, 1), site.module)
        edits = site.intervene(Steering(directions, 0, -1, 0.0, 2, (1.0, 1.0), num_heads=2)).edits
        layers = [0, 1] if kind is MlpHalve else [0]
        assert [(e.layer, e.gain, e.module) for e in edits] == [(n, 0.25, site.module) for n in layers]
