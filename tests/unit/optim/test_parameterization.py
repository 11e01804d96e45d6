"""Parameters other than pixels: the maps against NumPy and finite differences, and solvers that use them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.finite_differences import central_slope

from nst_tf.errors import InputError
from nst_tf.losses import ContentLoss, StyleLoss, TotalVariation
from nst_tf.objective import Objective, StyleImage
from nst_tf.optim import LBFGS, ScipyLBFGSB, TorchLBFGS
from nst_tf.optim.batched import BatchedLanes, steps_together
from nst_tf.optim.loop import Solver
from nst_tf.optim.step import CompiledSteps
from nst_tf.parameterization import PIXELS, Fourier, Laplacian
from nst_tf.statistics import Gram

# even, odd, narrow, a single pixel, and one with as many halvings as there are bands
SHAPES = [(16, 16), (17, 13), (1, 9), (9, 1), (40, 2), (1, 1), (33, 64)]
EACH = [Laplacian(), Laplacian(5, align_corners=True), Laplacian(1), Fourier()]


def picture(random, height: int, width: int) -> np.ndarray:
    return random.uniform(0, 1, (1, height, width, 3)).astype(np.float32)


# ---- the maps, written once more in NumPy, float64 ----


def resizing(of: int, to: int, align_corners: bool) -> np.ndarray:
    """The matrix [to, of] of linear interpolation along one side."""
    matrix = np.zeros((to, of))
    for row in range(to):
        if align_corners:
            place = row * (of - 1) / (to - 1) if to > 1 else 0.0
        else:
            place = np.clip((row + 0.5) * of / to - 0.5, 0, of - 1)
        left = int(place)
        right = min(left + 1, of - 1)
        matrix[row, left] += 1 - (place - left)
        matrix[row, right] += place - left
    return matrix


def resized(image: np.ndarray, height: int, width: int, align_corners: bool) -> np.ndarray:
    tall = resizing(image.shape[0], height, align_corners)
    wide = resizing(image.shape[1], width, align_corners)
    return np.einsum("ij,jkc,lk->ilc", tall, image, wide)


def laplacian_parameters(image: np.ndarray, bands: int, align_corners: bool) -> np.ndarray:
    """The finest band above, the coarser ones and the rest side by side below it."""
    height, width = image.shape[:2]
    levels = []
    while len(levels) < bands and image.shape[:2] != (1, 1):
        half = resized(image, *(max(1, side // 2) for side in image.shape[:2]), align_corners)
        levels.append(image - resized(half, *image.shape[:2], align_corners))
        image = half
    first, *others = [*levels, image]
    below = max((one.shape[0] for one in others), default=0)
    whole = np.zeros((height + below, max(width, sum(one.shape[1] for one in others)), 3))
    whole[:height, :width] = first
    left = 0
    for one in others:
        whole[height : height + one.shape[0], left : left + one.shape[1]] = one
        left += one.shape[1]
    return whole


def hartley_matrix(height: int, width: int) -> np.ndarray:
    """[H W, H W], by the definition."""
    y, x = (one.ravel() for one in np.mgrid[:height, :width])
    angle = 2 * np.pi * (np.outer(y, y) / height + np.outer(x, x) / width)
    return (np.cos(angle) + np.sin(angle)) / np.sqrt(height * width)


def scale_of_frequencies(height: int, width: int) -> np.ndarray:
    frequency = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.fftfreq(width)[np.newaxis])
    scale = 1 / np.maximum(frequency, 1 / max(height, width))
    return scale / np.sqrt((scale**2).mean())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("align_corners", [False, True])
def test_bands_are_those_of_numpy(shape, align_corners, random):
    image = picture(random, *shape)
    expected = laplacian_parameters(image[0].astype(np.float64), 3, align_corners)
    found = Laplacian(3, align_corners).parameters(image)[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)  # places in float32, up to 64 pixels


@pytest.mark.parametrize("shape", [(6, 6), (7, 5), (1, 4), (1, 1), (3, 12)])
def test_coefficients_are_those_of_numpy(shape, random):
    coefficients = picture(random, *shape)
    scaled = scale_of_frequencies(*shape)[..., np.newaxis] * coefficients[0].astype(np.float64)
    expected = (hartley_matrix(*shape) @ scaled.reshape(-1, 3)).reshape(scaled.shape)
    np.testing.assert_allclose(Fourier().image(coefficients, *shape)[0], expected, atol=2e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("one", EACH, ids=repr)
def test_the_image_comes_back(one, shape, random):
    image = picture(random, *shape)
    parameters = one.parameters(image)
    assert parameters.shape == (1, *one.shape(*shape), 3)
    np.testing.assert_allclose(one.image(parameters, *shape), image, rtol=0, atol=1e-6)


def test_small_images_have_fewer_bands():
    assert Laplacian(8).sizes(5, 3) == [(5, 3), (2, 1), (1, 1)]
    assert Laplacian(1).sizes(5, 3) == [(5, 3), (2, 1)]
    assert Laplacian(8).sizes(1, 1) == [(1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("one", EACH, ids=repr)
def test_the_gradient_is_the_slope_of_the_image(one, shape, random):
    """Of sum(w * image) along a random direction, whose slope is exact but for float32: the map is linear."""
    weights = random.standard_normal((1, *shape, 3))
    direction = random.standard_normal((1, *one.shape(*shape), 3))

    def weighed(parameters: np.ndarray) -> float:
        return float((weights * one.image(tf.constant(parameters, tf.float32), *shape).numpy()).sum())

    slope = central_slope(weighed, np.zeros_like(direction), direction, step=1.0)
    gradient = one.gradient(weights.astype(np.float32)).numpy()
    assert gradient.shape == direction.shape
    scale = np.linalg.norm(gradient) * np.linalg.norm(direction)
    assert abs(slope - (gradient * direction).sum()) < 1e-6 * scale


def test_a_large_area_moves_as_fast_as_a_pixel():
    """A coarse band's gradient is the sum over its area, and the mean's of all frequencies the largest."""
    everywhere = tf.ones((1, 16, 16, 3))
    rest = Laplacian(4).gradient(everywhere)[0, 16:, 14]
    np.testing.assert_allclose(rest[0], 256.0)
    coefficients = np.abs(Fourier().gradient(everywhere)[0, ..., 0])
    assert coefficients.argmax() == 0
    np.testing.assert_allclose(np.delete(coefficients, 0), 0, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"bands": 0}, "parameterization.bands must be a whole number of at least 1, but is 0"),
        ({"bands": 2.5}, "parameterization.bands must be a whole number"),
        ({"align_corners": 1}, "parameterization.align_corners must be true or false, but is 1"),
    ],
)
def test_bad_bands_are_refused(options, sentence):
    with pytest.raises(InputError, match=sentence):
        Laplacian(**options)


# ---- with solvers ----

OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.005),
    "sgd": lambda: keras.optimizers.SGD(1e-5),
    "lbfgs": lambda: LBFGS(lower=None, upper=None, history_size=4),
    "lbfgs_torch": lambda: TorchLBFGS(learning_rate=0.5, history_size=4),
    "lbfgs_scipy": lambda: ScipyLBFGSB(evaluations=10),
}


@pytest.fixture
def transfer(small_extractor, random):
    """A style transfer at 24 x 18, and the content to start from."""
    content, style = random.uniform(0, 1, (2, 24, 18, 3)).astype(np.float32)
    objective = Objective(
        small_extractor,
        ContentLoss({"block2_conv2": 1.0}, 0.01),
        StyleLoss({"block1_conv1": 0.5, "block2_conv1": 0.5}, 10.0, Gram(1, 1)),
        TotalVariation(1.0),
    )
    return objective.bind(content, [StyleImage(style)]), content


@pytest.mark.parametrize("one", [Laplacian(3), Fourier()], ids=["laplacian", "fourier"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_lowers_the_loss(one, optimizer, transfer):
    bound, content = transfer
    solver = Solver(OPTIMIZERS[optimizer](), parameterization=one)
    solver.enter(content, bound)
    losses = [report.loss for report in solver.steps(8)]
    np.testing.assert_allclose(losses[0], solver.loss_of(content)[0], rtol=1e-4)
    assert min(losses) < 0.95 * losses[0]
    assert solver.image.shape == content.shape
    np.testing.assert_allclose(solver.loss_of(solver.best_image)[0], solver.best_loss, rtol=1e-4)


def test_a_step_of_descent_is_that_of_the_map(transfer):
    """SGD on parameters moves the image by the map times its transpose."""
    bound, content = transfer
    one, rate = Laplacian(3), 1e-5
    solver = Solver(keras.optimizers.SGD(rate), parameterization=one, keep_best=False)
    solver.enter(content, bound)
    list(solver.steps(1))
    _, _, gradient = bound.value_and_gradient(tf.constant(content[np.newaxis]))
    moved = one.image(one.gradient(gradient), *content.shape[:2])[0]
    np.testing.assert_allclose(solver.image - content, -rate * moved, atol=1e-6)
    assert np.abs(rate * moved).max() > 1e-4


def test_bounds_are_not_those_of_parameters(transfer):
    """Bands have negative values: clipped to [0, 1] they would make another image."""
    bound, content = transfer
    solver = Solver(keras.optimizers.SGD(1e-9), parameterization=Laplacian(3), keep_best=False)
    solver.enter(content, bound)
    list(solver.steps(1))
    np.testing.assert_allclose(solver.image, content, atol=1e-5)


def test_an_average_of_parameters_is_one_of_images(transfer):
    bound, content = transfer
    solver = Solver(keras.optimizers.Adam(0.01), parameterization=Fourier(), average=0.5, keep_best=False)
    solver.enter(content, bound)
    seen = [content]
    for _ in solver.steps(3, reports_every=1):
        seen.append(solver.last_image)
    shares = 0.5 ** np.arange(4)[::-1] * 0.5 / (1 - 0.5**4)
    np.testing.assert_allclose(solver.image, np.tensordot(shares, seen, 1), atol=1e-5)


@pytest.mark.parametrize("one", [Laplacian(3), Fourier()], ids=["laplacian", "fourier"])
def test_moments_begin_anew_at_another_size(one, transfer, small_extractor):
    """Adam's first step has the length of its rate, whatever was before, where nothing is carried."""
    bound, content = transfer
    solver = Solver(keras.optimizers.Adam(0.01), parameterization=one, carry=True, keep_best=False)
    solver.enter(content, bound)
    list(solver.steps(3))
    larger = tf.image.resize(content, (30, 25)).numpy()
    other = Objective(small_extractor, ContentLoss({"block1_conv1": 1.0})).bind(larger[::-1], [])
    solver.enter(larger, other)
    list(solver.steps(1))
    fresh = Solver(keras.optimizers.Adam(0.01), parameterization=one, keep_best=False)
    fresh.enter(larger, other)
    list(fresh.steps(1))
    np.testing.assert_array_equal(solver.image, fresh.image)


def test_steps_of_other_parameters_are_not_used_again(transfer):
    bound, content = transfer
    steps = CompiledSteps()
    images = {}
    for one in (PIXELS, Laplacian(3), Laplacian(2)):
        solver = Solver(keras.optimizers.Adam(0.01), parameterization=one, compiled_steps=steps)
        solver.enter(content, bound)
        list(solver.steps(2))
        images[one] = solver.last_image
        solver.close()
    assert len(steps) == len({image.tobytes() for image in images.values()}) == len(images)


@pytest.mark.parametrize(
    "one", [Laplacian(3), pytest.param(Fourier(), marks=pytest.mark.slow)], ids=["laplacian", "fourier"]
)
def test_a_solver_goes_on_bit_for_bit(one, transfer):
    bound, content = transfer

    def begun() -> Solver:
        solver = Solver(LBFGS(lower=None, upper=None, history_size=3), parameterization=one)
        solver.enter(content, bound)
        return solver

    whole, first, second = begun(), begun(), begun()
    expected = [report.loss for report in whole.steps(7)]
    losses = [report.loss for report in first.steps(3)]
    second.restore({name: np.array(value) for name, value in first.state().items()}, 3, 0.0)
    losses += [report.loss for report in second.steps(4)]
    assert losses == expected
    np.testing.assert_array_equal(second.image, whole.image)


def test_several_at_once_end_as_alone(transfer):
    bound, content = transfer
    rates, one = (0.002, 0.01), Laplacian(3)
    lanes = BatchedLanes(CompiledSteps(), len(rates))
    solvers = {
        number: Solver(keras.optimizers.Adam(rate), parameterization=one, compiled_steps=lanes.lanes[number])
        for number, rate in enumerate(rates)
    }
    for solver in solvers.values():
        solver.enter(content, bound)
    list(steps_together(lanes, solvers, 4, dict.fromkeys(solvers, 4)))
    for number, rate in enumerate(rates):
        alone = Solver(keras.optimizers.Adam(rate), parameterization=one)
        alone.enter(content, bound)
        list(alone.steps(4))
        np.testing.assert_allclose(solvers[number].last_image, alone.last_image, atol=1e-3)
