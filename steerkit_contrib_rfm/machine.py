"""The recursion: fit a kernel machine, take the outer product of its gradients as metric, and again.

All matrices are in the few dimensions that the points span; only the normaliser looks at the full width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from steerkit_contrib_rfm.validation import area_under_curve, left_out, mean_squared_error

if TYPE_CHECKING:
    from torch import Tensor

COINCIDENT = 1e-10  # pairs closer than this have no direction between them
# a squared distance is a difference of squared lengths, known to about 1e-16 of these
ROUNDING = 1e-14
# two scores closer than this differ by rounding only, and the earlier one is taken
TIE = 1e-9


@frozen(eq=False)
class Settings:
    """What is tried side by side. `bandwidths` and `regularizations` have shape (settings,), float64.

    Bandwidths are in units of the points. `iterations` is how many machines are fitted one after the other.
    """

    bandwidths: Tensor
    regularizations: Tensor
    iterations: int
    center_gradients: bool = False


@frozen(eq=False)
class Points:
    """Points to learn from and points to be tested on, in coordinates of their span.

    `learnt` has shape (n, r), `labels` (n,) with 0 and 1, `basis` (width, r) with orthonormal columns.
    Where `tested`, (m, r), is None every point is left out in turn.
    """

    learnt: Tensor
    labels: Tensor
    basis: Tensor
    tested: Tensor | None = None
    tested_labels: Tensor | None = None


@frozen(eq=False)
class Machine:
    """The best machine that was found: `setting` and `iteration` say which, counted from 0.

    `gradients` has shape (n, r). `mse` and `auc` were measured on points that it was not fitted to.
    """

    setting: int
    iteration: int
    mse: float
    auc: float
    gradients: Tensor

    def principal(self) -> tuple[Tensor, float]:
        """Top eigenvector of the average outer product of the gradients, (r,), and the gap below it.

        The gap is (first - second eigenvalue) / first: near 0 the direction is one of several as good.
        """
        import torch

        _, lengths, axes = torch.linalg.svd(self.gradients, full_matrices=False)
        second = float(lengths[1] / lengths[0]) if len(lengths) > 1 else 0.0
        return axes[0], 1 - second**2


def median_distance(points: Tensor) -> float:
    """Median length of the difference of two points, over all pairs; `points` has shape (n, r)."""
    import torch

    return float(torch.pdist(points).median())


def fit(points: Points, settings: Settings, *, by_auc: bool = False) -> Machine | None:
    """The best of all machines of all settings, by the score on points it was not fitted to.

    Iteration t fits f_t(z) = sum_i alpha_i exp(-|x_i - z|_M / bandwidth) under the metric M_t, where
    M_0 = I and M_{t+1} = G'G, with a row of G for the gradient of f_t at every x_j, divided by the largest
    entry of this matrix in the full space (Radhakrishnan et al., 2024; for activations Beaglehole et al.,
    2026). A machine is judged by f_t, and what is kept of it are its own gradients: M_0 has no direction.

    Args:
        points: what to learn from, and what to test on.
        settings: all are worked at side by side.
        by_auc: whether the area under the ROC curve decides before the squared error does.

    Returns:
        None where no machine has a gradient that is not zero.
    """
    import torch

    best: Machine | None = None
    metric: Tensor | None = None  # F with M = F'F, (settings, n, r); None for the identity
    for iteration in range(settings.iterations):
        predictions, gradients = _step(points, settings, metric)
        lengths = gradients.square().sum(dim=(-2, -1))
        moves = torch.isfinite(lengths) & (lengths > 0)
        labels = points.labels if points.tested_labels is None else points.tested_labels
        mse, auc = mean_squared_error(predictions, labels), area_under_curve(predictions, labels)
        for setting in moves.nonzero().flatten().tolist():
            made = Machine(
                setting, iteration, float(mse[setting]), float(auc[setting]), gradients[setting].clone()
            )
            if best is None or _better(made, best, by_auc=by_auc):
                best = made
        if iteration + 1 < settings.iterations:
            # where nothing moves, all distances become zero, and nothing moves any more
            scale = torch.where(moves, largest_entry(gradients, points.basis), 1.0)
            metric = torch.where(moves[:, None, None], gradients / scale.sqrt()[:, None, None], 0.0)
    return best


def _better(one: Machine, other: Machine, *, by_auc: bool) -> bool:
    if by_auc and abs(one.auc - other.auc) > TIE:
        return one.auc > other.auc
    return one.mse < other.mse * (1 - TIE)


def _step(points: Points, settings: Settings, metric: Tensor | None) -> tuple[Tensor, Tensor]:
    """Fit under a metric: answers for the tested points, (settings, m), and gradients, (settings, n, r)."""
    import torch

    bandwidths = settings.bandwidths[:, None, None]
    seen = _seen(points.learnt, metric)
    distances = _distances(seen, seen)
    distances.diagonal(dim1=-2, dim2=-1).zero_()
    kernel = torch.exp(-distances / bandwidths)
    ridge = settings.regularizations[:, None, None] * torch.eye(len(points.labels), dtype=kernel.dtype)
    # where a metric brings points together, rounding may leave a kernel that is not quite positive: no
    # machine is made of it
    factor, failed = torch.linalg.cholesky_ex(kernel + ridge)
    sound = (failed == 0)[:, None, None]
    inverse = torch.cholesky_inverse(torch.where(sound, factor, torch.eye(len(points.labels)).double()))
    alpha = inverse @ points.labels
    if points.tested is None:
        predictions = left_out(inverse, alpha, points.labels)
    else:
        across = _distances(_seen(points.tested, metric), seen)
        predictions = (torch.exp(-across / bandwidths) @ alpha.unsqueeze(-1)).squeeze(-1)
    steepness = torch.where(distances >= COINCIDENT, kernel / (bandwidths * distances), 0.0)
    gradients = _gradients(points.learnt if metric is None else seen @ metric, steepness, alpha)
    if settings.center_gradients:
        gradients = gradients - gradients.mean(dim=-2, keepdim=True)
    return predictions, torch.where(sound, gradients, 0.0)


def _seen(points: Tensor, metric: Tensor | None) -> Tensor:
    """Points with their distances under the metric, (settings, points, n); (1, points, r) without one."""
    return points.unsqueeze(0) if metric is None else points @ metric.mT


def _distances(one: Tensor, other: Tensor) -> Tensor:
    """Lengths of all differences, (settings, n, m); zero where rounding leaves nothing of them."""
    import torch

    lengths = one.square().sum(dim=-1)[..., :, None] + other.square().sum(dim=-1)[..., None, :]
    squares = lengths - 2 * one @ other.mT
    return torch.where(squares > ROUNDING * lengths, squares, 0.0).sqrt()


def _gradients(moved: Tensor, steepness: Tensor, alpha: Tensor) -> Tensor:
    """Gradients of f at its own points, (settings, n, r).

    At x_j the gradient is sum_i alpha_i s_ij M (x_i - x_j), with s_ij the kernel over bandwidth times
    distance.

    Args:
        moved: the rows M x_i, (n, r) or (settings, n, r).
        steepness: s, (settings, n, n), symmetric.
        alpha: (settings, n).
    """
    pull = steepness * alpha.unsqueeze(-2)
    return pull @ moved - pull.sum(dim=-1, keepdim=True) * moved


def largest_entry(gradients: Tensor, basis: Tensor) -> Tensor:
    """The largest entry of G'G in the full space, (settings,).

    The largest entry of a positive semidefinite matrix stands on its diagonal, and the diagonal of
    Q (G'G) Q' has the squared lengths of the columns of G Q'.

    Args:
        gradients: G, (settings, n, r).
        basis: Q, (width, r).
    """
    import torch

    # one setting after the other, so that memory holds one matrix of the full width
    return torch.stack([(one @ basis.T).square_().sum(dim=0).max() for one in gradients])
