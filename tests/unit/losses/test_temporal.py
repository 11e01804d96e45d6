"""The temporal loss of Ruder et al. 2016, alone and as a part of an objective in every memory mode."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.losses import ContentLoss, StyleLoss, TemporalLoss, TemporalTarget, TotalVariation
from nst_tf.objective import Objective, StyleImage
from nst_tf.objective.evaluation import Evaluation, WholePicture
from nst_tf.objective.tiles import Tiles
from nst_tf.vgg.recompute import read_recomputing


def test_it_is_the_mean_square_where_the_previous_result_is_believed(random: np.random.Generator) -> None:
    image, pixels = random.uniform(0, 1, (2, 5, 7, 3)).astype(np.float32)
    believed = random.integers(0, 2, (5, 7)).astype(np.float32)
    loss = TemporalLoss(3.0)
    targets = loss.targets(TemporalTarget(pixels, believed), 5, 7)
    value = float(loss(tf.constant(image[np.newaxis]), targets))
    expected = sum(
        believed[row, column] * (image[row, column, channel] - pixels[row, column, channel]) ** 2
        for row in range(5)
        for column in range(7)
        for channel in range(3)
    ) / (3 * 5 * 7)
    assert value == pytest.approx(expected, rel=1e-5)
    assert float(loss(tf.constant(image[np.newaxis]), loss.targets(None, 5, 7))) == 0
    with pytest.raises(InputError, match="video"):
        TemporalLoss(-1)


@pytest.mark.parametrize(
    "evaluation",
    [WholePicture(), WholePicture(read_recomputing), Tiles(64)],
    ids=["plain", "recompute", "tiles"],
)
def test_it_adds_its_value_and_gradient_to_the_others(
    evaluation: Evaluation, small_extractor, random: np.random.Generator
) -> None:
    content, style, image, pixels = random.uniform(0, 1, (4, 80, 72, 3)).astype(np.float32)
    believed = random.integers(0, 2, (80, 72)).astype(np.float32)
    terms = (
        ContentLoss({"block2_conv2": 1.0}),
        StyleLoss({"block1_conv1": 1.0}, 0.5),
        TotalVariation(2.0),
    )
    shown = tf.constant(image[np.newaxis])
    bare = Objective(small_extractor, *terms, evaluation=evaluation).bind(content, [StyleImage(style)])
    with_it = Objective(small_extractor, *terms, evaluation=evaluation, temporal=TemporalLoss(1e6))
    bound = with_it.bind(content, [StyleImage(style)], before=TemporalTarget(pixels, believed))
    assert bound.parts == (*bare.parts, "temporal")
    loss, parts, gradient = bound.value_and_gradient(shown)
    loss_before, parts_before, gradient_before = bare.value_and_gradient(shown)
    mask = believed[..., np.newaxis]
    value = 1e6 * (mask * (image - pixels) ** 2).mean()
    np.testing.assert_allclose(parts.numpy(), [*parts_before.numpy(), value], rtol=2e-5)
    assert float(loss) == pytest.approx(float(loss_before) + value, rel=2e-5)
    own = 1e6 * 2 * mask * (image - pixels) / image.size
    scale = np.abs(gradient.numpy()).max()
    np.testing.assert_allclose(gradient.numpy()[0], gradient_before.numpy()[0] + own, atol=2e-5 * scale)
    assert np.abs(own).max() > 0.01 * scale  # it is no rounding that was compared
    np.testing.assert_allclose(
        with_it.weighted_parts(shown, bound.targets, bound.weights).numpy(), parts.numpy(), rtol=2e-5
    )


def test_the_first_frame_and_the_others_are_of_one_structure(small_extractor) -> None:
    content = np.full((32, 32, 3), 0.5, np.float32)
    objective = Objective(small_extractor, ContentLoss({"block1_conv1": 1.0}), temporal=TemporalLoss(1.0))
    first = objective.bind(content, [])
    later = objective.bind(content, [], before=TemporalTarget(content, np.ones((32, 32), np.float32)))
    assert first.compile_key == later.compile_key
    without = Objective(small_extractor, ContentLoss({"block1_conv1": 1.0}), temporal=TemporalLoss(0.0))
    assert "temporal" not in without.parts
    assert without.bind(content, []).compile_key != first.compile_key
