"""The recursion, against the formulas written out at full width, and against the authors' package."""

import warnings

import numpy as np
import pytest
import torch
from attrs import evolve

from steerkit_contrib_rfm.machine import Points, Settings, fit, largest_entry, median_distance
from steerkit_contrib_rfm.span import span
from steerkit_contrib_rfm.validation import area_under_curve, held_out, left_out, mean_squared_error


def drawn(n, width, seed):
    """Points of unequal scales, of which the class shifts a few coordinates; every fourth is tested on."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(n, width, generator=generator, dtype=torch.float64)
    points *= torch.logspace(0, 1, width, dtype=torch.float64)
    labels = (torch.arange(n) % 2).double()
    signal = width // 3
    points[:, signal] *= 4
    points[:, signal] += 3 * points[:, signal].std() * labels
    return points, labels, torch.arange(n) % 4 < 2


def ours(points, labels, tested, bandwidth, regularization, iterations, center, **options):
    """The direction in the full space, and the machine."""
    coordinates, basis = span(points)
    settings = Settings(
        torch.tensor([bandwidth], dtype=torch.float64),
        torch.tensor([regularization], dtype=torch.float64),
        iterations,
        center,
    )
    if tested is None:
        given = Points(coordinates, labels, basis)
    else:
        learnt = ~tested
        given = Points(coordinates[learnt], labels[learnt], basis, coordinates[tested], labels[tested])
    machine = fit(given, settings, **options)
    return basis @ machine.principal()[0], machine


def naive_iterates(points, labels, bandwidth, regularization, iterations, center):
    """Coefficients, metric before and metric after of every iteration, at full width, pair by pair."""
    metric = np.eye(points.shape[1])
    for _ in range(iterations):
        kernel = np.array([[naive_kernel(x, z, metric, bandwidth)[0] for z in points] for x in points])
        alpha = np.linalg.solve(kernel + regularization * np.eye(len(points)), labels)
        gradients = []
        for z in points:
            gradient = np.zeros(points.shape[1])
            for weight, x in zip(alpha, points, strict=True):
                value, distance = naive_kernel(x, z, metric, bandwidth)
                if distance >= 1e-10:
                    gradient -= weight * value * metric @ (z - x) / (bandwidth * distance)
            gradients.append(gradient)
        gradients = np.array(gradients)
        if center:
            gradients -= gradients.mean(axis=0)
        outer = gradients.T @ gradients
        following = outer / outer.max()
        yield alpha, metric, following
        metric = following


def naive_kernel(x, z, metric, bandwidth):
    difference = x - z
    distance = np.sqrt(max(difference @ metric @ difference, 0.0))
    return np.exp(-distance / bandwidth), distance


def naive_answers(alpha, metric, learnt, bandwidth, asked):
    return np.array(
        [
            sum(a * naive_kernel(x, z, metric, bandwidth)[0] for a, x in zip(alpha, learnt, strict=True))
            for z in asked
        ]
    )


def top(matrix):
    return np.linalg.eigh(matrix)[1][:, -1]


def cosine(one, other):
    return abs(float(np.asarray(one) @ np.asarray(other)))


# bandwidth in median distances, regularization, iterations, centred gradients
CASES = [
    pytest.param(1.0, 1e-3, 1, False, id="one machine"),
    pytest.param(1.0, 1e-3, 4, False, id="four"),
    pytest.param(0.3, 1e-2, 3, False, id="narrow"),
    pytest.param(10.0, 1e-1, 5, False, id="wide and smooth"),
    pytest.param(2.0, 1e-3, 4, True, id="centred"),
]


@pytest.mark.parametrize(("width", "seed"), [(12, 0), (60, 1)])
@pytest.mark.parametrize(("bandwidth", "regularization", "iterations", "center"), CASES)
def test_it_is_the_formula_at_full_width(width, seed, bandwidth, regularization, iterations, center):
    """More points than dimensions, and fewer; the best iterate is found by its error on tested points."""
    points, labels, tested = drawn(32, width, seed)
    learnt, bandwidth = points[~tested].numpy(), bandwidth * median_distance(points[~tested])
    truth = labels[tested].numpy()
    errors, metrics = [], []
    for alpha, before, after in naive_iterates(
        learnt, labels[~tested].numpy(), bandwidth, regularization, iterations, center
    ):
        answers = naive_answers(alpha, before, learnt, bandwidth, points[tested].numpy())
        errors.append(np.mean((answers - truth) ** 2))
        metrics.append(after)
    direction, machine = ours(points, labels, tested, bandwidth, regularization, iterations, center)
    assert machine.iteration == int(np.argmin(errors))
    assert machine.mse == pytest.approx(min(errors), rel=1e-9)
    assert cosine(direction, top(metrics[machine.iteration])) > 1 - 1e-9
    values = np.linalg.eigvalsh(metrics[machine.iteration])
    assert machine.principal()[1] == pytest.approx(1 - values[-2] / values[-1], abs=1e-9)


def test_later_iterates_are_among_the_best_of_these_cases():
    """Otherwise the recursion would hardly be tested."""
    found = []
    for case in CASES:
        factor, regularization, iterations, center = case.values
        for width, seed in [(12, 0), (60, 1)]:
            points, labels, tested = drawn(32, width, seed)
            bandwidth = factor * median_distance(points[~tested])
            found.append(
                ours(points, labels, tested, bandwidth, regularization, iterations, center)[1].iteration
            )
    assert max(found) >= 3, found
    assert sum(iteration > 0 for iteration in found) >= len(found) // 2, found


def xrfm_direction(points, labels, tested, bandwidth, regularization, iterations, center, kernel):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # reason: escapes in its docstrings, when it is first compiled
        from xrfm.rfm_src import RFM
    machine = RFM(kernel=kernel, bandwidth=bandwidth, device="cpu", tuning_metric="mse", verbose=False)
    # it fits one machine more than it counts
    machine.fit(
        (points[~tested], labels[~tested]),
        (points[tested], labels[tested]),
        iters=iterations - 1,
        reg=regularization,
        center_grads=center,
        early_stop_rfm=False,
        get_agop_best_model=True,
        verbose=False,
    )
    return top(machine.agop_best_model.numpy()), machine


@pytest.mark.parametrize("kernel", ["l2_high_dim", "laplace"])
@pytest.mark.parametrize(("n", "width"), [(32, 60), (60, 400)])
@pytest.mark.parametrize(("bandwidth", "regularization", "iterations", "center"), CASES)
def test_it_is_what_xrfm_finds_at_full_width(
    n, width, bandwidth, regularization, iterations, center, kernel
):
    points, labels, tested = drawn(n, width, seed=1)
    given = (bandwidth * median_distance(points[~tested]), regularization, iterations, center)
    theirs, machine = xrfm_direction(points, labels, tested, *given, kernel)
    direction, kept = ours(points, labels, tested, *given)
    assert machine.best_iter == kept.iteration
    assert cosine(direction, theirs) >= 0.999


@pytest.mark.parametrize("iteration", [0, 2])
def test_leaving_one_out_in_closed_form_is_leaving_one_out(iteration):
    """Under the Euclidean metric, and under a learnt one, which stays as it is."""
    points, labels, _ = drawn(14, 30, seed=3)
    bandwidth, regularization = median_distance(points), 1e-2
    iterates = naive_iterates(points.numpy(), labels.numpy(), bandwidth, regularization, 3, center=False)
    metric = [before for _, before, _ in iterates][iteration]
    answers = []
    for k in range(len(points)):
        rest = np.arange(len(points)) != k
        learnt = points.numpy()[rest]
        kernel = np.array([[naive_kernel(x, z, metric, bandwidth)[0] for z in learnt] for x in learnt])
        alpha = np.linalg.solve(kernel + regularization * np.eye(len(learnt)), labels.numpy()[rest])
        answers.append(naive_answers(alpha, metric, learnt, bandwidth, points.numpy()[[k]])[0])
    whole = np.array(
        [[naive_kernel(x, z, metric, bandwidth)[0] for z in points.numpy()] for x in points.numpy()]
    )
    inverse = torch.from_numpy(np.linalg.inv(whole + regularization * np.eye(len(points))))
    found = left_out(inverse, inverse @ labels, labels)
    torch.testing.assert_close(found, torch.tensor(answers), rtol=0, atol=1e-9)
    if iteration == 0:
        _, machine = ours(points, labels, None, bandwidth, regularization, 1, center=False)
        assert machine.mse == pytest.approx(np.mean((np.array(answers) - labels.numpy()) ** 2), rel=1e-9)


def test_a_basis_keeps_distances_and_needs_one_dimension_less_than_there_are_points():
    points, _, _ = drawn(9, 40, seed=0)
    coordinates, basis = span(points + 1000)
    assert coordinates.shape == (9, 8)
    torch.testing.assert_close(basis.T @ basis, torch.eye(8, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(torch.cdist(coordinates, coordinates), torch.cdist(points, points))
    assert span(points[:, :3])[0].shape == (9, 3)


def test_the_largest_entry_is_that_of_the_matrix_in_the_full_space():
    points, _, _ = drawn(9, 40, seed=0)
    _, basis = span(points)
    gradients = torch.randn(2, 9, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    full = [basis @ one.T @ one @ basis.T for one in gradients]
    torch.testing.assert_close(largest_entry(gradients, basis), torch.stack([one.max() for one in full]))


def test_settings_side_by_side_are_settings_one_by_one():
    points, labels, tested = drawn(32, 60, seed=1)
    coordinates, basis = span(points)
    given = Points(coordinates[~tested], labels[~tested], basis, coordinates[tested], labels[tested])
    widths = median_distance(points[~tested]) * torch.tensor([0.3, 1.0, 5.0], dtype=torch.float64)
    ridges = torch.tensor([1e-1, 1e-3, 1e-2], dtype=torch.float64)
    together = fit(given, Settings(widths, ridges, 4))
    apart = [fit(given, Settings(widths[[k]], ridges[[k]], 4)) for k in range(3)]
    best = min(range(3), key=lambda k: apart[k].mse)
    assert together.setting == best
    assert together.mse == pytest.approx(apart[best].mse, rel=1e-12)
    assert cosine(together.principal()[0], apart[best].principal()[0]) > 1 - 1e-12


def test_the_criterion_may_be_the_area_under_the_curve():
    points, labels, tested = drawn(60, 400, seed=1)
    coordinates, basis = span(points)
    given = Points(coordinates[~tested], labels[~tested], basis, coordinates[tested], labels[tested])
    widths = median_distance(points[~tested]) * torch.tensor([0.05, 1.0, 30.0], dtype=torch.float64)
    settings = Settings(widths, torch.full((3,), 1e-3, dtype=torch.float64), 4)
    ridge = settings.regularizations[:1]
    alone = [evolve(settings, bandwidths=widths[[k]], regularizations=ridge) for k in range(3)]
    aucs = [fit(given, one, by_auc=True).auc for one in alone]
    assert fit(given, settings, by_auc=True).auc == max(aucs)
    assert len(set(aucs)) > 1


def test_scores_are_those_of_scikit_learn():
    from sklearn.metrics import mean_squared_error as sklearn_mse
    from sklearn.metrics import roc_auc_score

    generator = torch.Generator().manual_seed(0)
    labels = (torch.arange(12) % 3 == 0).double()
    answers = (torch.randn(2, 12, generator=generator, dtype=torch.float64) * 3).round()  # with ties
    expected = [roc_auc_score(labels, one) for one in answers]
    assert area_under_curve(answers, labels).tolist() == pytest.approx(expected)
    expected = [sklearn_mse(labels, one) for one in answers]
    assert mean_squared_error(answers, labels).tolist() == pytest.approx(expected)


def test_a_share_of_either_class_is_held_out_and_pairs_stay_together():
    labels = torch.tensor([1.0] * 20 + [0.0] * 20)
    held = held_out(labels, 0.2, seed=0)
    assert int(held[:20].sum()) == 4
    assert torch.equal(held[:20], held[20:])
    assert torch.equal(held, held_out(labels, 0.2, seed=0))
    assert not torch.equal(held, held_out(labels, 0.2, seed=1))
    unequal = held_out(torch.tensor([1.0] * 30 + [0.0] * 3), 0.1, seed=0)
    assert (int(unequal[:30].sum()), int(unequal[30:].sum())) == (3, 1)


def test_prompts_that_are_the_same_have_no_direction_between_them():
    """A doubled point pulls at nothing; the formula leaves such pairs out."""
    points, labels, tested = drawn(24, 40, seed=5)
    points[4] = points[5]  # of different classes, both learnt from or both tested on
    points[8] = points[10]
    given = (median_distance(points[~tested]), 1e-2, 3, False)
    learnt = points[~tested].numpy()
    metrics = [after for _, _, after in naive_iterates(learnt, labels[~tested].numpy(), *given)]
    direction, machine = ours(points, labels, tested, *given)
    assert cosine(direction, top(metrics[machine.iteration])) > 1 - 1e-9


def test_nothing_is_learnt_where_every_gradient_vanishes():
    """All labels zero: so is the answer everywhere."""
    points, _, _ = drawn(12, 20, seed=0)
    coordinates, basis = span(points)
    one = torch.ones(1, dtype=torch.float64)
    assert fit(Points(coordinates, torch.zeros(12).double(), basis), Settings(one, one, 3)) is None


def test_a_kernel_that_rounding_leaves_singular_makes_no_machine():
    """A doubled point, and nothing to speak of on the diagonal; the other setting goes on."""
    points, labels, _ = drawn(12, 20, seed=0)
    points[4] = points[7]
    coordinates, basis = span(points)
    given = Points(coordinates, labels, basis)
    widths = torch.full((2,), median_distance(points), dtype=torch.float64)
    ridges = torch.tensor([1e-18, 1e-2], dtype=torch.float64)
    assert fit(given, Settings(widths[:1], ridges[:1], 3)) is None
    assert fit(given, Settings(widths, ridges, 3)).setting == 1


def test_a_large_common_offset_and_an_outlying_feature_cost_no_digits():
    """What residual streams look like: one feature a thousand times the others, far from the origin."""
    points, labels, tested = drawn(32, 60, seed=1)
    points[:, 11] *= 300
    points += 2000 * torch.randn(60, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    points = points.float().double()
    given = (median_distance(points[~tested]), 1e-2, 4, False)
    learnt = points[~tested].numpy()
    errors, metrics = [], []
    for alpha, before, after in naive_iterates(learnt, labels[~tested].numpy(), *given):
        answers = naive_answers(alpha, before, learnt, given[0], points[tested].numpy())
        errors.append(np.mean((answers - labels[tested].numpy()) ** 2))
        metrics.append(after)
    direction, machine = ours(points, labels, tested, *given)
    assert machine.mse == pytest.approx(min(errors), rel=1e-8)
    assert machine.iteration == int(np.argmin(errors))
    assert cosine(direction, top(metrics[machine.iteration])) > 1 - 1e-9
