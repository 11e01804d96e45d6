"""Terms of the content's pixels against float64 NumPy, the dense matrix of Levin et al., and differences."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from reference.finite_differences import central_slope
from reference.numpy_structure import laplacian_loss, matting_fit, matting_matrix

from nst_tf.errors import InputError
from nst_tf.losses import ContentLoss, StyleLoss, TotalVariation
from nst_tf.objective import Objective, StyleImage
from nst_tf.objective.evaluation import Evaluation, WholePicture
from nst_tf.objective.tiles import Tiles
from nst_tf.optim.batched import stacked
from nst_tf.structure import LaplacianLoss, MattingLoss, Structure
from nst_tf.vgg.recompute import read_recomputing

EPSILON = 1e-7  # Luan et al. 2017
TERMS = [LaplacianLoss(1.0, [1, 4], [0.5, 2.0]), MattingLoss(1.0)]


def value_and_gradient(term: Structure, image: np.ndarray, content: np.ndarray) -> tuple[float, np.ndarray]:
    """Compiled, as it is used, in float32."""

    @tf.function(autograph=False)
    def both(image: tf.Tensor, targets):
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = term(image, targets)
        return value, tape.gradient(value, image)

    value, gradient = both(tf.constant(image[np.newaxis], tf.float32), term.targets(content))
    return float(value), gradient.numpy()[0].astype(np.float64)


def apart(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def contents(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Of all kinds, [16, 16, 3]: flat and grey windows are where a matrix of 3 x 3 is nearly singular."""
    noise = random.uniform(0, 1, (16, 16, 3))
    blocks = np.round(noise * 3) / 3
    blocks[:8] = 0.3
    return {
        "noise": noise,
        "flat": np.full((16, 16, 3), 0.3),
        "grey": np.repeat(noise[..., :1], 3, axis=-1),
        "flat and steps": blocks,
        "nearly flat": 0.5 + 1e-4 * noise,
    }


KINDS = ["noise", "flat", "grey", "flat and steps", "nearly flat"]


# ---- the Laplacian ----------------------------------------------------------


@pytest.mark.parametrize(
    ("pools", "weights"), [([4], None), ([2, 4], [0.5, 1.0]), ([4, 5], [1.0, 16.0]), ([1], None)]
)
def test_laplacian_is_that_of_loops_in_numpy(random, pools, weights) -> None:
    image, content = random.uniform(0, 1, (2, 19, 22, 3)).astype(np.float32)  # no side is a multiple of 4
    term = LaplacianLoss(3.0, pools, weights)
    value, gradient = value_and_gradient(term, image, content)

    def expected(image: np.ndarray) -> float:
        pairs = zip(pools, weights or [1.0] * len(pools), strict=True)
        return sum(weight * laplacian_loss(image, content, pool) for pool, weight in pairs)

    assert value == pytest.approx(expected(image), rel=1e-5)
    for direction in random.normal(0, 1, (4, *image.shape)):
        # the loss is quadratic: central differences of any width are exact
        slope = central_slope(expected, image.astype(np.float64), direction, 0.1)
        assert (gradient * direction).sum() == pytest.approx(slope, rel=1e-5)


def test_laplacian_counts_a_spot_and_no_ramp(random) -> None:
    content = random.uniform(0, 1, (12, 12, 3)).astype(np.float32)
    ramp = np.add.outer(np.arange(12), 2 * np.arange(12))[..., np.newaxis] / 100
    assert value_and_gradient(LaplacianLoss(1.0, [1]), content + ramp, content)[0] < 1e-6
    spot = content.copy()
    spot[5, 5, 1] += 1 / 255
    # one pixel of 10 x 10 has 4, its four neighbors -1
    value, _ = value_and_gradient(LaplacianLoss(1.0, [1]), spot, content)
    assert value == pytest.approx((16 + 4) / 100, rel=1e-4)
    # a tone of the same sum in its place is not seen
    spot[5, 5] = content[5, 5][[1, 2, 0]]
    assert value_and_gradient(LaplacianLoss(1.0, [1]), spot, content)[0] < 1e-6


# ---- the matting Laplacian --------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_matting_is_the_dense_matrix_of_the_paper(random, kind) -> None:
    content = contents(random)[kind].astype(np.float32)
    image = random.uniform(0, 1, content.shape).astype(np.float32)
    matrix = matting_matrix(content.astype(np.float64), EPSILON)
    colors = image.astype(np.float64).reshape(-1, 3)
    value, gradient = value_and_gradient(MattingLoss(1.0, EPSILON), image, content)
    assert value == pytest.approx((colors * (matrix @ colors)).sum(), rel=1e-6)
    assert apart(gradient, (2 * matrix @ colors).reshape(image.shape)) < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_matting_near_a_photograph_loses_few_digits(random, kind) -> None:
    """The image is the content in other colors with a little noise, as results are: most of it cancels."""
    content = contents(random)[kind].astype(np.float32)
    recolored = content @ random.uniform(-0.5, 0.5, (3, 3)) + 0.5
    image = (recolored + random.normal(0, 0.01, content.shape)).astype(np.float32)
    matrix = matting_matrix(content.astype(np.float64), EPSILON)
    colors = image.astype(np.float64).reshape(-1, 3)
    value, gradient = value_and_gradient(MattingLoss(1.0, EPSILON), image, content)
    assert value == pytest.approx((colors * (matrix @ colors)).sum(), rel=1e-4)
    assert apart(gradient, (2 * matrix @ colors).reshape(image.shape)) < 1e-5


def test_matting_is_what_no_affine_function_of_the_colors_explains(random) -> None:
    content, image = random.uniform(0, 1, (2, 7, 9, 3)).astype(np.float32)
    for epsilon in (1e-3, 1.0):  # large enough that |a|^2 counts
        value, _ = value_and_gradient(MattingLoss(1.0, epsilon), image, content)
        assert value == pytest.approx(matting_fit(image, content, epsilon), rel=1e-5)


def test_matting_lets_every_affine_change_of_colors_pass(random) -> None:
    content, other = random.uniform(0, 1, (2, 20, 24, 3)).astype(np.float32)
    recolored = (content @ random.uniform(-1, 1, (3, 3)) + 0.2).astype(np.float32)
    term = MattingLoss(1.0, EPSILON)
    free, dear = (value_and_gradient(term, one, content)[0] for one in (recolored, other))
    assert free < 1e-5 * dear
    assert value_and_gradient(term, np.full_like(content, 0.7), content)[0] == 0


def test_matting_of_any_band_of_windows_is_the_same(random, monkeypatch) -> None:
    content = random.uniform(0, 1, (23, 17, 3)).astype(np.float32)
    whole = MattingLoss().targets(content)["pairs"].numpy()
    monkeypatch.setattr("nst_tf.structure._WINDOWS_AT_ONCE", 3 * 17)
    np.testing.assert_allclose(MattingLoss().targets(content)["pairs"], whole, atol=1e-6)


# ---- both in an objective ----------------------------------------------------


@pytest.mark.parametrize("term", TERMS, ids=lambda one: type(one).__name__)
def test_derivatives(random, term) -> None:
    content, point = random.uniform(0, 1, (2, 13, 12, 3)).astype(np.float32)
    _, gradient = value_and_gradient(term, point, content)
    targets = term.targets(content)

    def value(image: np.ndarray) -> float:
        return float(term(tf.constant(image[np.newaxis], tf.float32), targets))

    for direction in random.normal(0, 1, (3, *point.shape)):
        assert (gradient * direction).sum() == pytest.approx(
            central_slope(value, point, direction, 0.5), rel=1e-4
        )


@pytest.mark.parametrize("term", TERMS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize(
    "evaluation",
    [WholePicture(), WholePicture(read_recomputing), Tiles(64)],
    ids=["plain", "recompute", "tiles"],
)
def test_it_adds_its_value_and_gradient_to_the_others(
    evaluation: Evaluation, term: Structure, small_extractor, random
) -> None:
    content, style, image = random.uniform(0, 1, (3, 80, 72, 3)).astype(np.float32)
    terms = ContentLoss({"block2_conv2": 1.0}), StyleLoss({"block1_conv1": 1.0}, 0.5), TotalVariation(2.0)
    shown = tf.constant(image[np.newaxis])
    bare = Objective(small_extractor, *terms, evaluation=evaluation).bind(content, [StyleImage(style)])
    with_it = Objective(small_extractor, *terms, evaluation=evaluation, structure=term)
    bound = with_it.bind(content, [StyleImage(style)])
    assert bound.parts == (*bare.parts, "structure")
    loss, parts, gradient = bound.value_and_gradient(shown)
    loss_before, parts_before, gradient_before = bare.value_and_gradient(shown)
    value, own = value_and_gradient(term, image, content)
    np.testing.assert_allclose(parts.numpy(), [*parts_before.numpy(), value], rtol=2e-5)
    assert float(loss) == pytest.approx(float(loss_before) + value, rel=2e-5)
    scale = np.abs(gradient.numpy()).max()
    np.testing.assert_allclose(gradient.numpy()[0], gradient_before.numpy()[0] + own, atol=2e-5 * scale)
    assert np.abs(own).max() > 1e-3 * scale  # it is no rounding that was compared
    np.testing.assert_allclose(
        with_it.weighted_parts(shown, bound.targets, bound.weights).numpy(), parts.numpy(), rtol=2e-5
    )


@pytest.mark.parametrize("term", TERMS, ids=lambda one: type(one).__name__)
def test_each_of_several_pictures_is_compared_with_its_own_content(term, random) -> None:
    bounds, images = [], random.uniform(0, 1, (3, 1, 20, 24, 3)).astype(np.float32)
    for content in random.uniform(0, 1, (3, 20, 24, 3)).astype(np.float32):
        bounds.append(Objective(None, structure=term).bind(content, []))
    several = tf.function(bounds[0].objective.value_and_gradient_of_several, autograph=False)
    found = several(tf.constant(images), *stacked(bounds))
    for number, bound in enumerate(bounds):
        for some, alone in zip(found, bound.value_and_gradient(tf.constant(images[number])), strict=True):
            np.testing.assert_allclose(some[number], alone, rtol=1e-5, atol=1e-5 * np.abs(alone).max())
    kinds = {
        one.type
        for one in several.get_concrete_function(tf.constant(images), *stacked(bounds)).graph.get_operations()
    }
    assert not kinds & {"While", "StatelessWhile"}  # all at once


def test_what_is_compiled_is_shared_by_contents_and_weights(random) -> None:
    first, second = random.uniform(0, 1, (2, 20, 24, 3)).astype(np.float32)
    bound = Objective(None, structure=MattingLoss(1.0)).bind(first, [])
    assert Objective(None, structure=MattingLoss(5.0)).bind(second, []).compile_key == bound.compile_key
    other = Objective(None, structure=MattingLoss(1.0, 1e-3)).bind(first, [])
    laplacian = Objective(None, structure=LaplacianLoss()).bind(first, [])
    assert len({bound.compile_key, laplacian.compile_key}) == 2
    assert other.objective.structure != bound.objective.structure
    smooth = Objective(None, smoothness=TotalVariation(1.0), structure=MattingLoss(0.0))
    assert smooth.parts == ("smoothness",)


@pytest.mark.parametrize(
    ("term", "wrong", "said"),
    [
        (LaplacianLoss, {"pools": []}, r"pools.*list.*\[\]"),
        (LaplacianLoss, {"pools": 4}, r"pools.*list.*4"),
        (LaplacianLoss, {"pools": [0]}, r"pools.*at least 1.*0"),
        (LaplacianLoss, {"pools": [2.5]}, r"pools.*whole.*2\.5"),
        (LaplacianLoss, {"pools": [2, 4], "pool_weights": [1]}, r"2 pools.*\[1\]"),
        (LaplacianLoss, {"pool_weights": [-1.0]}, r"at least 0.*-1"),
        (LaplacianLoss, {"weight": -1.0}, r"structure.*at least 0.*-1"),
        (MattingLoss, {"weight": float("nan")}, r"structure.*finite.*nan"),
        (MattingLoss, {"epsilon": 0.0}, r"epsilon.*at least 1e-12.*0"),
    ],
)
def test_wrong_parameters_are_refused_by_name_and_value(term, wrong, said) -> None:
    with pytest.raises(InputError, match=said):
        term(**wrong)


def test_a_picture_that_is_too_small_is_refused() -> None:
    with pytest.raises(InputError, match=r"pools=\[4, 16\].*48 pixels.*64 x 40"):
        LaplacianLoss(pools=[4, 16]).targets(np.zeros((64, 40, 3), np.float32))
    with pytest.raises(InputError, match=r"3 pixels.*2 x 40"):
        MattingLoss().targets(np.zeros((2, 40, 3), np.float32))
