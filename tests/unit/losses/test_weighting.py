"""Weights of terms and layers that are refused, and the scale of the style loss."""

from __future__ import annotations

import pytest

from nst_tf.errors import InputError
from nst_tf.losses import ContentLoss, StyleLoss


@pytest.mark.parametrize("kind", [ContentLoss, StyleLoss])
@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf"), "heavy", True, None])
def test_a_weight_must_be_a_finite_number_of_at_least_zero(kind, weight):
    with pytest.raises(InputError, match=r"weight of (content|style) must be"):
        kind({"block1_conv1": 1.0}, weight)
    with pytest.raises(InputError, match=r"layers\.(content|style)\.block1_conv1"):
        kind({"block1_conv1": weight})


@pytest.mark.parametrize("kind", [ContentLoss, StyleLoss])
def test_a_term_without_layers_is_refused(kind):
    with pytest.raises(InputError, match="names no layer"):
        kind({})


@pytest.mark.parametrize("weight", [0, 0.0, 3, 1e-9])
def test_whole_numbers_and_zero_are_weights(weight):
    assert ContentLoss({"block1_conv1": weight}, weight).weight == weight


def test_the_style_loss_may_be_divided_by_powers_of_the_picture():
    assert StyleLoss({"block1_conv1": 1.0}).scale(20, 30) == 1
    # the Keras example: 1 / (channels^2 * size^2) with 3 channels and size = rows * columns
    assert StyleLoss({"block1_conv1": 1.0}, picture_power=2).scale(20, 30) == pytest.approx(
        1 / (3**2 * 600**2)
    )
