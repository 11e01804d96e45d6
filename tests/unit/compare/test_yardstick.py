from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from unit.compare.made_runs import save, waves

from nst_tf.compare.yardstick import MEASURES, STYLE_LAYERS, measure, trade_off
from nst_tf.config.schema import CONF_FOLDER
from nst_tf.errors import InputError
from nst_tf.images.read import read_picture
from nst_tf.images.resize import resize


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 x 32 pixels, as the content is."""
    return save(tmp_path_factory.mktemp("result") / "image.png", waves(32, 48, seed=5))


@pytest.fixture(scope="module")
def found(picture: Path, content: Path, style: Path, random_weights) -> dict[str, float]:
    return measure(picture, content, [style], [1.0], random_weights)


@pytest.fixture(scope="module")
def features(picture: Path, content: Path, style: Path, numpy_vgg):
    """Activations in NumPy of the picture, the content and the style, whose long sides are all 48."""
    network = numpy_vgg("max")
    return [network.forward(read_picture(path).pixels) for path in (picture, content, style)]


def _gram(activations: np.ndarray) -> np.ndarray:
    vectors = activations.reshape(-1, activations.shape[-1])
    return vectors.T @ vectors / len(vectors)


def test_content_and_style_equal_numpy(found: dict[str, float], features) -> None:
    generated, content, style = features
    x, c = generated["block4_conv2"], content["block4_conv2"]
    # float32 against float64 through ten layers
    assert found["content_distance"] == pytest.approx(((x - c) ** 2).sum() / (c**2).sum(), rel=1e-4)
    of_layers = []
    for layer in STYLE_LAYERS:
        x, s = _gram(generated[layer]), _gram(style[layer])
        of_layers.append(((x - s) ** 2).sum() / (s**2).sum())
        assert found[f"style_distance/{layer}"] == pytest.approx(of_layers[-1], rel=1e-3)
    assert found["style_distance"] == pytest.approx(np.mean(of_layers), rel=1e-3)


def test_weights_of_torchvision_see_their_own_pixels(picture: Path, content: Path, random_weights) -> None:
    from nst_tf.vgg.network import FeatureExtractor

    weights = replace(random_weights, pixels="imagenet", sha256="torchvision's")
    extract = FeatureExtractor(weights, ["block4_conv2"], pixels="imagenet")
    x, c = (extract(read_picture(path).pixels[np.newaxis])["block4_conv2"] for path in (picture, content))
    expected = float(((x - c).numpy() ** 2).sum() / (c.numpy() ** 2).sum())
    found = measure(picture, content, [], [], weights)
    assert found["content_distance"] == pytest.approx(expected, rel=1e-5)


def test_sliced_wasserstein_equals_numpy(found: dict[str, float], features) -> None:
    import tensorflow as tf

    from nst_tf.statistics.quantiles import quantiles

    of_layers = []
    for layer in STYLE_LAYERS:
        x, s = (one[layer].reshape(-1, one[layer].shape[-1]) for one in (features[0], features[2]))
        channels = x.shape[1]
        directions = tf.random.stateless_normal([64, channels], seed=(0, channels)).numpy()
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        sorted_x, sorted_s = np.sort(directions @ x.T), np.sort(directions @ s.T)
        resampled = quantiles(tf.constant(sorted_s), sorted_x.shape[1]).numpy()
        of_layers.append(((sorted_x - resampled) ** 2).mean() / (sorted_s**2).mean())
    assert found["sliced_wasserstein"] == pytest.approx(np.mean(of_layers), rel=1e-3)


def test_total_variation_equals_numpy(found: dict[str, float], picture: Path) -> None:
    pixels = read_picture(picture).pixels.astype(np.float64)
    expected = sum(np.abs(np.diff(pixels, axis=axis)).mean() for axis in (0, 1))
    assert found["total_variation"] == pytest.approx(expected, rel=1e-5)


def test_the_content_picture_has_no_content_distance(content: Path, style: Path, random_weights) -> None:
    found = measure(content, content, [style], [1.0], random_weights)
    assert found["content_distance"] == 0
    assert found["ssim"] == pytest.approx(1, abs=1e-9)
    assert found["style_distance"] > 0


def test_the_style_picture_has_no_style_distance(content: Path, style: Path, random_weights) -> None:
    found = measure(style, content, [style], [1.0], random_weights)
    assert {name: value for name, value in found.items() if "style_distance" in name and value} == {}
    assert found["sliced_wasserstein"] == 0
    assert found["colour_distance"] == pytest.approx(0, abs=1e-5)
    assert found["content_distance"] > 0


def test_content_is_resized_to_the_result_and_style_to_its_long_side(
    picture: Path, content: Path, style: Path, found: dict[str, float], tmp_path: Path, random_weights
) -> None:
    half = save(tmp_path / "half.png", resize(read_picture(content).pixels, 16, 24))
    again = measure(half, content, [style], [1.0], random_weights)
    assert again["content_distance"] < 0.01  # rounding to 8 bits
    assert again["ssim"] > 0.99
    large = save(tmp_path / "large.png", resize(read_picture(style).pixels, 96, 80))
    assert measure(large, content, [style], [1.0], random_weights)["style_distance"] < 0.01


def test_of_several_styles_it_is_the_weighted_mean(
    picture: Path, content: Path, style: Path, found: dict[str, float], random_weights
) -> None:
    other = measure(picture, content, [content], [5.0], random_weights)
    both = measure(picture, content, [style, content], [1.0, 3.0], random_weights)
    for name in ("style_distance", "sliced_wasserstein", "colour_distance", "style_distance/block3_conv1"):
        assert both[name] == pytest.approx(0.25 * found[name] + 0.75 * other[name], rel=1e-5)


def test_what_has_no_target_is_left_out(picture: Path, content: Path, style: Path, random_weights) -> None:
    assert set(measure(picture, None, [], [], random_weights)) == {"total_variation"}
    only_content = {"content_distance", "ssim", "total_variation"}
    assert set(measure(picture, content, [], [], random_weights)) == only_content
    assert set(measure(picture, None, [style], [1.0], random_weights)) == set(MEASURES) - only_content | {
        "total_variation"
    }


def test_targets_are_computed_once_a_picture_and_size(
    picture: Path, content: Path, style: Path, random_weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nst_tf.vgg.network import FeatureExtractor

    weights = replace(random_weights, sha256="of no other test")
    calls, extract = [], FeatureExtractor.__call__
    monkeypatch.setattr(
        FeatureExtractor, "__call__", lambda self, image: calls.append(image.shape) or extract(self, image)
    )
    for _ in range(3):
        measure(picture, content, [style], [1.0], weights)
    assert len(calls) == 3 + 2  # each picture, and both targets once


def test_the_trade_off_is_the_default_objective() -> None:
    default = yaml.safe_load((CONF_FOLDER / "objective" / "relative.yaml").read_text())
    assert default["content"]["weight"] == 1
    measured = {"content_distance": 0.5, "style_distance": 0.1}
    assert trade_off(measured) == pytest.approx(0.5 + default["style"]["weight"] * 0.1)
    with pytest.raises(InputError, match="no trade-off without style_distance"):
        trade_off({"content_distance": 0.5})


def test_a_damaged_picture_is_refused(tmp_path: Path, content: Path, random_weights) -> None:
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InputError, match=r"image\.png"):
        measure(tmp_path / "image.png", content, [], [], random_weights)


def test_too_little_memory_is_a_sentence(
    picture: Path, content: Path, random_weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    from nst_tf.vgg.network import FeatureExtractor

    def exhausted(self, image):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(FeatureExtractor, "__call__", exhausted)
    with pytest.raises(InputError, match="not enough memory to measure"):
        measure(picture, content, [], [], random_weights)
