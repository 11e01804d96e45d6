"""The balance keeps its promise: gradients measured apart, by the formulas of the losses."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.balance import (
    OF_WASSERSTEIN,
    STYLE_AT_THE_MIDDLE,
    AutoBalance,
    GivenBalance,
    gradient_norms_of,
    half_way,
)
from nst_tf.errors import InputError
from nst_tf.losses import ContentLoss, StyleLoss, TotalVariation
from nst_tf.objective import Objective, StyleImage
from nst_tf.statistics import GaussianWasserstein, Gram, SlicedWasserstein, SquaredError

CONTENT, STYLE = {"block2_conv2": 1.0}, {"block1_conv1": 0.25, "block2_conv1": 0.75}


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    return tuple(random.uniform(size=shape).astype(np.float32) for shape in ((24, 32, 3), (24, 32, 3)))


def bound(extractor, pictures, content=1.0, style=1.0, smoothness=0.5, statistic=None):
    objective = Objective(
        extractor,
        ContentLoss(CONTENT, weight=content, distance=SquaredError()),
        StyleLoss(STYLE, weight=style, statistic=statistic or Gram()),
        TotalVariation(weight=smoothness),
    )
    return objective.bind(pictures[0], [StyleImage(pictures[1])])


def measured(objective, pictures):
    return gradient_norms_of(objective, half_way(pictures[0], [StyleImage(pictures[1])]))


def test_the_probe_is_half_way_to_all_styles(pictures):
    content, style = pictures
    grey = StyleImage(np.full((10, 10, 3), 0.3, np.float32), 3.0)  # flat: as it is at any size
    expected = (content + 0.25 * style + 0.75 * 0.3) / 2
    np.testing.assert_allclose(half_way(content, [StyleImage(style, 1.0), grey]), expected, atol=1e-5)


def test_where_the_styles_are_the_content_the_probe_is_half_way_to_noise(small_extractor, pictures):
    content, _ = pictures
    rounded = np.round(content * 255).astype(np.float32) / 255
    for same in (content, rounded):
        probe = half_way(content, [StyleImage(same)])
        assert np.abs(probe - content).mean() > 0.1
        pulls = gradient_norms_of(bound(small_extractor, (content, same)), probe)
        assert min(pulls) > 0


def direct_pulls(extractor, pictures, content_weight: float, style_weight: float) -> tuple[float, float]:
    """Norms of the gradients of w_c mean (F - P)^2 and w_s sum w_l mean (G - A)^2, half way to the style."""
    content, style = pictures  # of one shape: nothing is stretched
    image = tf.constant((content + style)[np.newaxis] / 2)

    def gram(features):
        vectors = tf.reshape(features, (-1, features.shape[-1]))
        return tf.matmul(vectors, vectors, transpose_a=True) / float(vectors.shape[0])

    targets, styles = extractor(tf.constant(content[np.newaxis])), extractor(tf.constant(style[np.newaxis]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(image)
        found = extractor(image)
        of_content = content_weight * tf.reduce_mean((found["block2_conv2"] - targets["block2_conv2"]) ** 2)
        of_style = style_weight * tf.add_n(
            [
                weight * tf.reduce_mean((gram(found[layer]) - gram(styles[layer])) ** 2)
                for layer, weight in STYLE.items()
            ]
        )
    return tuple(float(tf.norm(tape.gradient(term, image))) for term in (of_content, of_style))


@pytest.mark.parametrize("knob", [0.2, 0.5, 0.9])
def test_pulls_at_the_probe_have_the_ratio_that_is_promised(small_extractor, pictures, knob):
    objective = bound(small_extractor, pictures, content=0.3, style=7.0)
    balance = AutoBalance(knob).settled([measured(objective, pictures)])
    weights = np.asarray(balance.applied(objective, 0).weights)
    # by part: content, two layers of style, smoothness
    content, style = direct_pulls(small_extractor, pictures, weights[0], weights[1] / STYLE["block1_conv1"])
    # convolutions in float32, in another order
    assert style / content == pytest.approx(STYLE_AT_THE_MIDDLE * knob / (1 - knob), rel=1e-3)
    assert weights[2] / weights[1] == pytest.approx(3)  # of the layers
    before = direct_pulls(small_extractor, pictures, 0.3, 7.0)
    assert content + style == pytest.approx(sum(before), rel=1e-3)
    assert weights[3] == np.float32(0.5)  # smoothness is left as it is


@pytest.mark.parametrize("statistic", [GaussianWasserstein(0.0), SlicedWasserstein()])
def test_a_wasserstein_distance_has_a_ratio_of_its_own(small_extractor, pictures, statistic):
    objective = bound(small_extractor, pictures, style=1e-3, statistic=statistic)
    balanced = AutoBalance(0.5).settled([measured(objective, pictures)]).applied(objective, 0)
    content, style = measured(balanced, pictures)
    assert style / content == pytest.approx(OF_WASSERSTEIN, rel=1e-3)


def test_the_ends_are_one_term_alone_and_between_them_style_grows(small_extractor, pictures):
    objective = bound(small_extractor, pictures)
    pulls = [measured(objective, pictures)]
    weights = [
        np.asarray(AutoBalance(knob).settled(pulls).applied(objective, 0).weights)
        for knob in (0, 0.1, 0.5, 0.9, 1)
    ]
    assert not weights[0][1:3].any()
    assert weights[-1][0] == 0
    content, style = np.array([one[0] for one in weights]), np.array([one[1] for one in weights])
    assert (np.diff(content) < 0).all()
    assert (np.diff(style) > 0).all()


def test_the_weights_before_do_not_matter(small_extractor, pictures):
    """Of whatever unit the losses are."""
    found = []
    for content, style in ((1.0, 1.0), (1e-4, 3e3)):
        objective = bound(small_extractor, pictures, content, style)
        balance = AutoBalance(0.4).settled([measured(objective, pictures)])
        weights = np.asarray(balance.applied(objective, 0).weights)
        found.append(weights[1] / weights[0])
    assert found[0] == pytest.approx(found[1], rel=1e-5)  # float32


def test_nothing_retraces_and_given_weights_stay(small_extractor, pictures):
    objective = bound(small_extractor, pictures)
    balanced = AutoBalance(0.3, [[2.0, 5.0]]).applied(objective, 0)
    assert balanced.compile_key == objective.compile_key
    assert balanced.weights.dtype == tf.float32
    assert GivenBalance().applied(objective, 0) is objective


@pytest.mark.parametrize(("missing", "weights"), [("content", (0.0, 1.0)), ("style", (1.0, 0.0))])
def test_a_term_without_weight_is_refused_by_name(small_extractor, pictures, missing, weights):
    with pytest.raises(InputError, match=rf"objective\.{missing}\.weight is 0.*balance=given"):
        measured(bound(small_extractor, pictures, *weights), pictures)


def test_a_term_that_pulls_at_nothing_is_refused(small_extractor, pictures):
    with pytest.raises(InputError, match=r"gradient of 0\.0 for objective\.style"):
        measured(bound(small_extractor, pictures, style=1e-44), pictures)


@pytest.mark.parametrize("knob", [-0.1, 1.5, float("nan"), "half", True])
def test_a_knob_outside_of_its_range_is_refused(knob):
    with pytest.raises(InputError, match=r"balance\.style must be between 0.*" + str(knob)):
        AutoBalance(knob)


@pytest.mark.parametrize("calibration", ["high", [1.0, 2.0], [[1.0]], [[1.0, 0.0]], [[1.0, float("inf")]]])
def test_a_calibration_that_is_no_list_of_pairs_is_refused(calibration):
    with pytest.raises(InputError, match=r"balance\.calibration must be null or a list of pairs"):
        AutoBalance(0.5, calibration)


def test_a_calibration_of_another_number_of_sizes_is_refused():
    AutoBalance(0.5, [[1.0, 2.0]]).check(1)
    with pytest.raises(InputError, match="1 pair for 2 sizes"):
        AutoBalance(0.5, [[1.0, 2.0]]).check(2)
