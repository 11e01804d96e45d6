"""Tiles of a picture that is large enough to have one that touches no border."""

from __future__ import annotations

import pytest
from unit.objective.test_recompute_and_tiles import assert_exact, terms_of

from nst_tf.objective.tiles import tiles_of
from nst_tf.statistics import Gram
from nst_tf.vgg import recompute
from nst_tf.vgg.network import FeatureExtractor


@pytest.mark.slow
def test_a_deep_layer_of_a_picture_with_an_interior_tile(random, random_weights, monkeypatch):
    monkeypatch.setattr(recompute, "BAND_BYTES", 4 * 83 * 64 * 16)  # bands of a few rows
    extractor = FeatureExtractor(random_weights, ["block1_conv2", "block4_conv2", "block5_conv1"])
    middle = tiles_of(330, 481, 160, extractor)[4]
    assert middle.rows.window_start > 0
    terms = terms_of(["block1_conv2", "block5_conv1"], "block4_conv2", Gram())
    assert_exact(extractor, terms, random, (330, 481), 160)
