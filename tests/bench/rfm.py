"""Recursive feature machines: in the span of the prompts, at full width, and by the authors' package."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from attrs import frozen

from bench.report import Section

if TYPE_CHECKING:
    from torch import Tensor

HEADINGS = (
    "prompts", "hidden", "layers", "steerkit, all layers, s", "one layer, s", "full width, one layer, s",
    "xrfm, one layer, s", "least cosine",
)  # fmt: skip
# prompts, hidden size, layers: those of Qwen 2.5 0.5B and 7B
FULL = ((10, 896, 24), (64, 896, 24), (128, 896, 24), (10, 3584, 28), (128, 3584, 28), (256, 3584, 28))
SHORT = ((10, 64, 2), (48, 64, 2))
AIM = (128, 3584, 28)
SECONDS = 10


@frozen(eq=False)
class Given:
    """Stands for a model: random activations, (prompts, 1, layers, hidden), the first half of them positive."""

    activations: Tensor

    @classmethod
    def draw(cls, prompts: int, hidden: int, layers: int) -> Given:
        """Features of unequal scales, a few of which tell the classes apart."""
        import torch

        generator = torch.Generator().manual_seed(0)
        drawn = torch.randn(prompts, 1, layers, hidden, generator=generator)
        drawn[: prompts // 2, ..., :8] += 1.5
        return cls(drawn * torch.randn(hidden, generator=generator).exp())

    @property
    def contrast(self) -> Any:
        """As many prompts; what they say is not looked at."""
        from steerkit_core import ContrastSet, Prompt

        half = tuple(Prompt(str(k), "text") for k in range(len(self.activations) // 2))
        return ContrastSet("given", half, half)

    def class_activations(self, contrast: Any, positions: Any, module: Any, layers: Sequence[int]) -> Any:
        """What a model handle gives."""
        from steerkit_core import ClassActivations

        cut = len(contrast.positive)
        found = self.activations[:, :, list(layers)]
        return ClassActivations(tuple(positions), tuple(layers), found[:cut], found[cut:])


def rfm(sizes: Sequence[tuple[int, int, int]]) -> Section:
    """All layers by steerkit, the first layer by the others, with the same settings and held-out prompts."""
    rows, figures = [], []
    extracted(Given.draw(10, 8, 1), (0,))  # imports
    for prompts, hidden, layers in sizes:
        given = Given.draw(prompts, hidden, layers)
        whole, found = timed(lambda given=given, layers=layers: extracted(given, range(layers)))
        one, _ = timed(lambda given=given: extracted(given, range(1)))
        others: dict[str, tuple[float, float]] = {}
        for name, way in (("full width", full_width), ("xrfm", xrfm)):
            if name == "xrfm" and (held_in(given) is None or find_spec("xrfm") is None):
                continue  # it needs prompts that are held out
            seconds, direction = timed(lambda way=way, given=given: way(given))
            others[name] = (seconds, abs(float(direction.double() @ found[0].double())))
        aim = f" (aim: < {SECONDS})" if (prompts, hidden, layers) == AIM else ""
        beside = [
            f"{others[name][0]:,.2f} ({others[name][0] / one:,.0f} x)" if name in others else ""
            for name in ("full width", "xrfm")
        ]
        least = min(cosine for _, cosine in others.values())
        rows.append(
            (
                f"{prompts}",
                f"{hidden:,}",
                f"{layers}",
                f"{whole:.2f}{aim}",
                f"{one:.3f}",
                *beside,
                f"{least:.6f}",
            )
        )
        figures.append(
            {
                "prompts": prompts,
                "hidden": hidden,
                "layers": layers,
                "seconds": round(whole, 3),
                "seconds_of_a_layer": round(one, 4),
                "others": {name: {"seconds": round(s, 3), "cosine": c} for name, (s, c) in others.items()},
            }
        )
    notes = (
        (
            "the extractor's own work on given activations, by default options: 4 bandwidths x 3 regularizations x"
            " 5 iterations a layer, float64"
        ),
        (
            "full width: the same formulas with the metric as a hidden x hidden matrix, float64; xrfm: the authors'"
            " package in float32, its kernel `l2_high_dim`, given the same bandwidths, and a fifth of the prompts held"
            " out, which it needs and steerkit does from 40 prompts on; both with the eigenvector of the best metric"
        ),
        "least cosine: of steerkit's direction at the first layer with those of the others",
    )
    return Section("rfm", "Recursive feature machines", HEADINGS, rows, figures, notes)


def timed(task: Callable[[], Tensor]) -> tuple[float, Tensor]:
    """Seconds, and what came of it."""
    begun = time.monotonic()
    found = task()
    return time.monotonic() - begun, found


def extracted(given: Any, layers: Sequence[int]) -> Tensor:
    """Directions, (layers, hidden), through the extractor."""
    from steerkit_contrib_rfm import RecursiveFeatureMachine

    return RecursiveFeatureMachine().extract(given, given.contrast, layers).units[0]


def labels_of(given: Given) -> Tensor:
    """1 for the positive half."""
    import torch

    half = len(given.activations) // 2
    return torch.cat([torch.ones(half), torch.zeros(half)]).double()


def held_in(given: Given) -> Tensor | None:
    """Which prompts the extractor holds out; None where it leaves each out in turn."""
    from steerkit_contrib_rfm import RecursiveFeatureMachine

    return RecursiveFeatureMachine()._held(labels_of(given))


def grid(points: Tensor) -> list[tuple[float, float]]:
    """Bandwidths in units of the points, and regularizations, in the extractor's order."""
    import torch

    from steerkit_contrib_rfm import RecursiveFeatureMachine

    made = RecursiveFeatureMachine()
    median = float(torch.pdist(points).median())
    return [(width * median, ridge) for width in made.bandwidths for ridge in made.regularizations]


def full_width(given: Given) -> Tensor:
    """The formulas as they stand, at full width: the direction of the first layer."""
    import torch

    points, labels, held = given.activations[:, 0, 0].double(), labels_of(given), held_in(given)
    kept = slice(None) if held is None else ~held
    learnt, known = points[kept], labels[kept]
    best: tuple[float, Any] = (float("inf"), None)
    for width, ridge in grid(learnt):
        metric = torch.eye(points.shape[1], dtype=torch.float64)
        for _ in range(5):
            moved = learnt @ metric
            distances = lengths(learnt, moved, learnt, moved)
            kernel = torch.exp(-distances / width)
            inverse = torch.linalg.inv(kernel + ridge * torch.eye(len(known)))
            alpha = inverse @ known
            if held is None:
                error = (alpha / inverse.diagonal()).square().mean()
            else:
                tested = points[held]
                across = lengths(tested, tested @ metric, learnt, moved)
                error = (torch.exp(-across / width) @ alpha - labels[held]).square().mean()
            pull = (
                torch.where(distances < 1e-10, 0.0, kernel / (width * distances)).fill_diagonal_(0) * alpha
            )
            gradients = pull @ moved - pull.sum(dim=1, keepdim=True) * moved
            outer = gradients.T @ gradients
            metric = outer / outer.max()
            if float(error) < best[0]:
                best = (float(error), metric)
    return torch.linalg.eigh(best[1])[1][:, -1]


def lengths(one: Tensor, moved: Tensor, other: Tensor, other_moved: Tensor) -> Tensor:
    """Lengths of differences under a metric, of which `moved` are the products with the points."""
    squares = (one * moved).sum(dim=1)[:, None] + (other * other_moved).sum(dim=1) - 2 * moved @ other.T
    return squares.clamp_min(0).sqrt()


def xrfm(given: Given) -> Tensor:
    """The direction of the first layer by xrfm, in the dtype that it is used with."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from xrfm.rfm_src import RFM
        from xrfm.rfm_src.utils import get_top_eigenvector
    points, labels, held = given.activations[:, 0, 0], labels_of(given).float(), held_in(given)
    assert held is not None
    best: tuple[float, Any] = (float("inf"), None)
    for width, ridge in grid(points[~held]):
        machine = RFM(
            kernel="l2_high_dim", bandwidth=width, device="cpu", tuning_metric="mse", verbose=False
        )
        machine.fit(
            (points[~held], labels[~held]),
            (points[held], labels[held]),
            iters=4,  # it fits one machine more
            reg=ridge,
            early_stop_rfm=False,
            verbose=False,
        )
        error = float((machine.predict(points[held])[:, 0] - labels[held]).square().mean())
        if error < best[0]:
            best = (error, machine)
    with torch.random.fork_rng(devices=[]):
        return get_top_eigenvector(best[1].fit_M(points[~held], 1, inplace=False))
