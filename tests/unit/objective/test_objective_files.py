"""Each objective file builds exactly the terms whose value and gradient equal the NumPy reference."""

from __future__ import annotations

from dataclasses import replace

import pytest
from terms_of_presets import TERMS

from nst_tf.api import composed
from nst_tf.experiment import build_parts
from nst_tf.losses import StyleLoss, TotalVariation
from nst_tf.pyramid import by_size, detail_at
from nst_tf.statistics import (
    BatchNormalizationStatistics,
    Correlation,
    Covariance,
    GaussianWasserstein,
    Gram,
    HypercolumnMoments,
    MatchedHypercolumns,
    NearestFeatures,
    RelaxedTransport,
    SelfSimilarity,
)

FIVE = [f"block{block}_conv1" for block in range(1, 6)]

# weight, power, coupled, reduction, pixel scale: the column "smoothness" of each source
SMOOTHNESS = {
    "book_vgg16": TotalVariation(1e-4, 2.5, True, "sum", 255),
    "keras_io": TotalVariation(1e-6, 2.5, True, "sum", 255),
    "johnson": TotalVariation(1e-3, 2, True, "half_sum", 256),
    "neural_style_pt": TotalVariation(1e-3, 1, False, "sum", 255),
    "cysmith": TotalVariation(1e-3, 1, False, "sum", 255),
    "gordicaleksa": TotalVariation(1, 1, False, "sum", 255),
    "d2l": TotalVariation(5, 1, False, "mean", [4.3668122, 4.4642857, 4.4444444]),
    "anishathalye": TotalVariation(100, 2, False, "mean", 255),
}


def parts_of(*words: str):
    return build_parts(composed(words)[0])


@pytest.mark.parametrize("name", TERMS)
def test_the_terms_are_those_of_the_source(name: str) -> None:
    content, style = TERMS[name]
    if name == "gatys2016":  # the file has alpha = 1e-3 and beta = 1, the reference 1 and 1e3: one ratio
        content, style = replace(content, weight=1e-3), replace(style, weight=1.0)
    parts = parts_of(f"objective={name}")
    assert parts.content == content
    assert parts.style == style


@pytest.mark.parametrize("name", SMOOTHNESS)
def test_the_smoothness_is_that_of_the_source(name: str) -> None:
    assert parts_of(f"objective={name}").smoothness == SMOOTHNESS[name]


@pytest.mark.parametrize("name", sorted(TERMS.keys() - SMOOTHNESS.keys()))
def test_the_others_have_none(name: str) -> None:
    assert parts_of(f"objective={name}").smoothness.weight == 0


def test_variants_differ_from_their_base_where_the_source_does() -> None:
    base, readme = parts_of("objective=b06b01073"), parts_of("objective=b06b01073_readme")
    assert readme.content == replace(base.content, layers={"block4_conv2": 1.0})
    assert readme.style == base.style
    johnson, torch = parts_of("objective=johnson"), parts_of("objective=neural_style_pt")
    assert (torch.content, torch.style) == (johnson.content, johnson.style)
    book, second = parts_of("objective=book_vgg16"), parts_of("objective=book_vgg16_johnson_layers")
    layers = ["block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3"]
    assert second.content == replace(book.content, layers={"block2_conv2": 1.0})
    assert second.style == replace(book.style, layers=dict.fromkeys(layers, 0.2))


@pytest.mark.parametrize(
    ("name", "statistic"),
    [("gram", Gram(0, 0)), ("covariance", Covariance()), ("correlation", Correlation())],
)
def test_the_three_matrices_of_the_lecture(name: str, statistic: object) -> None:
    parts = parts_of(f"objective=lecture_{name}")
    assert parts.style.statistic == statistic
    assert parts.style.layers == dict.fromkeys(FIVE, 0.2)


def test_the_weights_of_crowson() -> None:
    parts = parts_of("objective=crowson")
    assert isinstance(parts.style.statistic, GaussianWasserstein)
    shares = [256 / 341, 64 / 341, 16 / 341, 4 / 341, 1 / 341]
    assert list(parts.style.layers) == FIVE
    assert list(parts.style.layers.values()) == pytest.approx(shares, rel=1e-5)
    assert (parts.content.weight, parts.smoothness.weight) == (0.015, 2.0)


def test_nnst_has_ten_layers_matched_at_each_size_and_apart_in_the_final_pass() -> None:
    parts = parts_of("experiment=nnst")
    names = [
        "1_conv1",
        "1_conv2",
        "2_conv1",
        "2_conv2",
        "3_conv1",
        "3_conv2",
        "3_conv3",
        "4_conv1",
        "4_conv2",
        "4_conv4",
    ]
    layers = dict.fromkeys((f"block{name}" for name in names), 0.1)
    assert parts.content.weight == 0
    assert parts.style == StyleLoss(layers, 1.0, MatchedHypercolumns(0.75), weight_by_size=[1, 0])
    # the sum over the layers
    assert parts.terms == {"final": StyleLoss(layers, 10.0, NearestFeatures(64), weight_by_size=[0, 1])}
    scales = parts.pyramid.scales(512, 512, 200)
    assert [(one.size, one.steps, one.finer) for one in scales] == [
        *((64, 200, 4), (128, 200, 3), (256, 200, 2), (512, 200, 1), (512, 200, 0))
    ]


def test_strotss_weighs_content_by_a_and_the_palette_by_its_inverse() -> None:
    parts = parts_of("experiment=strotss")
    scales = parts.pyramid.scales(512, 512, 250)
    sizes = [one.size for one in scales]
    assert sizes == [64, 128, 256, 512]
    # a = 16 w at 64, halved at every size, w = 1; l_p / max(a, 1)
    content = [parts.content.weight * by_size(parts.content.weight_by_size, one) for one in scales]
    palette = parts.terms["palette"]
    assert content == [16, 8, 4, 2]
    found = [palette.weight * by_size(palette.weight_by_size, one) for one in scales]
    assert found == [1 / 16, 1 / 8, 1 / 4, 1 / 2]
    assert parts.content.distance == SelfSimilarity(1024)
    assert parts.style.statistic == RelaxedTransport(1024, 5000)
    assert parts.terms["moments"].statistic == HypercolumnMoments(1024, 5000)
    assert palette.statistic == RelaxedTransport(1024, 5000, cost="palette")
    assert list(palette.layers) == ["pixels"]
    assert list(parts.style.layers) == list(parts.content.layers) == list(parts.terms["moments"].layers)
    assert len(parts.style.layers) == 10
    assert [detail_at(parts.pyramid, one) for one in scales] == [1, 1, 1, 0]


def test_spst_is_the_notebook_of_gatys_with_means_and_deviations() -> None:
    parts, notebook = parts_of("objective=spst"), parts_of("objective=gatys_pytorch")
    assert (parts.content, parts.style) == (notebook.content, notebook.style)
    term = StyleLoss(dict.fromkeys(FIVE, 1.0), 1e4, BatchNormalizationStatistics())
    assert parts.terms == {"moments": term}
