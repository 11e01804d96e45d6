"""What the word ``color`` does to the files of real, small runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli.command_line import Answer, nst
from PIL import Image

from nst_tf.api import composed
from nst_tf.color.matching import lab, matched
from nst_tf.color.modes import recombined
from nst_tf.config.inputs import read_inputs
from nst_tf.experiment import build_parts, prepare
from nst_tf.style_transfer import score_of
from nst_tf.vgg.weights import load_weights

# of its own size, so that the content is on the grid of 8 bits, as what is saved is
OWN_SIZE = ("image.size=40", "image.style_size=40")
TWO_SIZES = ("pyramid=coarse_to_fine", "pyramid.smallest=24", "pyramid.factor=1.5", "pyramid.steps_factor=1")


def levels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.int16)


def differences(pixels: np.ndarray) -> np.ndarray:
    """R - G and B - G: I and Q of YIQ are sums of multiples of these, and these of I and Q."""
    return pixels[..., [0, 2]] - pixels[..., 1:2]


def finished(folder: Path, *words: str) -> Answer:
    answer = nst(folder, *words, "hydra.run.dir=run")
    assert answer.status == 0, answer.err
    return answer


@pytest.mark.parametrize(
    "words",
    [
        (*TWO_SIZES, "steps=3", "init=noise"),
        pytest.param(
            ("init=file", "init.path=STYLE", "color.match_style=false", "image.clip=false", "optimizer=adam"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ("init=style", "average=0.5", "objective.smoothness.weight=0.1", "optimizer=lbfgs_torch"),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["noise, two sizes", "file, unclipped", "style, averaged"],
)
def test_luminance_leaves_chroma_untouched(
    words: tuple[str, ...], small: tuple[str, ...], photo: Path, painting: Path, tmp_path: Path
) -> None:
    words = tuple(word.replace("STYLE", f"'{painting}'") for word in words)
    answer = finished(tmp_path, *small, *OWN_SIZE, *words, "color=luminance", "record.image_every=1")
    content = levels(photo)
    last = max((answer.run / "progress").iterdir())  # shows what would be saved
    for picture in (answer.run / "image.png", last):
        saved = levels(picture)
        assert np.abs(saved - content).max() > 8
        np.testing.assert_array_equal(differences(saved), differences(content))


def test_the_loss_is_that_of_the_luminance_of_the_saved_picture(
    small: tuple[str, ...], tmp_path: Path
) -> None:
    words = (*small, "color=luminance", "objective.smoothness.weight=0.1")
    answer = finished(tmp_path, *words)
    settings, _ = composed(words)
    settings.memory = "plain"
    inputs = read_inputs(settings)
    experiment = prepare(settings, inputs, build_parts(settings), load_weights("vgg19", "random"))
    y = np.array([0.299, 0.587, 0.114])

    def grey(pixels: np.ndarray) -> np.ndarray:
        return np.repeat((pixels @ y)[..., np.newaxis], 3, axis=-1)

    saved = levels(answer.run / "image.png") / 255
    content = grey(experiment.resize(experiment.content, *saved.shape[:2]))
    style = grey(experiment.resize(experiment.styles[0].pixels, 32, 24))
    style = content.std() / style.std() * (style - style.mean()) + content.mean()
    from nst_tf.objective import StyleImage

    bound = experiment.objective.bind(
        content.astype(np.float32), [StyleImage(np.clip(style, 0, 1).astype(np.float32))]
    )
    parts = experiment.objective.weighted_parts(
        grey(saved)[np.newaxis].astype(np.float32), bound.targets, bound.weights
    )
    expected = dict(zip(bound.parts, parts.numpy(), strict=True))
    assert answer.summary["parts_of_saved_picture"] == pytest.approx(expected, rel=1e-4)
    # and what was reported on the way is of the same objective
    assert answer.summary["loss_of_saved_picture"] == pytest.approx(answer.rows[-1]["loss"], rel=0.2)


def test_recombined_has_the_lightness_of_the_result_and_the_contents_chroma(
    small: tuple[str, ...], photo: Path, tmp_path: Path
) -> None:
    words = (*small, *OWN_SIZE, "keep_best=false", "steps=4")  # of two candidates another might be better
    for name in ("plain", "recombined"):
        (tmp_path / name).mkdir()
    plain = finished(tmp_path / "plain", *words)
    answer = finished(tmp_path / "recombined", *words, "color=recombine", "record.image_every=4")
    result, saved, content = (
        levels(path) / 255 for path in (plain.run / "image.png", answer.run / "image.png", photo)
    )
    np.testing.assert_array_equal(
        levels(answer.run / "progress" / "step-000004.png"), levels(answer.run / "image.png")
    )
    found, colored = lab(saved), lab(content)
    np.testing.assert_allclose(found[..., 0], lab(result)[..., 0], atol=0.7)  # both are rounded to 8 bits
    expected = lab(recombined(result.astype(np.float32), content.astype(np.float32)))
    chroma, kept = (np.hypot(one[..., 1], one[..., 2]) for one in (colored, expected))
    inside = kept > chroma - 0.5
    assert inside.mean() > 0.2
    np.testing.assert_allclose(found[inside][:, 1:], colored[inside][:, 1:], atol=2.5)
    # the steps were the usual ones, and the loss is that of the picture with the content's colors
    assert [row["loss"] for row in answer.rows] == [row["loss"] for row in plain.rows]
    assert answer.summary["loss_of_saved_picture"] != plain.summary["loss_of_saved_picture"]


def test_only_is_the_closed_form_and_makes_no_step(
    small: tuple[str, ...], photo: Path, painting: Path, tmp_path: Path
) -> None:
    words = (*small, *OWN_SIZE, *TWO_SIZES, "color=only", "color.keep_lightness=false", "init=noise")
    answer = finished(tmp_path, *words, f"style=['{painting}','{photo}']", "style_weights=[3,1]")
    content = (levels(photo) / 255).astype(np.float32)
    settings, _ = composed([*words, f"style=['{painting}','{photo}']"])
    inputs = read_inputs(settings)
    from nst_tf.images.resize import resize

    style = resize(inputs.styles[0].pixels, 40, 30)
    expected = 0.75 * matched(content, style, "symmetric") + 0.25 * content
    np.testing.assert_allclose(levels(answer.run / "image.png") / 255, expected, atol=0.51 / 255)
    assert answer.summary["steps"] == answer.summary["traces"] == 0
    assert answer.summary["status"] == "completed"
    assert answer.summary["loss_of_saved_picture"] > 0
    assert not (answer.run / "metrics.jsonl").exists()


def test_a_drawing_gives_a_drawing(small: tuple[str, ...], painting: Path, tmp_path: Path) -> None:
    ink, paper = np.array([30.0, 20.0, 10.0]), np.array([250.0, 240.0, 210.0])
    light = levels(painting).mean(axis=2, keepdims=True) / 255
    drawing = tmp_path / "drawing.png"
    Image.fromarray((ink + light * (paper - ink)).round().astype(np.uint8)).save(drawing)
    words = (*small, *OWN_SIZE, *TWO_SIZES, "steps=4", f"style={drawing}", "record.image_every=4")
    answer = finished(tmp_path, *words)
    saved = levels(answer.run / "image.png")
    # every pixel is between ink and paper, or beyond them on the same line: by hand, from its green
    places = (saved[..., 1:2] - ink[1]) / (paper[1] - ink[1])
    np.testing.assert_allclose(saved, ink + places * (paper - ink), atol=1.5)
    assert np.ptp(places) > 0.3
    # what is reported of the picture is its own loss under the usual objective
    settings, _ = composed(words)
    settings.memory = "plain"
    settings.color = {"_target_": "nst_tf.color.Unchanged"}
    experiment = prepare(
        settings, read_inputs(settings), build_parts(settings), load_weights("vgg19", "random")
    )
    loss, parts = score_of(experiment, (saved / 255).astype(np.float32))
    assert answer.summary["loss_of_saved_picture"] == pytest.approx(loss, rel=1e-4)
    assert answer.summary["parts_of_saved_picture"] == pytest.approx(parts, rel=1e-4)


def test_a_style_in_color_changes_nothing(small: tuple[str, ...], tmp_path: Path) -> None:
    pictures = []
    for color in ("of_style", "none"):
        (tmp_path / color).mkdir()
        answer = finished(tmp_path / color, *small, f"color={color}")
        pictures.append(levels(answer.run / "image.png"))
    np.testing.assert_array_equal(*pictures)
