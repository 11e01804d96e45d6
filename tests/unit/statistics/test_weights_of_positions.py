"""A statistic with weights is that of what the weights count; several styles have a mean."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from reference.finite_differences import central_gradient

from nst_tf.statistics import (
    BatchNormalizationStatistics,
    ChannelMeans,
    Correlation,
    Covariance,
    GaussianKernel,
    GaussianWasserstein,
    Gram,
    HistogramMatching,
    MaximumMeanDiscrepancy,
    NearestPatches,
    PolynomialKernel,
    SlicedWasserstein,
)
from nst_tf.statistics.statistic import is_summable, takes_weights

WEIGHTED = [
    Gram(),
    Gram(positions_power=1, channels_power=1),
    Covariance(),
    Correlation(),
    ChannelMeans(),
    BatchNormalizationStatistics(),
    GaussianWasserstein(),
    MaximumMeanDiscrepancy(PolynomialKernel(1)),
    MaximumMeanDiscrepancy(PolynomialKernel(2, 0.5)),
    SlicedWasserstein(),
    HistogramMatching(),
]
every_weighted = pytest.mark.parametrize("statistic", WEIGHTED, ids=str)


def tensor(layer: np.ndarray) -> tf.Tensor:
    return tf.constant(layer[np.newaxis])


def weights_of(mask: np.ndarray) -> tf.Tensor:
    return tf.constant(mask[np.newaxis, :, :, np.newaxis], tf.float32)


def cut(random) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A picture's layer of two halves that have little in common, each half, and the mask of the left."""
    left, right = random.normal(3, 1, (6, 4, 5)), random.normal(-2, 4, (6, 5, 5))
    mask = np.zeros((6, 9))
    mask[:, :4] = 1
    return np.concatenate([left, right], axis=1), left, right, mask


@every_weighted
def test_a_layer_cut_in_two_has_the_statistics_of_its_halves(random, statistic):
    assert takes_weights(statistic)
    whole, left, right, mask = cut(random)
    other = statistic.describe(tensor(random.normal(1, 2, (5, 7, 5))))
    for half, weights in ((left, mask), (right, 1 - mask)):
        masked = statistic.describe(tensor(whole), weights_of(weights))
        alone = statistic.describe(tensor(half))
        expected = float(statistic.compare(alone, other))
        assert float(statistic.compare(masked, other)) == pytest.approx(expected, rel=1e-9)
        # and as a style, for a picture of another size
        expected = float(statistic.compare(other, alone))
        assert float(statistic.compare(other, masked)) == pytest.approx(expected, rel=1e-9)
        assert abs(float(statistic.compare(masked, alone))) < 1e-12 * expected


@every_weighted
def test_a_position_of_weight_two_counts_twice(random, statistic):
    layer = random.normal(1, 2, (3, 4, 5))
    counts = random.integers(0, 4, (3, 4))
    repeated = np.repeat(layer.reshape(12, 5), counts.ravel(), axis=0)[np.newaxis]
    found = statistic.describe(tensor(layer), weights_of(counts))
    expected = statistic.describe(tensor(repeated))
    # repeated numbers of sorted rows are no new quantiles between them: compare those that are no rows
    if not isinstance(statistic, (SlicedWasserstein, HistogramMatching)):
        tf.nest.map_structure(lambda *two: np.testing.assert_allclose(*two, rtol=1e-9), found, expected)
    assert float(statistic.compare(found, found)) == pytest.approx(0, abs=1e-12)


@every_weighted
def test_derivatives_with_soft_weights(random, statistic):
    layer, style = random.normal(1, 2, (3, 3, 2)), random.normal(2, 3, (3, 4, 2))
    mask = random.uniform(0.1, 1, (3, 3))
    mask[1, :2] = 0
    target = statistic.describe(tensor(style), weights_of(random.uniform(0.1, 1, (3, 4))))

    def value(at):
        return statistic.compare(statistic.describe(at, weights_of(mask)), target)

    slopes = central_gradient(lambda at: float(value(tensor(at))), layer)
    variable = tensor(layer)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        loss = value(variable)
    found = tape.gradient(loss, variable).numpy()[0]
    np.testing.assert_allclose(found, slopes, rtol=2e-6, atol=5e-7 * np.abs(slopes).max())
    assert not found[mask == 0].any()


@pytest.mark.parametrize("statistic", [one for one in WEIGHTED if is_summable(one)], ids=str)
def test_weighted_sums_of_pieces_add_up_though_one_has_no_weight(random, statistic):
    whole, _, _, mask = cut(random)
    pieces = [
        statistic.sums(tensor(whole[:, part]), weights_of(mask[:, part]))
        for part in (slice(0, 3), slice(3, 6), slice(6, 9))
    ]
    found = statistic.described(tf.nest.map_structure(lambda *some: tf.add_n(some), *pieces), tf.float64)
    expected = statistic.describe(tensor(whole), weights_of(mask))
    tf.nest.map_structure(lambda *two: np.testing.assert_allclose(*two, rtol=1e-9), found, expected)


def test_gram_and_covariance_with_soft_weights_in_numpy(random):
    layer, mask = random.normal(1, 2, (4, 5, 3)), random.uniform(0, 1, (4, 5)).astype(np.float32)
    vectors, weights = layer.reshape(20, 3), mask.reshape(20, 1).astype(np.float64)
    gram = vectors.T @ (weights * vectors) / weights.sum()
    np.testing.assert_allclose(Gram().describe(tensor(layer), weights_of(mask)), gram, rtol=1e-6)
    covariance = np.cov(vectors.T, aweights=weights[:, 0], ddof=0) * weights.sum() / (weights.sum() - 1)
    np.testing.assert_allclose(Covariance().describe(tensor(layer), weights_of(mask)), covariance, rtol=1e-6)


def test_a_sample_of_positions_and_patches_take_no_weights():
    assert not takes_weights(MaximumMeanDiscrepancy(GaussianKernel()))
    assert not takes_weights(NearestPatches())


LINEAR = [
    one
    for one in WEIGHTED
    if not isinstance(one, (GaussianWasserstein, SlicedWasserstein, HistogramMatching))
]


@pytest.mark.parametrize("statistic", LINEAR, ids=str)
def test_blended_descriptions_are_weighted_means(random, statistic):
    described = [statistic.describe(tensor(random.normal(at, 2, (4, 5, 3)))) for at in range(3)]
    found = statistic.blended(described, [0.2, 0.5, 0.3])
    tf.nest.map_structure(
        lambda mean, *three: np.testing.assert_allclose(
            mean, np.tensordot([0.2, 0.5, 0.3], np.stack(three), 1)
        ),
        found,
        *described,
    )


@pytest.mark.parametrize("statistic", [SlicedWasserstein(7), HistogramMatching()], ids=str)
@pytest.mark.parametrize("masked", [False, True])
def test_blended_rows_are_means_of_quantiles(random, statistic, masked):
    layers = [random.normal(at, 2, size) for at, size in enumerate([(4, 5, 3), (6, 6, 3)])]
    described = [statistic.describe(tensor(layer)) for layer in layers]
    levels = (np.arange(36) + 0.5) / 36
    expected = sum(
        share * np.quantile(rows.numpy(), levels, axis=1, method="hazen").T
        for share, rows in zip((0.25, 0.75), described, strict=True)
    )
    if masked:  # by masks that count everything
        described = [statistic.describe(tensor(one), weights_of(np.ones(one.shape[:2]))) for one in layers]
        np.testing.assert_allclose(statistic.blended(described, [0.25, 0.75]).values, expected, rtol=1e-9)
    else:
        np.testing.assert_allclose(statistic.blended(described, [0.25, 0.75]), expected, rtol=1e-9)


def test_the_barycentre_of_gaussians(random):
    statistic = GaussianWasserstein()
    described = [statistic.describe(tensor(random.normal(at, 1 + at, (6, 7, 4)))) for at in range(3)]
    shares = [0.2, 0.5, 0.3]
    middle = statistic.blended(described, shares)
    # on the way from one to the other: distances are the roots of squared ones
    two = statistic.blended(described[:2], [0.3, 0.7])
    whole = float(statistic.compare(described[0], described[1]))
    assert float(statistic.compare(described[0], two)) == pytest.approx(0.49 * whole, rel=1e-9)
    assert float(statistic.compare(described[1], two)) == pytest.approx(0.09 * whole, rel=1e-9)

    # it has the least mean of squared distances: any other has more
    def mean(to) -> float:
        pairs = zip(described, shares, strict=True)
        return sum(share * float(statistic.compare(to, one)) for one, share in pairs)

    least = mean(middle)
    for _ in range(5):
        push = random.normal(0, 0.05, (4, 4))
        moved = middle.covariance + push @ push.T
        assert mean(middle._replace(covariance=moved)) > least
        assert mean(middle._replace(covariance=0.98 * middle.covariance + 0.02 * moved)) > least
    # of diagonal matrices: the square of the mean deviation
    diagonal = [
        one._replace(covariance=tf.linalg.diag(tf.linalg.diag_part(one.covariance))) for one in described
    ]
    expected = sum(
        share * np.sqrt(np.diag(one.covariance)) for share, one in zip(shares, diagonal, strict=True)
    )
    found = np.diag(statistic.blended(diagonal, shares).covariance)
    np.testing.assert_allclose(found, expected**2, rtol=1e-6)
