"""Maximum Mean Discrepancy against sums over all pairs, and the Gram loss that it contains."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf
from reference.numpy_objectives import gram
from style_distances import distance, gradient

from nst_tf.errors import InputError
from nst_tf.statistics import GaussianKernel, Gram, MaximumMeanDiscrepancy, PolynomialKernel, SquaredError
from nst_tf.statistics.maximum_mean_discrepancy import Sample


def by_pairs(kernel, generated: np.ndarray, style: np.ndarray) -> float:
    """mean k(f, f') - 2 mean k(f, s) + mean k(s, s'), pair by pair."""
    f, s = (layer.reshape(-1, layer.shape[-1]) for layer in (generated, style))
    return sum(
        factor * np.mean([kernel(one, other) for one in left for other in right])
        for factor, left, right in ((1, f, f), (-2, f, s), (1, s, s))
    )


KERNELS = [
    (PolynomialKernel(1), lambda f, s: f @ s),
    (PolynomialKernel(1, 3.0), lambda f, s: f @ s + 3),
    (PolynomialKernel(2), lambda f, s: (f @ s) ** 2),
    (PolynomialKernel(2, 1.5), lambda f, s: (f @ s + 1.5) ** 2),
    (PolynomialKernel(3), lambda f, s: (f @ s) ** 3),
    (PolynomialKernel(4, 0.5), lambda f, s: (f @ s + 0.5) ** 4),
    (GaussianKernel(0.7), lambda f, s: math.exp(-sum((f - s) ** 2) / (2 * 0.7**2))),
    (GaussianKernel(3.0), lambda f, s: math.exp(-sum((f - s) ** 2) / 18)),
]


@pytest.mark.parametrize(
    ("kernel", "written"), KERNELS, ids=lambda one: str(one) if one in dict(KERNELS) else ""
)
def test_it_is_the_sum_over_all_pairs(random, kernel, written):
    generated, style = random.normal(1, 1, (4, 5, 3)), random.normal(0, 2, (3, 6, 3))
    expected = by_pairs(written, generated, style)
    assert distance(MaximumMeanDiscrepancy(kernel), generated, style) == pytest.approx(expected, rel=1e-9)


def test_the_second_order_polynomial_kernel_is_gram_matching(random):
    # Li et al. 2017: the reason why the Gram loss is a discrepancy
    generated, style = random.normal(1, 1, (4, 5, 6)), random.normal(0, 2, (3, 7, 6))
    found = distance(MaximumMeanDiscrepancy(PolynomialKernel(2)), generated, style)
    assert found == pytest.approx(np.sum((gram(generated) / 20 - gram(style) / 21) ** 2), rel=1e-12)
    assert found == pytest.approx(distance(Gram(1, 0, SquaredError("sum")), generated, style), rel=1e-12)


def test_in_float32_it_is_never_below_zero(random):
    # means of the kernel that agree in all but their last digits
    statistic = MaximumMeanDiscrepancy(GaussianKernel())
    layers = [np.maximum(random.normal(20, 30, (12, 14, 6)), 0).astype(np.float32) for _ in range(8)]
    found = [distance(statistic, one + np.float32(1e-6), one) for one in layers]
    assert min(found) >= 0
    assert max(found) < 1e-6


def test_of_a_distant_point_the_gaussian_discrepancy_is_two():
    # k is 1 within each set of one point and 0 between them
    near, far = np.zeros((1, 1, 2)), np.full((1, 1, 2), 100.0)
    assert distance(MaximumMeanDiscrepancy(GaussianKernel(1.0)), near, far) == pytest.approx(2)


def test_sigma_is_the_median_distance_of_the_style_whatever_the_generated_image():
    # positions 0, 0, 0 and 1, 3, 9 on a line: the pairs are 1, 3 and 9 apart
    style = np.array([0.0, 0.0, 0.0, 1.0, 3.0, 9.0]).reshape(2, 3, 1)
    generated = np.array([5.0, 6.0]).reshape(1, 2, 1)
    scale = MaximumMeanDiscrepancy(GaussianKernel()).describe(tf.constant(style[np.newaxis])).scale
    assert float(scale) == pytest.approx(3)
    automatic = distance(MaximumMeanDiscrepancy(GaussianKernel()), generated, style)
    given = distance(MaximumMeanDiscrepancy(GaussianKernel(3.0)), generated, style)
    assert automatic == pytest.approx(given, rel=1e-12)


def test_the_median_of_a_style_of_normal_numbers_is_known(random):
    # |f - s|^2 of two C-dimensional normal vectors is 2 chi^2_C, whose median is about C (1 - 2 / (9 C))^3
    style = random.standard_normal((1, 40, 50, 64))
    scale = MaximumMeanDiscrepancy(GaussianKernel()).describe(tf.constant(style)).scale
    assert float(scale) ** 2 == pytest.approx(2 * 64 * (1 - 2 / (9 * 64)) ** 3, rel=0.02)


def test_a_flat_style_has_no_scale_but_a_finite_distance(random):
    flat = np.full((4, 4, 3), 7.0)
    statistic = MaximumMeanDiscrepancy(GaussianKernel())
    assert distance(statistic, flat, flat) == pytest.approx(0)
    assert np.isfinite(gradient(statistic, random.normal(7, 1, (4, 4, 3)), flat)).all()


def test_a_large_layer_is_sampled_and_always_at_the_same_positions(random):
    layer = tf.constant(np.arange(600.0).reshape(1, 20, 30, 1))
    statistic = MaximumMeanDiscrepancy(GaussianKernel(1.0), samples=50)
    first, second = statistic.describe(layer), statistic.describe(layer)
    assert isinstance(first, Sample)
    drawn = first.vectors.numpy().ravel()
    assert len(set(drawn)) == 50
    assert 200 < drawn.mean() < 400  # from all over the layer
    np.testing.assert_array_equal(drawn, second.vectors.numpy().ravel())
    other = MaximumMeanDiscrepancy(GaussianKernel(1.0), samples=50, seed=1).describe(layer)
    assert set(drawn) != set(other.vectors.numpy().ravel())


def test_a_sample_estimates_the_whole(random):
    generated, style = random.normal(0, 1, (40, 40, 3)), random.normal(1, 1, (40, 40, 3))
    whole = distance(MaximumMeanDiscrepancy(GaussianKernel(2.0)), generated, style)
    some = distance(MaximumMeanDiscrepancy(GaussianKernel(2.0), samples=400), generated, style)
    assert some != whole
    assert some == pytest.approx(whole, rel=0.2)


@pytest.mark.parametrize("statistic", [1, "gaussian", None, GaussianKernel], ids=str)
def test_what_is_no_kernel_is_refused(statistic):
    with pytest.raises(InputError, match=r"unknown kernel.*PolynomialKernel.*GaussianKernel"):
        MaximumMeanDiscrepancy(statistic)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: PolynomialKernel(0), "degree.*at least 1.*0"),
        (lambda: PolynomialKernel(2.5), "degree.*whole.*2.5"),
        (lambda: PolynomialKernel(True), "degree.*whole.*True"),
        (lambda: PolynomialKernel(2, -1.0), "constant.*at least 0.*-1.0"),
        (lambda: PolynomialKernel(2, math.nan), "constant.*finite.*nan"),
        (lambda: GaussianKernel(0.0), "sigma.*above 0.*0.0"),
        (lambda: GaussianKernel(-2.0), "sigma.*above 0.*-2.0"),
        (lambda: GaussianKernel("median"), "sigma.*null.*'median'"),
        (lambda: MaximumMeanDiscrepancy(samples=1), "samples.*at least 2.*1"),
        (lambda: MaximumMeanDiscrepancy(seed=-1), "seed.*at least 0.*-1"),
    ],
)
def test_wrong_parameters_are_refused_by_name_and_value(build, said):
    with pytest.raises(InputError, match=said):
        build()
