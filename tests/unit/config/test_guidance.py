"""Masks as the configuration names them: what is read from them, and what is refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from nst_tf.api import composed
from nst_tf.config.inputs import read_inputs, style_layers
from nst_tf.config.validate import validate
from nst_tf.errors import InputError

CONF_FOLDER = Path(__file__).parents[3] / "conf"
STYLES = "style=[samples/brush_strokes.jpg,samples/mosaic.jpg]"


@pytest.fixture(autouse=True)
def masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Masks of the sample landscape, 1024 x 704, at an eighth of its size, and one of a wrong shape."""
    monkeypatch.chdir(tmp_path)
    halves = np.zeros((88, 128, 3), np.uint8)
    halves[:44, :, 0], halves[44:, :, 2] = 255, 255
    thirds = halves.copy()
    thirds[:, 100:] = 0
    for name, pixels in {"halves": halves, "thirds": thirds, "square": halves[:, :88]}.items():
        Image.fromarray(pixels).save(f"{name}.png")
    Image.fromarray(thirds).save("thirds.jpg", quality=70)


def inputs_of(*words: str):
    settings, choices = composed(["guidance=masks", *words])
    validate(settings, choices)
    return read_inputs(settings)


def test_colors_have_the_styles_that_are_named():
    inputs = inputs_of(
        STYLES, "guidance.content=thirds.png", "guidance.regions={red: 0, 0000ff: [0, 1], black: null}"
    )
    regions = inputs.regions
    assert regions.names == ("red", "blue")
    assert regions.styles_of == ((0,), (0, 1))
    assert regions.content.shape == (88, 128, 2)
    area = 50 / 128  # of each
    np.testing.assert_allclose(regions.shares, area)
    np.testing.assert_allclose(regions.kept.mean(), 1 - 2 * area)
    assert regions.styles == (None, None)
    assert "is resized" in regions.notes[0]
    assert [mask and mask.name for mask in inputs.masks] == ["thirds.png"]


def test_one_style_takes_colors_from_equal_colors():
    words = ("guidance.content=halves.png", "style=samples/landscape.jpg", "guidance.styles=[thirds.png]")
    regions = inputs_of(*words, "guidance.shares=equal").regions
    assert sorted(regions.names) == ["blue", "red"]
    assert regions.styles_of == ((0,), (0,))
    assert regions.shares == (0.5, 0.5)
    assert regions.kept is None or not regions.kept.any()
    assert "no region takes the style's black" in regions.notes[-1]


def test_a_jpeg_is_as_good_a_mask():
    words = (STYLES, "guidance.regions={red: 0, blue: 1, black: null}")
    exact, lossy = (
        inputs_of(*words, f"guidance.content={name}").regions for name in ("thirds.png", "thirds.jpg")
    )
    assert np.abs(exact.content - lossy.content).mean() < 0.03


def test_shares_and_pixels_that_are_not_kept():
    words = (STYLES, "guidance.content=thirds.png", "guidance.regions={red: 0, blue: 1, black: null}")
    regions = inputs_of(*words, "guidance.shares={red: 3, blue: 1}", "guidance.keep_pixels=false").regions
    assert regions.shares == (0.75, 0.25)
    assert regions.kept is None


MAP = "guidance.regions={red: 0, blue: 1, black: null}"
MANY = f"guidance.regions={{{', '.join(f'a000{number}: 0' for number in range(10, 27))}}}"
HALVES = "guidance.content=halves.png"
THIRDS = "guidance.content=thirds.png"
REFUSED = {
    "no mask": ((), "guidance.content must be the path", "None"),
    "a missing mask": (("guidance.content=nothing.png",), "nothing.png", "does not exist"),
    "another aspect": (
        ("guidance.content=square.png", MAP),
        "square.png is 88 x 88",
        "landscape.jpg of 1024 x 704",
    ),
    "an unknown color": (
        (THIRDS, "guidance.regions={red: 0, blue: 1}"),
        "thirds.png has black at column 100, row 0",
        "they have red, blue",
    ),
    "no color's name": ((HALVES, "guidance.regions={rde: 0}"), "'rde' is no color"),
    "a color twice": ((HALVES, "guidance.regions={red: 0, ff0000: 1}"), "names red twice"),
    "a region that is not drawn": (
        (HALVES, "guidance.regions={red: 0, blue: null, lime: 1}"),
        "region lime",
        "halves.png",
    ),
    "a style without region": ((HALVES, "guidance.regions={red: 0, blue: 0}"), "style 1, mosaic"),
    "no such style": ((HALVES, "guidance.regions={red: 0, blue: 2}"), "names style 2", "0 to 1"),
    "no number": ((HALVES, "guidance.regions={red: sky}"), "regions.red", "'sky'"),
    "a region without style": (
        (
            THIRDS,
            "style=[samples/landscape.jpg,samples/mosaic.jpg]",
            "guidance.styles=[halves.png,null]",
            "guidance.regions={red: 1, blue: 1, black: 0}",
        ),
        "region black takes style 0",
        "halves.png has no black",
    ),
    "all left alone": ((HALVES, "guidance.regions={red: null, blue: null}"), "no region with a style"),
    "which style": ((HALVES,), "which of the 2 styles", "red: 0"),
    "too many masks": ((HALVES, "guidance.styles=[halves.png]", MAP), "1 mask for 2 styles"),
    "too many regions": ((HALVES, MANY), "at most 16 regions"),
    "an unknown propagation": ((HALVES, MAP, "guidance.propagation=outside"), "simple, inside, all"),
    "a share of no region": ((THIRDS, MAP, "guidance.shares={red: 1}"), "red, blue", "names red"),
    "no shares": ((THIRDS, MAP, "guidance.shares={red: 0, blue: 0}"), "all 0"),
    "weights of nothing": ((THIRDS, MAP, "style_weights=[1,2]"), "guidance.shares"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str):
    words, *said = REFUSED[case]
    with pytest.raises(InputError) as error:
        inputs_of(STYLES, *words)
    assert "\n" not in str(error.value)
    for part in said:
        assert part in str(error.value)


LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block5_conv1")


def test_fine_and_coarse_layers():
    assert style_layers(None, 2, LAYERS) == (None, None)
    assert style_layers(["fine", "coarse"], 2, LAYERS) == (frozenset(LAYERS[:2]), frozenset(LAYERS[2:]))
    assert style_layers([["fine", "block3_conv1"], None], 2, LAYERS) == (frozenset(LAYERS[:3]), None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["fine"], "1 value for 2 styles"),
        (["fine", "fine"], "block3_conv1 to no style"),
        (["block9_conv1", None], "'block9_conv1' to style 0"),
        (["block4_conv1", None], "'block4_conv1' to style 0"),
        ([7, None], "7"),
        (7, "7"),
    ],
)
def test_layers_of_styles_that_are_refused(given, said):
    with pytest.raises(InputError, match=said):
        inputs_of(
            STYLES,
            *("guidance=none", f"layers.style=[{','.join(LAYERS)}]"),
            f"style_layers={json.dumps(given)}",
        )


@pytest.mark.slow
def test_statistics_are_refused_by_name_where_the_objects_would_be():
    """The table of names, against what each built statistic says of itself; before anything is loaded."""
    from hydra.utils import instantiate

    from nst_tf.statistics.statistic import takes_weights

    guided = ("guidance.content=halves.png", "guidance.regions={red: 0, blue: 1}")
    blended = ("guidance=none", "blending=statistics")
    unfit = []
    for path in sorted((CONF_FOLDER / "objective" / "style").glob("*.yaml")):
        statistic = instantiate(OmegaConf.load(path).statistic, _convert_="all")
        chosen = (STYLES, f"objective/style={path.stem}", "optimizer=adam")
        for words, said, fits in (
            (guided, "weights of positions", takes_weights(statistic)),
            (blended, "no mean", hasattr(statistic, "blended") and takes_weights(statistic)),
        ):
            if fits:
                inputs_of(*chosen, *words)
            else:
                with pytest.raises(InputError, match=said):
                    inputs_of(*chosen, *words)
                unfit.append((path.stem, said))
    neither = ("contextual", "matched_hypercolumns", "mmd_gaussian", "nearest_features", "nearest_patches")
    of_regions = ("hypercolumn_moments", "palette", "relaxed_transport")
    expected = [(name, said) for name in neither for said in ("weights of positions", "no mean")]
    assert sorted(unfit) == sorted([*expected, *((name, "no mean") for name in of_regions)])
    with pytest.raises(InputError, match="MaximumMeanDiscrepancy of the PolynomialKernel"):
        inputs_of(
            *("objective/style=mmd_polynomial", "objective.style.statistic.kernel.degree=3"),
            *(STYLES, "guidance.content=halves.png", "guidance.regions={red: 0, blue: 1}"),
        )
    with pytest.raises(InputError, match="NearestPatches, of which there is no mean"):
        inputs_of(STYLES, "guidance=none", "blending=statistics", "objective/style=nearest_patches")
