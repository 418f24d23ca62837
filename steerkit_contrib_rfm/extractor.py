"""Extractor `rfm`: recursive feature machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from attrs import evolve, frozen

from steerkit_contrib_rfm.validation import held_count, held_out
from steerkit_core import (
    ContrastSet,
    DirectionSet,
    ReadingExtractor,
    SteerkitError,
    Within,
    not_empty,
    option,
)

if TYPE_CHECKING:
    from torch import Tensor

    from steerkit_core import Model

TABLES = ("validation_mse", "validation_auc", "bandwidth", "regularization", "iteration", "eigenvalue_gap")
# class means closer than this along the direction, in median distances, differ by rounding only; it is the
# raw norm there, so that the direction is kept
BLIND = 1e-9


@frozen(kw_only=True)
class RecursiveFeatureMachine(ReadingExtractor):
    """Direction in which a kernel machine's answer changes most, the kernel being learnt along with it.

    Kernel ridge regression with a Laplacian kernel tells the classes apart (labels 1 and 0); the average
    outer product of its gradients becomes the metric of the next one; the direction is the top eigenvector
    of that matrix. It finds directions of which the class means say nothing.

    Everything is computed in the at most n - 1 dimensions that n prompts span, in float64, which gives the
    same as the full width. Of all bandwidths, regularizations and iterations the machine is kept that does
    best on prompts that it was not fitted to: below `leave_one_out_below` prompts every one is left out in
    turn, with the metric as it is, which the labels of all prompts have shaped after the first iteration;
    from there on a seeded share of either class is held out.

    The sign is that of the correlation of projection and label. The raw norm is the distance of the two
    class means along the direction: adding the raw direction once moves the negative mean to where the
    positive one lies. Where the means say nothing, that is near zero and the sign is chance: remove the
    direction there, or add it in another unit. Where they agree to the last digit the direction is kept,
    with a raw norm of a billionth of the median distance, if the machine tells the classes apart; else
    there is none.
    """

    name: ClassVar[str] = "rfm"
    reference: ClassVar[str] = (
        "Radhakrishnan et al., Science 383, 2024; for steering Beaglehole et al., Science 391, 2026"
        " (arXiv:2502.03708)"
    )
    cost: ClassVar[str] = "one for each contrast prompt"

    bandwidths: tuple[float, ...] = option(
        (0.3, 1.0, 3.0, 10.0),
        help="widths of the kernel to try, in units of the median distance (Euclidean, not under the learnt"
        " metric) of two prompts that are learnt from, at the same layer and position",
        checks=[not_empty, Within(0.01)],
    )
    regularizations: tuple[float, ...] = option(
        (1e-3, 1e-2, 1e-1),
        help="what is added to the diagonal of the kernel matrix, to try; a prompt's kernel with"
        " itself is 1",
        checks=[not_empty, Within(1e-8)],
    )
    iterations: int = option(
        5,
        help="how many machines are fitted one after the other, the first under the Euclidean metric",
        checks=[Within(1)],
    )
    center_gradients: bool = option(
        False, help="subtract the mean gradient, which leaves only how the gradients differ"
    )
    criterion: Literal["mse", "auc"] = option(
        "mse",
        help="what the best machine is best in, on prompts it was not fitted to: squared error, or area"
        " under the ROC curve, squared error deciding ties",
    )
    leave_one_out_below: int = option(
        40,
        help="fewer prompts than this, both classes together, are left out one by one",
        checks=[Within(0)],
    )
    validation_share: float = option(
        0.2, help="share of either class that is held out otherwise", checks=[Within(0, 1, open=True)]
    )
    seed: int = option(0, help="of the choice of the prompts that are held out", checks=[Within(0)])

    def extract(self, model: Model, contrast: ContrastSet, layers: Sequence[int]) -> DirectionSet:
        """Read both classes in one pass, then fit machines layer by layer.

        `scores` has `validation_mse` and `validation_auc` of the machine that was kept, its `bandwidth` (in
        median distances), `regularization` and `iteration` (counted from 1), and the `eigenvalue_gap`:
        (first - second eigenvalue) / first. They are NaN where nothing could be learnt.

        Raises:
            SteerkitError: a class has fewer than two prompts, or none left when some are held out.
        """
        import torch

        self.check_prompts(contrast)
        labels = torch.tensor([1.0] * len(contrast.positive) + [0.0] * len(contrast.negative)).double()
        held = self._held(labels)
        positions = self.positions_in(model)
        read = model.class_activations(contrast, positions, self.module, layers)
        width = read.positive.shape[-1]
        raw = torch.zeros(len(positions), len(layers), width, dtype=torch.float64)
        tables = torch.full((len(TABLES), len(positions), len(layers)), float("nan"), dtype=torch.float64)
        for row, position in enumerate(positions):
            for column, layer in enumerate(layers):
                points = torch.cat(read.at(layer, position)).double()
                found = self._direction(points, labels, held)
                if found is not None:
                    raw[row, column], tables[:, row, column] = found
        made = DirectionSet.from_raw(raw, positions, tuple(layers), self.module)
        return evolve(made, scores=dict(zip(TABLES, tables, strict=True)))

    def check_prompts(self, contrast: ContrastSet) -> None:
        """Refuse a class of one prompt, and one of which all are held out."""
        positive, negative = contrast.sizes
        if min(positive, negative) < 2:
            raise SteerkitError(
                "rfm needs at least 2 prompts of each class, one to learn from and one to test on, got"
                f" {positive} positive and {negative} negative: add prompts"
            )
        if positive + negative < self.leave_one_out_below:
            return
        for word, size in (("positive", positive), ("negative", negative)):
            if held_count(self.validation_share, size) == size:
                raise SteerkitError(
                    f"rfm holds out {self.validation_share:g} of {size} {word} prompts, which leaves none"
                    " to learn from: set a smaller extractor.validation_share or add prompts"
                )

    def _held(self, labels: Tensor) -> Tensor | None:
        """Which prompts are held out, (n,) booleans; None where every one is left out in turn."""
        if len(labels) < self.leave_one_out_below:
            return None
        return held_out(labels, self.validation_share, self.seed)

    def _direction(
        self, points: Tensor, labels: Tensor, held: Tensor | None
    ) -> tuple[Tensor, Tensor] | None:
        """The raw direction, (width,), and its row of every table; None where nothing can be learnt."""
        import torch

        from steerkit_contrib_rfm.machine import Points, Settings, fit, median_distance
        from steerkit_contrib_rfm.span import span

        coordinates, basis = span(points)
        learnt = coordinates if held is None else coordinates[~held]
        scale = median_distance(learnt)
        if scale == 0.0:
            return None
        grid = [(width, ridge) for width in self.bandwidths for ridge in self.regularizations]
        widths, ridges = torch.tensor(grid, dtype=torch.float64).T
        settings = Settings(widths * scale, ridges, self.iterations, self.center_gradients)
        given = (
            Points(learnt, labels, basis)
            if held is None
            else Points(learnt, labels[~held], basis, coordinates[held], labels[held])
        )
        best = fit(given, settings, by_auc=self.criterion == "auc")
        if best is None:
            return None
        axis, gap = best.principal()
        means = [coordinates[labels == label].mean(dim=0) for label in (1, 0)]
        direction, apart = basis @ axis, float((means[0] - means[1]) @ axis)
        if abs(apart) <= BLIND * scale:
            # no sign is right, so that any does, but on every machine the same
            sign = float(direction[direction.abs().argmax()].sign())
            apart = sign * BLIND * scale if best.mse < _of_no_answer(labels, held) else 0.0
        chosen = grid[best.setting]
        row = torch.tensor([best.mse, best.auc, *chosen, best.iteration + 1, gap], dtype=torch.float64)
        return direction * apart, row


def _of_no_answer(labels: Tensor, held: Tensor | None) -> float:
    """The squared error, on the prompts that machines are tested on, of the same answer to all of them."""
    tested = labels if held is None else labels[held]
    return float(tested.var(correction=0))
