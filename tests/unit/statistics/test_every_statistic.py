"""What is true of every statistic of style, and of the options that choose them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hydra.utils import instantiate
from omegaconf import OmegaConf
from style_distances import assert_derivative, awkward, distance, gradient, shuffled

from nst_tf.statistics import (
    BatchNormalizationStatistics,
    ChannelMeans,
    Contextual,
    Correlation,
    Covariance,
    GaussianKernel,
    GaussianWasserstein,
    Gram,
    HistogramMatching,
    HypercolumnMoments,
    MatchedHypercolumns,
    MaximumMeanDiscrepancy,
    NearestFeatures,
    NearestPatches,
    PolynomialKernel,
    RelaxedTransport,
    SlicedWasserstein,
)

OPTIONS = Path(__file__).parents[3] / "conf" / "objective" / "style"

OF_DISTRIBUTIONS = [
    Gram(),
    Covariance(),
    Correlation(),
    ChannelMeans(),
    BatchNormalizationStatistics(),
    MaximumMeanDiscrepancy(PolynomialKernel(1)),
    MaximumMeanDiscrepancy(PolynomialKernel(2, 0.5)),
    MaximumMeanDiscrepancy(PolynomialKernel(3, 0.5)),
    MaximumMeanDiscrepancy(GaussianKernel()),
    MaximumMeanDiscrepancy(GaussianKernel(2.0)),
    GaussianWasserstein(),
    SlicedWasserstein(),
    SlicedWasserstein(3, seed=7),
    HistogramMatching(),
    Contextual(),
]
ALL = [*OF_DISTRIBUTIONS, NearestFeatures(), NearestPatches(), NearestPatches(2, 1, 5)]

# they describe several layers together, and have tests of their own
JOINT = [HypercolumnMoments(), MatchedHypercolumns(), RelaxedTransport()]

every_statistic = pytest.mark.parametrize("statistic", ALL, ids=str)


@every_statistic
def test_a_layer_is_at_distance_zero_from_itself(random, statistic):
    layer = random.normal(1, 2, (6, 7, 5))
    other = random.normal(1, 2, (6, 7, 5))
    if statistic == NearestPatches(2, 1, 5):
        pytest.skip("five patches stand for the style: the others have no equal there")
    assert abs(distance(statistic, layer, layer)) <= 1e-12 * distance(statistic, layer, other)


@every_statistic
def test_different_layers_are_apart(random, statistic):
    assert distance(statistic, random.normal(1, 2, (6, 7, 5)), random.normal(2, 3, (6, 7, 5))) > 0


@every_statistic
@pytest.mark.parametrize("style_size", [(4, 5), (6, 4), (3, 3)])
def test_derivatives_for_pictures_of_different_sizes(random, statistic, style_size):
    assert_derivative(statistic, random.normal(1, 2, (4, 5, 3)), random.normal(2, 3, (*style_size, 3)))


@pytest.mark.parametrize("statistic", OF_DISTRIBUTIONS, ids=str)
def test_the_order_of_positions_does_not_matter(random, statistic):
    generated, style = random.normal(1, 2, (6, 7, 5)), random.normal(2, 3, (5, 9, 5))
    expected = distance(statistic, generated, style)
    assert distance(statistic, shuffled(random, generated), style) == pytest.approx(expected, rel=1e-9)
    if statistic != MaximumMeanDiscrepancy(GaussianKernel()):  # whose sigma is a median over some pairs
        assert distance(statistic, generated, shuffled(random, style)) == pytest.approx(expected, rel=1e-9)


def test_only_nearest_patches_know_the_order_of_positions(random):
    layer = random.normal(1, 2, (8, 8, 3))
    assert distance(NearestPatches(), shuffled(random, layer), layer) > 0.1
    assert distance(NearestPatches(), layer, layer) == 0


@every_statistic
@pytest.mark.parametrize("dead_in", ["both", "generated", "style"])
def test_dead_constant_equal_and_lonely_channels_leave_everything_finite(random, statistic, dead_in):
    odd, plain = awkward(random, 8, 9), np.maximum(random.normal(20, 30, (8, 9, 6)), 0)
    generated = (plain if dead_in == "style" else odd).astype(np.float32)
    style = (plain if dead_in == "generated" else awkward(random, 9, 8)).astype(np.float32)
    for one, other in ((generated, style), (generated, generated), (0 * generated, style)):
        assert np.isfinite(distance(statistic, one, other))
        assert np.isfinite(gradient(statistic, one, other)).all()


@every_statistic
def test_float32_is_float64_rounded(random, statistic):
    generated, style = (np.maximum(random.normal(20, 30, (8, 9, 6)), 0) for _ in range(2))
    style *= 1.5
    single, double = (distance(statistic, generated.astype(t), style.astype(t)) for t in ("f4", "f8"))
    # the discrepancy of a kernel is a difference of means that agree in two digits
    assert single == pytest.approx(double, rel=1e-4)


@every_statistic
def test_it_can_be_compiled(random, statistic):
    generated, style = (
        tf.constant(random.normal(1, 2, (1, *size, 4)), tf.float32) for size in ((6, 7), (7, 5))
    )
    target = statistic.describe(style)

    @tf.function(autograph=False)
    def compiled(activations, target):
        return statistic.compare(statistic.describe(activations), target)

    found = compiled(generated, target)
    assert found.shape == ()
    assert found.dtype == tf.float32
    assert float(found) == pytest.approx(
        float(statistic.compare(statistic.describe(generated), target)), rel=1e-4
    )


@every_statistic
def test_a_small_step_against_the_gradient_is_closer(random, statistic):
    generated, style = random.normal(1, 2, (6, 7, 4)), random.normal(2, 3, (7, 5, 4))
    before, slopes = distance(statistic, generated, style), gradient(statistic, generated, style)
    step = 1e-3 * before / np.sum(slopes**2)
    after = distance(statistic, generated - step * slopes, style)
    assert after == pytest.approx(before * (1 - 1e-3), rel=3e-4)


@pytest.mark.parametrize("file", sorted(OPTIONS.glob("*.yaml")), ids=lambda file: file.stem)
def test_options_say_their_source_and_name_every_parameter(file):
    assert file.read_text().startswith("# ")
    layer = "pixels" if file.stem == "palette" else "block1_conv1"
    described = OmegaConf.load(file)
    described.layers = {layer: 1.0}
    loss = instantiate(described)
    assert loss.weight == 1.0
    described = described.statistic
    _assert_all_named(loss.statistic, described)
    # which have several options for one class
    if not file.stem.startswith(("gram", "mmd", "palette", "wasserstein")):
        assert loss.statistic == type(loss.statistic)()


def test_every_statistic_has_an_option():
    chosen = {type(instantiate(OmegaConf.load(file).statistic)) for file in OPTIONS.glob("*.yaml")}
    assert chosen == {type(statistic) for statistic in [*ALL, *JOINT]}


def _assert_all_named(built, described) -> None:
    for parameter in dataclasses.fields(built):
        value = getattr(built, parameter.name)
        assert parameter.name in described
        if dataclasses.is_dataclass(value) and parameter.name != "distance":
            _assert_all_named(value, described[parameter.name])
