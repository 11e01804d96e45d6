"""What happens when a run goes wrong: back to the best image with a smaller step, three times."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_solver import SIZE, paraboloid

from nst_tf.optim import LBFGS, ScipyLBFGSB, TorchLBFGS
from nst_tf.optim.loop import MOST_ROLL_BACKS, Diverged, SlowerSchedule, Solver, slower
from nst_tf.optim.step import LONG, CompiledSteps, DivergenceJudge, Verdict

RATE = 6 * SIZE / 2  # takes x - p to -5 (x - p); a tenth of it to 0.4 (x - p)


def made(solver: Solver, steps: int) -> tuple[list[float], Diverged | None]:
    """The losses of so many steps, and what ended them early."""
    losses = []
    try:
        losses.extend(report.loss for report in solver.steps(steps))
    except Diverged as error:
        return losses, error
    return losses, None


def scheduled(rate: float) -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(rate, 100, 1.0))


def losses_of(solver: Solver, steps: int, every: int | None = None) -> list[float]:
    reports = list(solver.steps(steps, every))
    assert [report.step for report in reports] == list(range(reports[0].step, reports[0].step + steps))
    return [report.loss for report in reports]


@pytest.mark.parametrize("make", [keras.optimizers.SGD, scheduled], ids=["rate", "schedule"])
def test_an_explosion_in_closed_form(content, start, make, caplog):
    """Losses rise 25-fold, until 25^3 is above 1000, and then fall to 0.16 of themselves."""
    solver = Solver(make(RATE), clip=False)
    solver.enter(start, paraboloid(content))
    losses = losses_of(solver, 8)
    first = np.mean((start - content) ** 2)
    expected = [first, 25 * first, 625 * first, *(first * 0.16**k for k in range(5))]
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    (back,) = solver.roll_backs
    assert (back.step, back.verdict) == (3, Verdict.EXPLODED)
    assert back.loss == pytest.approx(25**3 * first, rel=1e-4)
    assert back.learning_rate == pytest.approx(RATE)
    assert back.smaller == pytest.approx(RATE / 10) == solver.learning_rate
    assert solver.traces == (1 if make is keras.optimizers.SGD else 2)
    told = [record.getMessage() for record in caplog.records if record.name.startswith("nst_tf")]
    assert told == [str(back)]
    assert "far above what it began with, after 3 steps: back to the best picture" in str(back)
    assert back.told()["step"] == 3
    # and so it stays at the next size
    solver.enter(start, paraboloid(content))
    assert solver.learning_rate == pytest.approx(RATE / 10)


@pytest.mark.parametrize("make", [keras.optimizers.SGD, scheduled], ids=["rate", "schedule"])
def test_it_does_not_depend_on_calls_and_a_restored_solver_goes_on(content, start, make):
    compiled = CompiledSteps()  # by one after the other

    def begun() -> Solver:
        solver = Solver(make(RATE), clip=False, average=0.5, compiled_steps=compiled)
        solver.enter(start, paraboloid(content))
        return solver

    whole = begun()
    losses = losses_of(whole, 10)
    image, best_image = whole.image, whole.best_image
    whole.close()
    for stop in (2, 3, 6):  # before the explosion, between it and the return, and after
        stopped = begun()
        assert losses_of(stopped, stop, every=1) == losses[:stop]
        state = {name: np.array(value) for name, value in stopped.state().items()}
        stopped.close()
        resumed = begun()
        resumed.restore(state, stop, 0.0)
        assert losses_of(resumed, 10 - stop) == losses[stop:]
        np.testing.assert_array_equal(resumed.image, image)
        np.testing.assert_array_equal(resumed.best_image, best_image)
        assert resumed.roll_backs == whole.roll_backs
        resumed.close()


@pytest.mark.parametrize(("rate", "clip"), [(1e3, True), (1e30, False)])
@pytest.mark.parametrize(
    "make",
    [
        keras.optimizers.Adam,
        keras.optimizers.SGD,
        scheduled,
        TorchLBFGS,
        LBFGS,
        lambda rate: LBFGS(rate, lower=None, upper=None),
        lambda rate: ScipyLBFGSB(),
    ],
    ids=["adam", "sgd", "sgd_exponential", "lbfgs_torch", "lbfgs", "lbfgs without bounds", "lbfgs_scipy"],
)
def test_every_optimizer_at_absurd_rates_leaves_a_picture(content, start, make, rate, clip):
    solver = Solver(make(rate), clip=clip)
    solver.enter(start, paraboloid(content, 100.0))
    losses, error = made(solver, 60)
    if error is not None:
        assert len(solver.roll_backs) == MOST_ROLL_BACKS
        assert f"once more after {MOST_ROLL_BACKS} times with a smaller step" in str(error)
        assert not error.at_start
    solver.close()
    assert np.isfinite(solver.best_image).all()
    assert solver.best_loss == min(loss for loss in losses if np.isfinite(loss))
    assert solver.best_loss <= losses[0]


def test_what_stays_far_above_the_start_for_long_has_exploded_too(content):
    """Within [0, 1] no loss is 1000 times that of a fair start: pixels that flip between the ends are."""
    start = content + np.float32(0.05)
    solver = Solver(keras.optimizers.SGD(500.0 * SIZE))  # half of SIZE leads to the content in one step
    solver.enter(start, paraboloid(content))
    losses = losses_of(solver, 120)
    assert len(solver.roll_backs) == 3
    assert solver.roll_backs[0].step == 25  # the start, 24 that are too high, and one more
    assert max(losses) < 1000 * losses[0]
    assert solver.best_loss < 1e-6 * losses[0]


def test_a_start_that_is_almost_the_best_may_rise(content):
    """Adam moves every pixel by its learning rate at first, however small the gradient."""
    start = content + np.float32(1e-4)
    solver = Solver(keras.optimizers.Adam(0.02))
    solver.enter(start, paraboloid(content))
    losses = losses_of(solver, 50)
    assert max(losses) > 1e4 * losses[0]
    assert not solver.roll_backs


def test_a_gradient_that_is_not_finite(content, start):
    """sqrt(x^2) has no gradient where x is 0; the loss there is fine."""

    def distance(generated, target):
        return tf.reduce_mean(tf.sqrt(tf.square(generated - target)))

    solver = Solver(keras.optimizers.SGD(0.1))
    solver.enter(content, paraboloid(content, 1.0, distance))
    with pytest.raises(Diverged, match="the gradient is not finite after 0 steps") as caught:
        list(solver.steps(5))
    assert caught.value.at_start
    np.testing.assert_array_equal(solver.best_image, content)
    moved = start.copy()
    moved[0, 0, 0] = content[0, 0, 0]
    # of an optimizer that takes bad trials back, too, there is nothing to go back to
    solver = Solver(LBFGS())
    solver.enter(moved, paraboloid(content, 1.0, distance))
    with pytest.raises(Diverged, match="the gradient is not finite after 0 steps"):
        list(solver.steps(5))


def test_an_optimizer_that_takes_bad_trials_back_is_left_to_it_for_a_while():
    judge, gradient = DivergenceJudge(takes_back=True), tf.ones((3,))

    def verdict(loss: float, slope: float = 1.0, best: float = 1.0) -> Verdict:
        return Verdict(int(judge.verdict(tf.constant(loss), slope * gradient, tf.constant(best))[0]))

    assert verdict(np.inf, best=np.inf) is Verdict.LOSS_NOT_FINITE  # nothing to go back to
    assert verdict(1.0, np.nan, np.inf) is Verdict.GRADIENT_NOT_FINITE
    for _ in range(2):
        assert verdict(1e30) is Verdict.GOOD  # however high
        assert {verdict(np.nan) for _ in range(LONG - 1)} == {Verdict.GOOD}
    assert verdict(1.0, np.inf) is Verdict.GRADIENT_NOT_FINITE
    judge.reset()
    assert verdict(np.nan) is Verdict.GOOD


def test_a_slower_schedule_is_a_tenth_and_survives_rebuilding():
    schedule = keras.optimizers.schedules.ExponentialDecay(2.0, 10, 0.5)
    twice = slower(slower(keras.optimizers.SGD(schedule)))
    again = type(twice).from_config(twice.get_config())
    for step in (0, 10, 25):
        assert float(again._learning_rate(step)) == pytest.approx(0.02 * 0.5 ** (step / 10), rel=1e-6)
    assert isinstance(again._learning_rate, SlowerSchedule)


def test_a_reference_is_raised_once_to_the_same_number() -> None:
    judge = DivergenceJudge(takes_back=False)
    judge.reset(0.5)
    # 0.7 in float32 is less than 0.7: compared with that, it would be raised for ever
    assert judge.raise_reference(0.7)
    assert not judge.raise_reference(0.7)
    assert not judge.raise_reference(0.6)
