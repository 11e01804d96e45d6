"""What a run leaves in its folder: complete, true, and enough to repeat it."""

from __future__ import annotations

import datetime as calendar
import hashlib
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import hydra.core.utils
import numpy as np
import pytest
from command_line import REPOSITORY, Answer, nst
from omegaconf import OmegaConf
from PIL import Image

import nst_tf
from nst_tf.configuration.schema import Settings
from nst_tf.images.write import read_metadata
from nst_tf.run.library import composed

PARTS = ["content/block2_conv2", "style/block1_conv1", "style/block2_conv1"]
FILES = {"image.png", "config.yaml", "run.json", "metrics.jsonl", "loss.svg", "nst.log", "progress", ".hydra"}


def unit(path: Path) -> np.ndarray:
    """The pixels of a file by Pillow alone."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.float64) / 255


def size_and_format(path: Path) -> tuple[tuple[int, int], str | None]:
    with Image.open(path) as image:
        return image.size, image.format


def numpy_loss(generated: Path, content: Path, style: Path, network) -> float:
    """objective=pastiche in float64: 0.01 mean (F - P)^2 + 10 sum of 1/2 mean (G/CM - A/CM)^2 of two layers.

    The content must have the size of the result, and the style its long side.
    """

    def gram(features: np.ndarray) -> np.ndarray:
        flat = features.reshape(-1, features.shape[-1])
        return flat.T @ flat / flat.size

    def at(path: Path) -> dict[str, np.ndarray]:
        return dict(network.forward(unit(path)))

    x, p, a = at(generated), at(content), at(style)
    loss = 0.01 * np.mean((x["block2_conv2"] - p["block2_conv2"]) ** 2)
    for layer in ("block1_conv1", "block2_conv1"):
        loss += 5 * np.mean((gram(x[layer]) - gram(a[layer])) ** 2)
    return float(loss)


@pytest.fixture(scope="session")
def network(random_weights):
    """The first two blocks of the untrained network, in NumPy."""
    from reference.numpy_vgg import NumpyVgg

    return NumpyVgg(random_weights.kernels, random_weights.biases, blocks=2)


@pytest.fixture
def own_size(small: tuple[str, ...], tmp_path: Path) -> tuple[str, ...]:
    """A run whose pictures need no resizing, so that another program can compute its loss."""
    random = np.random.default_rng(3)
    for name, shape in {"content.png": (24, 32, 3), "style.png": (32, 20, 3)}.items():
        coarse = Image.fromarray(random.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        coarse.resize(shape[1::-1], Image.Resampling.BICUBIC).save(tmp_path / name)
    return (*small, "objective=pastiche", "content=content.png", "style=style.png")


def test_every_file_is_there(finished: Answer) -> None:
    assert {path.name for path in finished.run.iterdir()} == FILES
    assert finished.run.parts[-3] == "outputs"
    calendar.date.fromisoformat(finished.run.parts[-2])
    clock, suffix = finished.run.name.rsplit("-", 1)
    assert calendar.datetime.strptime(clock, "%H-%M-%S")
    assert len(bytes.fromhex(suffix)) == 2
    assert sorted(path.name for path in (finished.run / ".hydra").iterdir()) == [
        "config.yaml",
        "hydra.yaml",
        "overrides.yaml",
    ]


def test_only_the_path_of_the_picture_is_answered(finished: Answer) -> None:
    path = Path(finished.out.strip())
    assert not path.is_absolute()
    assert size_and_format(finished.folder / path) == ((48, 38), "PNG")


def test_configuration_is_complete_and_the_one_that_was_given(finished: Answer) -> None:
    saved = OmegaConf.load(finished.run / "config.yaml")
    settings, _ = composed([*OmegaConf.load(finished.run / ".hydra" / "overrides.yaml")])
    assert OmegaConf.to_container(
        OmegaConf.merge(OmegaConf.structured(Settings), saved)
    ) == OmegaConf.to_container(settings, resolve=True)
    assert "${" not in (finished.run / "config.yaml").read_text()
    assert saved.image.size == 48
    assert saved.model.name == "vgg19"


def test_configuration_repeats_the_run_as_an_experiment(finished: Answer, tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    text = (finished.run / "config.yaml").read_text()
    (tmp_path / "experiment" / "again.yaml").write_text("# @package _global_\n" + text)
    again = nst(tmp_path, "--config-dir", str(tmp_path), "experiment=again")
    assert again.status == 0, again.err
    assert (again.run / "config.yaml").read_text() == text
    assert (again.run / "image.png").read_bytes() == (finished.run / "image.png").read_bytes()


def test_summary(finished: Answer, photo: Path, painting: Path, random_weights) -> None:
    summary = finished.summary
    assert summary["status"] == "completed"
    assert "error" not in summary
    assert summary["seed"] == 7
    assert summary["precision"] == "float32"
    assert isinstance(summary["device"], str)
    assert {"python", "tensorflow", "keras", "hydra-core", "numpy", "pillow"} <= summary["versions"].keys()
    assert summary["versions"]["pillow"] == Image.__version__
    if (REPOSITORY / ".git").exists():
        assert len(bytes.fromhex(summary["git_commit"].removesuffix("-dirty"))) == 20
    content, (style,) = summary["inputs"]["content"], summary["inputs"]["styles"]
    assert content == {"file": str(photo), "sha256": hashlib.sha256(photo.read_bytes()).hexdigest()}
    assert style["sha256"] == hashlib.sha256(painting.read_bytes()).hexdigest()
    assert Path(style["file"]).name == painting.name
    assert len(bytes.fromhex(summary["weights"]["sha256"])) == 32
    assert summary["weights"]["sha256"] != random_weights.sha256  # those are of seed 0, these of 7
    assert {"pictures", "weights", "network", "steps", "saving"} <= summary["seconds"].keys()
    assert min(summary["seconds"].values()) >= 0
    assert summary["size"] == {"height": 38, "width": 48}
    assert summary["picture"] == "image.png"
    assert summary["steps"] == 6
    assert list(summary["parts_of_saved_picture"]) == PARTS
    assert sum(summary["parts_of_saved_picture"].values()) == pytest.approx(summary["loss_of_saved_picture"])


def test_a_step_is_compiled_once_a_size(finished: Answer) -> None:
    assert {row["size"] for row in finished.rows} == {24, 48}
    assert finished.summary["traces"] == 2


def test_metrics(finished: Answer) -> None:
    rows = finished.rows
    assert [row["step"] for row in rows] == list(range(6))
    assert [row["size"] for row in rows] == [24] * 3 + [48] * 3
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    for row in rows:
        assert list(row) == ["step", "size", "seconds", "loss", *PARTS]
        assert sum(row[part] for part in PARTS) == pytest.approx(row["loss"], rel=1e-5)


def test_progress_pictures(finished: Answer) -> None:
    progress = sorted((finished.run / "progress").iterdir())
    assert [path.name for path in progress] == ["step-000002.png", "step-000004.png", "step-000006.png"]
    assert [max(size_and_format(path)[0]) for path in progress] == [24, 48, 48]


def test_picture_carries_the_configuration(finished: Answer) -> None:
    text = (finished.run / "config.yaml").read_text()
    with Image.open(finished.run / "image.png") as image:
        assert image.text["nst_tf"] == text


def test_plot_is_an_svg_with_a_curve_for_every_part(finished: Answer) -> None:
    root = ElementTree.parse(finished.run / "loss.svg").getroot()
    svg = "{http://www.w3.org/2000/svg}"
    assert root.tag == svg + "svg"
    curves = root.findall(svg + "polyline")
    assert len(curves) == 1 + len(PARTS)
    assert [len(curve.attrib["points"].split()) for curve in curves[2:]] == [6, 6]
    assert {"loss", *PARTS} <= {text.text for text in root.iter(svg + "text")}


def test_first_row_is_the_loss_of_the_start(own_size: tuple[str, ...], network, tmp_path: Path) -> None:
    answer = nst(tmp_path, *own_size, "init=content", "steps=1")
    (row,) = answer.rows
    assert row["step"] == 0
    assert row["content/block2_conv2"] == 0
    content, style = tmp_path / "content.png", tmp_path / "style.png"
    assert row["loss"] == pytest.approx(numpy_loss(content, content, style, network), rel=1e-4)


@pytest.mark.parametrize("name", ["image.png", "small.jpg", "small.webp", "small.tif"])
def test_loss_of_the_saved_picture_is_that_of_the_file(
    name: str, own_size: tuple[str, ...], network, tmp_path: Path
) -> None:
    """Read back by Pillow and evaluated by NumPy: rounding and compression are part of it."""
    answer = nst(tmp_path, *own_size, f"record.picture={name}", "steps=3", "optimizer=adam")
    summary, picture = answer.summary, answer.run / name
    assert summary["picture"] == name
    formats = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP", ".tif": "TIFF"}
    assert size_and_format(picture)[1] == formats[picture.suffix]
    expected = numpy_loss(picture, tmp_path / "content.png", tmp_path / "style.png", network)
    assert summary["loss_of_saved_picture"] == pytest.approx(expected, rel=1e-4)
    assert read_metadata(picture)["nst_tf"] == (answer.run / "config.yaml").read_text()
    if name == "image.png":  # the picture kept is the best one seen, so it can't be worse than the start
        assert summary["loss_of_saved_picture"] < answer.rows[0]["loss"] * 1.001


def test_runs_of_one_second_have_folders_of_their_own_and_the_same_result(
    small: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noon(calendar.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 6, 27, 12, 0, 0)

    monkeypatch.setattr(hydra.core.utils, "datetime", Noon)
    words = (*small, "init=noise", "steps=4", "seed=3")
    one, two = nst(tmp_path, *words), nst(tmp_path, *words)
    assert one.run != two.run
    assert one.run.name[:9] == two.run.name[:9] == "12-00-00-"
    assert one.run.parent == two.run.parent
    assert (one.run / "image.png").read_bytes() == (two.run / "image.png").read_bytes()
    without_time = [[{**row, "seconds": 0} for row in answer.rows] for answer in (one, two)]
    assert without_time[0] == without_time[1]
    other = nst(tmp_path, *words, "seed=4")
    assert other.rows[0]["loss"] != one.rows[0]["loss"]


def test_sweep_makes_a_complete_folder_for_each_job(small: tuple[str, ...], tmp_path: Path) -> None:
    answer = nst(tmp_path, "-m", *small, "objective.style.weight=1,10")
    assert answer.status == 0, answer.err
    (sweep,) = (tmp_path / "outputs" / "multirun").glob("*/*")
    jobs = [sweep / "0", sweep / "1"]
    assert sorted(path for path in sweep.iterdir() if path.is_dir()) == jobs
    for job, weight in zip(jobs, (1, 10), strict=True):
        assert {path.name for path in job.iterdir()} == FILES - {"progress"}
        assert json.loads((job / "run.json").read_text())["status"] == "completed"
        assert OmegaConf.load(job / "config.yaml").objective.style.weight == weight
    losses = [json.loads((job / "metrics.jsonl").read_text().splitlines()[0]) for job in jobs]
    assert losses[1]["style/block1_conv1"] == pytest.approx(10 * losses[0]["style/block1_conv1"], rel=1e-5)


@pytest.mark.parametrize("keep_best", ["true", "false"])
def test_diverged_run_saves_its_best_picture_and_fails(
    keep_best: str, own_size: tuple[str, ...], network, tmp_path: Path
) -> None:
    words = ("optimizer=sgd", "optimizer.learning_rate=1e30", "image.clip=false", "steps=8")
    answer = nst(tmp_path, *own_size, *words, f"keep_best={keep_best}", "hydra.run.dir=run")
    assert answer.status == 1
    assert answer.out == ""
    last = answer.err.splitlines()[-1]
    assert last.startswith("nst: the loss is ")
    assert "image.png" in last
    assert "Traceback" not in answer.err
    assert "Error executing" not in answer.err
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert summary["status"] == "diverged"
    assert summary["error"].startswith("the loss is ")
    # the best picture was the start, saved exactly
    content, style = tmp_path / "content.png", tmp_path / "style.png"
    np.testing.assert_array_equal(unit(tmp_path / "run" / "image.png"), unit(content))
    assert summary["loss_of_saved_picture"] == pytest.approx(
        numpy_loss(content, content, style, network), rel=1e-4
    )


def test_picture_that_became_no_picture_at_the_last_step_is_not_saved(
    own_size: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image after the last update was never evaluated: no loss tells that it is broken."""
    from nst_tf.solver import Solver

    monkeypatch.setattr(Solver, "last_image", property(lambda solver: solver.best_image * np.nan))
    answer = nst(tmp_path, *own_size, "hydra.run.dir=run")
    assert answer.status == 1
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "diverged"
    assert np.isfinite(unit(tmp_path / "run" / "image.png")).all()


@pytest.mark.parametrize(
    ("error", "status", "answered", "sentence"),
    [
        (KeyboardInterrupt(), "interrupted", 130, "nst: interrupted\n"),
        (OSError(28, "No space left on device", "run/metrics.jsonl"), "failed", 2, "No space left on device"),
    ],
)
def test_run_that_is_cut_short_says_so(
    error: BaseException,
    status: str,
    answered: int,
    sentence: str,
    small: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from nst_tf.run.display import Display

    def cut(*_: object) -> None:
        raise error

    monkeypatch.setattr(Display, "on_report", cut)
    answer = nst(tmp_path, *small, "hydra.run.dir=run")
    assert answer.status == answered
    assert answer.err.endswith(sentence) or sentence in answer.err.splitlines()[-1]
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert summary["status"] == status
    assert not (tmp_path / "run" / "image.png").exists()
    ElementTree.parse(tmp_path / "run" / "loss.svg")


def test_mistake_of_our_own_is_not_called_bad_input(
    small: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nst_tf.run.display import Display

    def mistaken(*_: object) -> None:
        raise ValueError("operands could not be broadcast together")

    monkeypatch.setattr(Display, "on_report", mistaken)
    with pytest.raises(ValueError, match="broadcast"):
        nst(tmp_path, *small, "hydra.run.dir=run")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "failed"


def test_version_is_one_that_a_record_can_hold(finished: Answer) -> None:
    version = finished.summary["versions"]["nst_tf"]
    assert version in (nst_tf.__version__, None)  # None: run from a checkout that is not installed
