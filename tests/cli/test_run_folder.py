"""What a run leaves in its folder: complete, true, and enough to repeat it."""

from __future__ import annotations

import datetime as calendar
import hashlib
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

import hydra.core.utils
import pytest
from cli.command_line import REPOSITORY, Answer, nst
from cli.evaluated import PARTS, numpy_loss, size_and_format
from omegaconf import OmegaConf
from PIL import Image

import nst_tf
from nst_tf.api import composed
from nst_tf.config.schema import Settings
from nst_tf.images.write import read_metadata

FILES = {"image.png", "config.yaml", "run.json", "metrics.jsonl", "loss.svg", "nst.log"}
FOLDERS = {"progress", ".hydra", "inputs"}


def test_every_file_is_there(finished: Answer) -> None:
    assert {path.name for path in finished.run.iterdir()} == FILES | FOLDERS
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
    assert saved.memory == "plain"  # what auto chose, as a rerun must
    settings.memory = "plain"
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
    sha256 = hashlib.sha256(photo.read_bytes()).hexdigest()
    assert content == {"file": str(photo), "sha256": sha256, "copy": "inputs/content.png"}
    assert style["file"] == str(painting)
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
    assert finished.summary["traces"] <= 2


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
    answer = nst(tmp_path, *own_size, "init=content", "init.dither=0", "steps=1")
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
    small: tuple[str, ...], weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noon(calendar.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 6, 27, 12, 0, 0)

    monkeypatch.setattr(hydra.core.utils, "datetime", Noon)
    words = (*small, f"model.weights={weights_file}", "init=noise", "steps=4", "seed=3")
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
    answer = nst(tmp_path, "-m", *small, "objective.style.weight=1,10", "sweep.compare=false")
    assert answer.status == 0, answer.err
    (sweep,) = (tmp_path / "outputs" / "multirun").glob("*/*")
    jobs = [sweep / "0", sweep / "1"]
    assert sorted(path for path in sweep.iterdir() if path.is_dir()) == jobs
    for job, weight in zip(jobs, (1, 10), strict=True):
        assert {path.name for path in job.iterdir()} == FILES | FOLDERS - {"progress"}
        assert json.loads((job / "run.json").read_text())["status"] == "completed"
        assert OmegaConf.load(job / "config.yaml").objective.style.weight == weight
    losses = [json.loads((job / "metrics.jsonl").read_text().splitlines()[0]) for job in jobs]
    assert losses[1]["style/block1_conv1"] == pytest.approx(10 * losses[0]["style/block1_conv1"], rel=1e-5)


def test_version_is_one_that_a_record_can_hold(finished: Answer) -> None:
    version = finished.summary["versions"]["nst_tf"]
    assert version in (nst_tf.__version__, None)  # None: run from a checkout that is not installed


def test_six_runs_of_one_second_have_six_folders(
    small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nst_tf import cli as command

    class Noon(calendar.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 6, 27, 12, 0, 0)

    def run(settings, choices, folder: Path, *_, **__) -> SimpleNamespace:
        (folder / "run.json").touch(exist_ok=False)
        return SimpleNamespace(file=folder / "image.png")

    monkeypatch.setattr(hydra.core.utils, "datetime", Noon)
    monkeypatch.setattr(command, "run", run)
    folders = {nst(tmp_path, *small).run for _ in range(6)}
    assert len(folders) == 6
    assert {folder.name[:9] for folder in folders} == {"12-00-00-"}
    assert {folder.parent for folder in folders} == {tmp_path / "outputs" / "2026-06-27"}
