"""The contract of extractors."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs
import pytest
import torch

from steerkit_core.components import Extractor, Position
from steerkit_core.errors import DegenerateDirection, SteerkitError
from steerkit_core.model.loaded_models import LoadedModels
from steerkit_core.recipe.direction_sources import RunSources
from steerkit_core.recipe.prompts import contrast_set
from steerkit_core.testing.contracts.component import ComponentContract
from steerkit_core.testing.installed import installed_adapters, installed_registry
from steerkit_core.testing.prompts import KitContrast
from steerkit_core.testing.small_run import small_run
from steerkit_core.testing.tiny import TinyModels, tiny_handle
from steerkit_core.values import ContrastSet, DirectionSet

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from steerkit_core.model.handle import ModelHandle


# a site that edits what the extractor reads, for every module
SITES = {
    "input": "residual-add",
    "residual": "residual-add",
    "attention": "attention-add",
    "mlp": "mlp-add",
    "heads": "head-add",
}


class ExtractorContract(ComponentContract):
    """Unit vectors of the right shape for every layer and position asked, and always the same.

    Set `signed = False` for an extractor whose directions do not point from the negative to the positive
    class, such as a random one; the model is a tiny one of `family`.
    """

    component: ClassVar[type[Extractor]]
    signed: ClassVar[bool] = True
    family: ClassVar[str] = "qwen2"
    sources: ClassVar[RunSources]

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> ModelHandle:
        """A tiny model of four layers."""
        return tiny_handle(cls.family, installed_adapters())

    @pytest.fixture
    def contrast(self) -> ContrastSet:
        """The kit's contrast set."""
        return contrast_set(KitContrast.name, KitContrast().prompts())

    @pytest.fixture
    def found(self, model: ModelHandle, contrast: ContrastSet) -> DirectionSet:
        """What the extractor says of all layers."""
        return self.extract(model, contrast)

    def extract(
        self, model: ModelHandle, contrast: ContrastSet, layers: tuple[int, ...] | None = None
    ) -> DirectionSet:
        """Call a newly built component; all layers unless some are named."""
        chosen = tuple(range(model.num_layers)) if layers is None else layers
        return self.ask(self.build(), model, contrast, chosen)

    def ask(
        self, built: Extractor, model: ModelHandle, contrast: ContrastSet, layers: tuple[int, ...]
    ) -> DirectionSet:
        """Call a component as a run does, with the installed plugins and tiny models as sources."""
        with self.sources as sources:
            return built.extract_with(model, contrast, layers, sources)

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _give_sources(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        registry = installed_registry(cls.component, [TinyModels(tmp_path_factory.mktemp("sources"))])
        cls.sources = RunSources(registry, LoadedModels(registry))

    def test_it_answers_for_every_layer_and_position(self, model: ModelHandle, found: DirectionSet) -> None:
        built: Extractor = self.build()
        assert found.positions == built.positions_in(model), (
            "the positions are not those that the extractor declares"
        )
        assert found.layers == tuple(range(model.num_layers)), (
            "the layers are not those that were asked for"
        )
        table = (len(found.positions), len(found.layers))
        width = model.width(found.module)
        assert found.units.shape == (*table, width), "units: (positions, layers, width)"
        assert found.module == built.module, "the directions were not read where the extractor says"
        assert found.raw_norms.shape == table, "raw_norms: (positions, layers)"
        for name, scores in found.scores.items():
            assert scores.shape == table, f"scores {name!r}: (positions, layers)"

    def test_units_are_float32_on_the_cpu(self, found: DirectionSet) -> None:
        assert found.units.dtype == torch.float32
        assert found.units.device.type == "cpu", "directions are kept in files; move them to the CPU"

    def test_units_are_finite_and_of_length_one(self, found: DirectionSet) -> None:
        assert bool(torch.isfinite(found.units).all()), "a direction is not finite"
        lengths = found.units.double().norm(dim=-1)
        assert bool((lengths - 1).abs().max() < 1e-5), f"lengths of the directions: {lengths.tolist()}"
        assert bool((torch.isfinite(found.raw_norms) & (found.raw_norms > 0)).all()), (
            "a raw norm is not > 0"
        )

    def test_a_layer_does_not_depend_on_the_others(
        self, model: ModelHandle, contrast: ContrastSet, found: DirectionSet
    ) -> None:
        some = self.extract(model, contrast, (1, model.num_layers - 1))
        assert some.layers == (1, model.num_layers - 1), "the layers are not those that were asked for"
        expected = found.units[:, [1, model.num_layers - 1]]
        torch.testing.assert_close(some.units, expected, rtol=0, atol=1e-5)

    def test_the_same_input_gives_the_same_directions(
        self, model: ModelHandle, contrast: ContrastSet
    ) -> None:
        """Whatever the global random state, which is left as it was."""
        with torch.random.fork_rng(devices=[]):
            answers: list[Tensor] = []
            for seed in (1, 2):
                torch.manual_seed(seed)
                before = torch.random.get_rng_state()
                answers.append(self.extract(model, contrast).units)
                assert torch.equal(torch.random.get_rng_state(), before), (
                    "the global random state was used; make a torch.Generator with a seed of its own"
                )
        assert torch.equal(*answers), "two extractions from the same prompts differ"

    def test_the_sign_points_from_negative_to_positive(
        self, model: ModelHandle, contrast: ContrastSet, found: DirectionSet
    ) -> None:
        self._needs_sign()
        classes = (contrast.positive, contrast.negative)
        positive, negative = (
            model.activations(prompts, found.positions, found.module).mean(dim=0) for prompts in classes
        )
        along = ((positive - negative) * found.units).sum(dim=-1)
        assert bool((along > 0).all()), (
            "along a direction the positive class must lie further than the negative one; positive minus"
            f" negative is {along.tolist()} (positions, layers)"
        )

    def test_swapping_the_classes_turns_it_round(
        self, model: ModelHandle, contrast: ContrastSet, found: DirectionSet
    ) -> None:
        self._needs_sign()
        swapped = ContrastSet("swapped", contrast.negative, contrast.positive)
        cosines = (self.extract(model, swapped).units * found.units).sum(dim=-1)
        assert bool((cosines < -0.9).all()), f"cosines with the swapped classes: {cosines.tolist()}"

    def test_classes_that_look_alike_give_no_nonsense(
        self, model: ModelHandle, contrast: ContrastSet
    ) -> None:
        """An error that explains, a direction that `at` refuses, or a unit vector; never NaN."""
        alike = ContrastSet("alike", contrast.positive, contrast.positive)
        try:
            found = self.extract(model, alike)
            for position in found.positions:
                unit = found.at(1, position).unit
                assert abs(float(unit.norm()) - 1) < 1e-5, "a direction that `at` gives has not length 1"
        except (DegenerateDirection, SteerkitError):
            pass

    def test_the_option_position_is_heeded(self, model: ModelHandle, contrast: ContrastSet) -> None:
        built = self.build()
        if "position" not in attrs.fields_dict(type(built)):
            return  # it reads no single position
        moved: Extractor = attrs.evolve(built, position=-2)
        assert self.ask(moved, model, contrast, (1,)).positions == (-2,), "asked for position -2"
        # an option of type `Position` may name several
        if attrs.fields_dict(attrs.resolve_types(type(built)))["position"].type == Position:
            several = self.ask(attrs.evolve(built, position=(-3, -1)), model, contrast, (1, 2))
            assert several.positions == (-3, -1), "asked for positions -3 and -1"
            alone = self.ask(attrs.evolve(built, position=-3), model, contrast, (1, 2))
            torch.testing.assert_close(several.units[0], alone.units[0], rtol=0, atol=1e-5)
            suffix = self.ask(attrs.evolve(built, position="suffix"), model, contrast, (1,))
            assert suffix.positions == tuple(range(-model.suffix_length, 0)), "asked for the suffix"

    def test_it_leaves_the_model_as_it_was(self, model: ModelHandle, contrast: ContrastSet) -> None:
        before = {name: tensor.clone() for name, tensor in model.model.state_dict().items()}
        hooked = _hooks(model)
        self.extract(model, contrast)
        for name, tensor in model.model.state_dict().items():
            assert torch.equal(tensor, before[name]), f"weight {name!r} was changed"
        assert not model.model.training, "the model was left in training mode"
        left = _hooks(model) - hooked
        assert not left, f"hooks were left on {sorted(name for name, _ in left)}"

    def test_a_recipe_can_use_it(self, folder: Path) -> None:
        table = {"use": self.component.name, **self.recipe_options()}
        built: Extractor = self.build()
        site = {"use": SITES[built.module], "multiplier": 2.0}
        report = small_run(folder, self.component, {"extractor": table, "site": site})
        assert {cell.extractor for cell in report.cells} == {self.component.name, None}

    def _needs_sign(self) -> None:
        if not self.signed:
            pytest.skip("until it is declared signed: its directions have no positive side")


def _hooks(model: ModelHandle) -> set[tuple[str, int]]:
    """Every hook, by the name of its module and its identity; transformers has some of its own."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    return {
        (name, id(hook))
        for name, module in model.model.named_modules()
        for kind in kinds
        for hook in getattr(module, kind).values()
    }
