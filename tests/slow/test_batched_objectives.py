"""Several pictures at once: normalized gradients, and views of parts."""

from __future__ import annotations

import pytest
from unit.objective.test_several_pictures import assert_each_is_as_alone, bound_for_each

from nst_tf.losses import ContentLoss, StyleLoss
from nst_tf.objective import Objective


@pytest.mark.slow
@pytest.mark.parametrize("view", [False, True])
def test_normalized_gradients_and_views_are_those_of_each_picture(random, small_extractor, view):
    def objective(number):
        content = ContentLoss({"block2_conv2": 1.0}, normalize_gradients=True)
        return Objective(small_extractor, content, StyleLoss({"block2_conv1": 1.0}, weight=1.0 + number))

    assert_each_is_as_alone(*bound_for_each(objective, random, view))
