"""The solver on a problem whose every step is known, and on a small style transfer."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.losses import ContentLoss, StyleLoss, TotalVariation
from nst_tf.objective import Objective, StyleImage
from nst_tf.optim import LBFGS, ScipyLBFGSB, TorchLBFGS
from nst_tf.optim.loop import Diverged, Solver
from nst_tf.optim.step import CompiledSteps
from nst_tf.statistics import Gram

SIZE = 5 * 4 * 3


class PixelsAsFeatures:
    """An extractor that shows the image itself: the content loss is a paraboloid around the content."""

    @property
    def bordered(self) -> PixelsAsFeatures:
        return self

    def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"pixels": image}


PIXELS = PixelsAsFeatures()  # one, so that compiled steps fit


def paraboloid(content: np.ndarray, weight: float = 1.0, distance=None, extractor=PIXELS):
    """weight * mean((x - content)^2), or with another distance."""
    term = ContentLoss({"pixels": 1.0}, weight, *([distance] if distance else []))
    return Objective(extractor, term).bind(content, [])


def sgd(factor: float) -> keras.optimizers.Optimizer:
    """The gradient is 2 (x - p) / SIZE: this learning rate takes x - p to ``factor`` times x - p."""
    return keras.optimizers.SGD(float((1 - factor) * SIZE / 2))


@pytest.fixture
def small_transfer(small_extractor, random):
    """A style transfer at 32 x 24 with three parts, and the content to start from."""
    content, style = random.uniform(0, 1, (2, 32, 24, 3)).astype(np.float32)
    objective = Objective(
        small_extractor,
        ContentLoss({"block2_conv2": 1.0}, 0.01),
        StyleLoss({"block1_conv1": 0.5, "block2_conv1": 0.5}, 10.0, Gram(1, 1)),
        TotalVariation(1.0),
    )
    return objective.bind(content, [StyleImage(style)]), content


def test_each_report_is_the_loss_before_its_update(content, start):
    solver = Solver(sgd(0.9))
    solver.enter(start, paraboloid(content))
    reports = list(solver.steps(30))
    first = np.mean((start - content) ** 2, dtype=np.float64)
    assert [report.loss for report in reports] == pytest.approx(
        [first * 0.9 ** (2 * k) for k in range(30)], rel=1e-4
    )
    assert [report.step for report in reports] == list(range(30))
    assert solver.step == 30
    np.testing.assert_allclose(solver.last_image, content + 0.9**30 * (start - content), atol=1e-6)


def test_the_first_report_is_the_loss_of_the_start_and_the_parts_sum_to_it(small_transfer):
    bound, content = small_transfer
    solver = Solver(LBFGS())
    solver.enter(content, bound)
    expected, parts = solver.loss_of(content)
    reports = list(solver.steps(3))
    assert reports[0].loss == pytest.approx(expected, rel=1e-5)
    assert reports[0].parts == pytest.approx(parts, rel=1e-5)
    assert float(bound.value_and_gradient(tf.constant(content[np.newaxis]))[0]) == pytest.approx(
        expected, rel=1e-5
    )
    for report in reports:
        assert tuple(report.parts) == (
            "content/block2_conv2",
            "style/block1_conv1",
            "style/block2_conv1",
            "smoothness",
        )
        assert sum(report.parts.values()) == pytest.approx(report.loss, rel=1e-5)
        assert report.size == 32
    assert reports[0].parts["content/block2_conv2"] == 0
    seconds = [report.seconds for report in reports]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0


def test_further_steps_and_new_weights_and_targets_compile_nothing(content, start):
    solver = Solver(sgd(0.9))
    solver.enter(start, paraboloid(content))
    list(solver.steps(1))
    assert solver.traces == 1
    list(solver.steps(17, reports_every=4))
    assert solver.traces == 1
    other = paraboloid(start, weight=3.0)
    solver.bound = dataclasses.replace(solver.bound, targets=other.targets, weights=other.weights)
    before = solver.last_image
    (report,) = solver.steps(1)
    assert report.loss == pytest.approx(3 * np.mean((before - start) ** 2), rel=1e-5)
    assert solver.traces == 1


@pytest.mark.parametrize("make", [lambda: sgd(0.8), lambda: keras.optimizers.Adam(0.05), LBFGS, TorchLBFGS])
def test_reports_do_not_depend_on_how_steps_are_chunked(content, start, make):
    compiled = CompiledSteps()

    def losses(*runs: tuple[int, int | None]) -> list[float]:
        solver = Solver(make(), compiled_steps=compiled)
        solver.enter(start, paraboloid(content))
        found = [report.loss for count, every in runs for report in solver.steps(count, every)]
        solver.close()
        return found

    whole = losses((24, None))
    assert len(whole) == 24
    assert losses((24, 1)) == whole
    assert losses((24, 7)) == whole
    assert losses((9, None), (1, None), (14, 5)) == whole


def test_a_call_never_crosses_a_multiple_of_reports_every(content, start):
    solver = Solver(sgd(0.9), keep_best=False)
    solver.enter(start, paraboloid(content))
    list(solver.steps(3))  # so that the count does not begin at a multiple
    for report in solver.steps(32, reports_every=10):
        if (report.step + 1) % 10 == 0:
            # the caller who looks now sees the image after 10, 20 and 30 updates exactly
            expected = content + 0.9 ** (report.step + 1) * (start - content)
            np.testing.assert_allclose(solver.image, expected, atol=1e-6)


def test_a_schedule_of_the_learning_rate_survives_the_rebuilding(content, start):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1 * SIZE / 2, decay_steps=1, decay_rate=0.5)
    solver = Solver(keras.optimizers.SGD(schedule))
    solver.enter(start, paraboloid(content))
    losses = [report.loss for report in solver.steps(6)]
    factors = np.cumprod([1.0] + [1 - 0.1 * 0.5**k for k in range(5)])
    assert losses == pytest.approx(np.mean((start - content) ** 2) * factors**2, rel=1e-4)


def test_the_best_image_is_kept_or_the_last_as_chosen(content, start):
    # every step multiplies the distance by -1.5: the start is the best
    solver = Solver(sgd(-1.5), clip=False)
    solver.enter(start, paraboloid(content))
    losses = [report.loss for report in solver.steps(6)]
    assert losses == sorted(losses)
    assert solver.best_loss == losses[0]
    np.testing.assert_array_equal(solver.image, start)
    last = Solver(sgd(-1.5), clip=False, keep_best=False)
    last.enter(start, paraboloid(content))
    list(last.steps(6))
    np.testing.assert_allclose(last.image, content + 1.5**6 * (start - content), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(last.best_image, start)


def test_the_best_image_in_the_middle_is_that_of_the_lowest_report(content, start):
    # falls by 0.5 while the rate is small, then grows: the rate doubles every two steps
    schedule = keras.optimizers.schedules.ExponentialDecay(0.25 * SIZE, 2, 2.0, staircase=True)
    solver = Solver(keras.optimizers.SGD(schedule), clip=False)
    solver.enter(start, paraboloid(content))
    reports = list(solver.steps(9))
    best = min(reports, key=lambda report: report.loss)
    assert 0 < best.step < 8
    assert solver.best_loss == best.loss
    assert solver.loss_of(solver.image)[0] == pytest.approx(best.loss, rel=1e-5)


@pytest.mark.parametrize("clip", [True, False])
def test_clipping_keeps_every_image_within_zero_and_one(content, start, clip):
    solver = Solver(sgd(-3.0), clip=clip, keep_best=False)
    solver.enter(1.5 * start, paraboloid(content))
    highest = [np.max(np.abs(solver.image - 0.5))]
    highest += [np.max(np.abs(solver.image - 0.5)) for _ in solver.steps(4, reports_every=1)]
    assert all(value <= 0.5 for value in highest) if clip else all(value > 0.5 for value in highest)


@pytest.mark.parametrize(
    "make",
    [lambda: keras.optimizers.SGD(1e30), lambda: keras.optimizers.Adam(1e38), lambda: TorchLBFGS(1e38)],
)
def test_an_absurd_learning_rate_is_a_divergence(content, start, make):
    solver = Solver(make(), clip=False)
    solver.enter(start, paraboloid(content))
    seen = []
    with pytest.raises(Diverged, match=r"the loss is (inf|nan) after \d+ steps?"):
        seen.extend(solver.steps(50))
    assert all(np.isfinite(report.loss) for report in seen)
    np.testing.assert_array_equal(solver.image, start)


def test_a_start_without_a_finite_loss_is_a_divergence_for_every_optimizer(content, start):
    nowhere = lambda generated, _: tf.reduce_sum(generated) * np.nan  # noqa: E731
    for optimizer in (LBFGS(), sgd(0.9)):
        solver = Solver(optimizer)
        solver.enter(start, paraboloid(content, 1.0, nowhere))
        with pytest.raises(Diverged, match="nan after 0 steps"):
            list(solver.steps(5))
        np.testing.assert_array_equal(solver.image, start)


def test_a_bad_trial_of_a_line_search_is_no_divergence(content, start):
    def walled(generated, target):
        loss = tf.reduce_mean((generated - target) ** 2)
        return tf.where(tf.reduce_max(generated) > np.max(start) + 1e-3, np.nan, loss)

    solver = Solver(LBFGS(first_step=0.5))
    solver.enter(start, paraboloid(np.ones_like(content), 1.0, walled))  # white is behind the wall
    losses = [report.loss for report in solver.steps(40)]
    assert np.isnan(losses).any()
    assert np.isfinite(solver.best_loss)
    assert solver.best_loss < losses[0]
    assert solver.loss_of(solver.image)[0] == pytest.approx(solver.best_loss, rel=1e-5)


@pytest.mark.parametrize(
    "optimizer",
    [
        LBFGS(),
        ScipyLBFGSB(lower=0.0, upper=1.0),
        TorchLBFGS(),
        keras.optimizers.Adam(0.02, beta_1=0.99, epsilon=0.1),
        keras.optimizers.SGD(1e-4),
    ],
    ids=["lbfgs", "lbfgs_scipy", "lbfgs_torch", "adam", "sgd"],
)
def test_the_loss_of_a_small_transfer_falls_and_the_image_stays_a_picture(small_transfer, optimizer):
    bound, content = small_transfer
    solver = Solver(optimizer)
    solver.enter(content, bound)
    losses = [report.loss for report in solver.steps(12)]
    solver.close()
    assert solver.traces == 1
    assert solver.best_loss < 0.9 * losses[0]
    assert solver.loss_of(solver.image)[0] == pytest.approx(solver.best_loss, rel=1e-4)
    for image in (solver.image, solver.last_image):
        assert image.shape == (32, 24, 3)
        assert image.dtype == np.float32
        assert image.min() >= 0
        assert image.max() <= 1


@pytest.mark.parametrize("optimizer", [LBFGS(), keras.optimizers.Adam(0.05)], ids=["lbfgs", "adam"])
def test_a_second_size_begins_anew_and_counts_on(random, optimizer):
    solver = Solver(optimizer)
    for index, shape in enumerate([(5, 4, 3), (9, 8, 3), (5, 4, 3)]):
        start, content = random.uniform(0, 1, (2, *shape)).astype(np.float32)
        solver.enter(start, paraboloid(content, extractor=PixelsAsFeatures()))
        assert solver.best_loss == np.inf
        reports = list(solver.steps(4))
        assert [report.step for report in reports] == [4 * index + k for k in range(4)]
        assert {report.size for report in reports} == {max(shape)}
        assert reports[0].loss == pytest.approx(np.mean((start - content) ** 2), rel=1e-5)
        assert solver.best_loss < reports[0].loss
        assert solver.traces == index + 1
    # nothing of the first size is left in the optimizer that is handed in
    assert int(optimizer.iterations.numpy()) == 0


def test_the_result_is_the_candidate_with_the_lowest_finite_loss(content, start):
    solver = Solver(LBFGS())
    solver.enter(start, paraboloid(content, weight=2.0))
    broken = np.full_like(start, np.nan)
    image, loss, parts = solver.result((broken, start, content + 0.01, start))
    np.testing.assert_array_equal(image, content + 0.01)
    assert loss == pytest.approx(2e-4, rel=1e-3)
    assert parts == {"content/pixels": pytest.approx(2e-4, rel=1e-3)}


def test_after_a_good_enough_candidate_the_others_are_not_scored(content, start):
    solver = Solver(LBFGS())
    solver.enter(start, paraboloid(content, weight=2.0))
    near, nearer = content + 0.02, content + 0.01  # losses 8e-4 and 2e-4
    np.testing.assert_array_equal(solver.result((near, nearer), good_enough=1e-3)[0], near)
    np.testing.assert_array_equal(solver.result((near, nearer), good_enough=5e-4)[0], nearer)
    np.testing.assert_array_equal(solver.result((nearer, near), good_enough=1e-5)[0], nearer)
