"""A texture made with model.padding=circular has no seam."""

from __future__ import annotations

import numpy as np
import pytest
from unit.objective.test_circular_pictures import SHAPE, STYLE, bound

from nst_tf.init import enlarged
from nst_tf.losses import TotalVariation
from nst_tf.objective import StyleImage
from nst_tf.optim import LBFGS
from nst_tf.optim.loop import Solver
from nst_tf.vgg.network import FeatureExtractor


@pytest.mark.slow
def test_a_made_texture_has_no_seam(random_weights, random):
    """Jumps across the border are as those between neighbours inside; with VGG's own padding they are not."""
    ratios = {}
    smooth_style = StyleImage(enlarged(random.uniform(size=(8, 8, 3)).astype(np.float32), 40, 36))
    for padding in ("circular", "same"):
        extractor = FeatureExtractor(random_weights, STYLE, padding=padding)
        circular = padding == "circular"
        solver = Solver(LBFGS(octaves=4, circular=circular))
        start = 0.5 + 0.1 * random.standard_normal(SHAPE)
        smooth = TotalVariation(weight=0.0, circular=circular)
        solver.enter(start.astype(np.float32), bound(extractor, smooth_style, smooth))
        for _ in solver.steps(40):
            pass
        ratios[padding] = seam(solver.image)
        solver.close()
    assert ratios["circular"] < 1.3
    assert ratios["same"] > ratios["circular"]


def seam(pixels: np.ndarray) -> float:
    """Mean absolute difference across the border over that between neighbours inside, both directions."""
    found = []
    for axis in (0, 1):
        steps = np.abs(np.roll(pixels, -1, axis) - pixels).mean(axis=(1 - axis, 2))
        found.append(steps[-1] / steps[:-1].mean())
    return float(np.mean(found))
