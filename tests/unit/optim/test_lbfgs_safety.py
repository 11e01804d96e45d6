"""The promises of the safe L-BFGS: it never rises, survives bad trials, resumes exactly."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from descent import Descent

from nst_tf.errors import InputError
from nst_tf.optim import LBFGS


def rosenbrock(x):
    return tf.reduce_sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bumpy(x):
    """Many minima: a line search meets rising losses everywhere."""
    return tf.reduce_sum(x**2 + 0.3 * tf.cos(20 * x)) + 0.1 * tf.reduce_prod(tf.sin(9 * x))


@pytest.mark.parametrize("function", [rosenbrock, bumpy])
def test_the_accepted_loss_never_rises_and_is_the_lowest_seen(random, function):
    descent = Descent(LBFGS(lower=-2.0, upper=2.0), function, 8)
    for _ in range(5):
        path = descent.run(random.uniform(-2, 2, 8), 80)
        assert np.all(np.diff(path.accepted) <= 0)
        assert np.any(path.accepted != path.losses)  # some trial was taken back
        np.testing.assert_array_less(path.accepted, path.losses * (1 + 1e-6) + 1e-6)
        # the accepted loss is that of the accepted point
        accepted_point = descent.optimizer._point.value
        assert float(function(accepted_point)) == pytest.approx(path.accepted[-1], rel=1e-5, abs=1e-6)


def test_losses_that_are_no_number_are_taken_back():
    # x - log x has its minimum 1 at x = 1, and none at all below 0, where a large first step leads
    descent = Descent(
        LBFGS(lower=None, upper=None, first_step=4.0), lambda x: tf.reduce_sum(x - tf.math.log(x)), 3
    )
    path = descent.run(np.array([3.0, 2.5, 4.0]), 60)
    assert np.isnan(path.losses).any()
    np.testing.assert_allclose(path.end, np.ones(3), atol=1e-2)


@pytest.mark.parametrize("broken", [np.inf, np.nan])
def test_infinite_losses_and_gradients_are_taken_back(broken):
    def walled(x):
        loss = tf.reduce_sum(x**2) + tf.where(tf.reduce_all(x > -0.5), 0.0, broken)
        return loss, 2 * x

    def finite_loss_without_gradient(x):
        return tf.reduce_sum(x**2), tf.where(x > -0.5, 2 * x, broken)

    for function in (walled, finite_loss_without_gradient):
        path = Descent(LBFGS(lower=None, upper=None, first_step=5.0), function, 3).run(
            np.array([2.0, 1.0, 3.0]), 60
        )
        # the first trial is 5 away: over the wall
        assert np.any(path.points[1] < -0.5)
        if function is walled:  # the next is a tenth as far: such a loss tells nothing of how far is right
            first, second = path.points[1] - path.points[0], path.points[2] - path.points[0]
            np.testing.assert_allclose(second, first / 10, rtol=1e-5)
        assert np.isfinite(path.accepted).all()
        np.testing.assert_allclose(path.end, np.zeros(3), atol=1e-3)


@pytest.mark.parametrize("broken", [np.inf, np.nan])
def test_a_start_whose_loss_is_no_number_stays_where_it_is(broken):
    start = np.array([0.2, 0.7, 0.4])
    path = Descent(LBFGS(), lambda x: (tf.reduce_sum(x) * 0 + broken, x), 3).run(start, 3)
    np.testing.assert_allclose(path.end, start)


def test_the_first_step_has_the_root_mean_square_asked_for():
    slopes = np.array([3.0, -1.0, 4.0, 0.5], np.float32)
    optimizer = LBFGS(lower=None, upper=None, first_step=0.02)
    descent = Descent(optimizer, lambda x, scale: tf.reduce_sum(scale * slopes * x), 4)
    for scale in (1e-6, 1.0, 1e6):  # whatever the size of the loss
        path = descent.run(np.zeros(4), 1, np.float32(scale))
        assert np.sqrt(np.mean(path.end**2)) == pytest.approx(0.02, rel=1e-5)
        np.testing.assert_allclose(path.end / path.end[0], slopes / slopes[0], rtol=1e-5)


def test_held_coordinates_do_not_shorten_the_first_step():
    slopes = np.array([5.0, -1.0, 2.0], np.float32)
    path = Descent(LBFGS(), lambda x: tf.reduce_sum(slopes * x), 3).run(np.array([0.0, 0.5, 0.5]), 1)
    change = path.end - path.points[0]
    assert change[0] == 0
    assert np.sqrt(np.mean(change**2)) == pytest.approx(0.01, rel=1e-4)


def test_coordinates_held_by_a_bound_do_not_move():
    # slopes push the first out at 0, the second out at 1, the others inwards
    slopes = np.array([1.0, -1.0, -1.0, 1.0], np.float32)
    descent = Descent(LBFGS(first_step=0.1), lambda x: tf.reduce_sum(slopes * x), 4)
    path = descent.run(np.array([0.0, 1.0, 0.0, 1.0]), 30)
    np.testing.assert_array_equal(path.points[:, :2], np.tile([0.0, 1.0], (30, 1)))
    np.testing.assert_array_equal(path.end, [0, 1, 1, 0])


def test_a_flat_function_moves_nothing():
    path = Descent(LBFGS(), lambda x: tf.reduce_sum(0.0 * x) + 1, 3).run(np.full(3, 0.5), 20)
    np.testing.assert_array_equal(path.end, np.full(3, 0.5))


def test_several_variables_of_different_shapes_are_one_vector(random):
    start = random.uniform(-1, 1, 10).astype(np.float32)
    expected = Descent(LBFGS(lower=None, upper=None), rosenbrock, 10).run(start, 30)
    variables = [
        tf.Variable(start[:1].reshape(())),
        tf.Variable(start[1:7].reshape(2, 3)),
        tf.Variable(start[7:]),
    ]
    optimizer = LBFGS(lower=None, upper=None)
    optimizer.build(variables)

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss = rosenbrock(tf.concat([tf.reshape(one, [-1]) for one in variables], 0))
        optimizer.apply(tape.gradient(loss, variables), variables, loss=loss)
        return loss

    losses = [step().numpy() for _ in range(30)]
    # two compiled programs: their sums may be rounded differently
    np.testing.assert_allclose(losses[:10], expected.losses[:10], rtol=1e-3)
    assert losses[-1] < 0.2 * losses[0]
    assert [variable.shape.as_list() for variable in variables] == [[], [2, 3], [3]]
    assert int(optimizer.iterations.numpy()) == 30


def test_a_checkpoint_in_the_middle_goes_on_bit_by_bit(tmp_path, random):
    start = random.uniform(-1, 1, 10)
    whole = Descent(LBFGS(lower=None, upper=None, history_size=5), rosenbrock, 10)
    expected = whole.run(start, 40)

    first = Descent(LBFGS(lower=None, upper=None, history_size=5), rosenbrock, 10)
    begun = first.run(start, 17)
    saved = tf.train.Checkpoint(optimizer=first.optimizer, point=first.point).save(str(tmp_path / "middle"))
    second = Descent(LBFGS(lower=None, upper=None, history_size=5), rosenbrock, 10)
    tf.train.Checkpoint(optimizer=second.optimizer, point=second.point).restore(saved).assert_consumed()
    rest = second.go_on(23)

    np.testing.assert_array_equal(np.concatenate([begun.losses, rest.losses]), expected.losses)
    np.testing.assert_array_equal(np.concatenate([begun.points, rest.points]), expected.points)
    np.testing.assert_array_equal(rest.end, expected.end)


def test_the_configuration_makes_the_same_optimizer():
    optimizer = LBFGS(0.5, 7, lower=-1.0, upper=None, first_step=0.25)
    twin = LBFGS.from_config(optimizer.get_config())
    assert twin.get_config() == optimizer.get_config()
    assert (twin.history_size, twin.lower, twin.upper, twin.first_step) == (7, -1.0, None, 0.25)
    written = keras.optimizers.serialize(optimizer)
    read = keras.optimizers.deserialize(written, custom_objects={"LBFGS": LBFGS})
    assert read.get_config() == optimizer.get_config()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"history_size": 0}, "history_size.*at least 1.*0"),
        ({"lower": 1.0, "upper": 0.0}, r"lower must be below upper.*1\.0 and 0\.0"),
        ({"lower": 0.5, "upper": 0.5}, "lower must be below upper"),
        ({"first_step": 0.0}, "first_step must be positive.*0"),
        ({"first_step": float("nan")}, "first_step must be positive.*nan"),
        ({"first_step": float("inf")}, "first_step must be positive.*inf"),
    ],
)
def test_wrong_parameters_are_refused_by_name_and_value(wrong, said):
    with pytest.raises(InputError, match=said):
        LBFGS(**wrong)


def test_a_call_without_the_loss_is_refused():
    variable = tf.Variable([1.0])
    with pytest.raises(InputError, match="loss="):
        LBFGS().apply([tf.constant([1.0])], [variable])
