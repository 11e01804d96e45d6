"""What is damaged in a run's folder is told before anything runs, by the name of the file that is damaged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.command_line import SMALL, nst
from cli.rerun.rerun_command import nst_rerun
from PIL import Image

from nst_tf.errors import InputError
from nst_tf.runs.saved_run import resumable


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, photo: Path) -> Path:
    """A folder with a picture, and a run of it in ``run``."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copy(photo, folder / "photo.png")
    answer = nst(folder, *SMALL, "content=photo.png", "hydra.run.dir=run")
    assert answer.status == 0, answer.err
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it, where a run looks for its pictures in the copy."""
    shutil.copytree(made, tmp_path / "here")
    path = tmp_path / "here" / "run" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"working_folder": str(tmp_path / "here")}))
    return tmp_path / "here"


def other_picture(path: Path) -> None:
    Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


# case: (what is done to the saved picture, what the sentence must say)
SAVED_PICTURES: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "0 bytes"),
    "cut in half": (cut_in_half, "image.png"),
    "a text": (lambda path: path.write_text("text"), "not a picture"),
    "of another size": (
        lambda path: Image.open(path).resize((20, 30)).save(path),
        "run/image.png has 30 x 20 pixels (height x width), and had 26 x 32 when",
    ),
}


@pytest.mark.parametrize(("change", "said"), SAVED_PICTURES.values(), ids=SAVED_PICTURES)
def test_a_saved_picture_that_can_not_be_compared_with(
    change: Callable[[Path], object], said: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nst_tf.rerun.rerun.run", lambda *_, **__: pytest.fail("it runs"))
    change(folder / "run" / "image.png")
    told = nst_rerun(folder, "run")
    assert told.status == 2
    assert "run/image.png" in told.sentence
    assert said in told.sentence
    assert not (folder / "outputs").exists()


def test_one_of_a_sweep_keeps_all_from_running(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nst_tf.rerun.rerun.run", lambda *_, **__: pytest.fail("it runs"))
    for name in ("0", "1"):
        shutil.copytree(folder / "run", folder / "sweep" / name)
    (folder / "sweep" / "1" / "image.png").write_bytes(b"")
    told = nst_rerun(folder, "sweep")
    assert told.status == 2
    assert "sweep/1/image.png" in told.sentence
    assert not (folder / "outputs").exists()


def test_a_copy_that_is_gone_with_its_original(folder: Path) -> None:
    (folder / "run" / "inputs" / "content.png").unlink()
    (folder / "photo.png").unlink()
    said = (
        "run/inputs/content.png is missing, and so is photo.png, its original, as seen from"
        f" {folder}: put one of them back"
    )
    for words in ((), ("--export", "x.yaml")):
        told = nst_rerun(folder, "run", *words)
        assert told.status == 2
        assert told.sentence == f"nst-rerun: {said}"
    assert {path.name for path in folder.iterdir()} == {"run"}


def test_a_copy_that_was_replaced_and_whose_original_is_gone(folder: Path) -> None:
    other_picture(folder / "run" / "inputs" / "content.png")
    (folder / "photo.png").unlink()
    told = nst_rerun(folder, "run", "--output", "again")
    assert told.status in (0, 1)
    assert (
        "run/inputs/content.png, the copy of photo.png, is not what it was when the run was made" in told.err
    )
    assert "run/inputs/content.png, the copy of photo.png, has changed since" in told.out
    assert "the picture photo.png" not in told.out + told.err
    refused = nst_rerun(folder, "run", "--export", "x.yaml")
    assert "run/inputs/content.png, the copy of photo.png, is not what it was" in refused.sentence


@pytest.mark.parametrize(
    ("change", "said"), [(Path.unlink, "is missing"), (other_picture, "is not what it was")]
)
def test_a_damaged_copy_whose_original_serves(change, said: str, folder: Path) -> None:
    change(folder / "run" / "inputs" / "content.png")
    line = f"run/inputs/content.png {said}: {folder / 'photo.png'} serves in its place"
    told = nst_rerun(folder, "run", "--output", "again")
    assert (told.status, "bit-identical" in told.out) == (0, True)
    assert told.err.splitlines()[0] == f"nst-rerun: {line}"
    shutil.copytree(folder / "run", folder / "sweep" / "0")
    told = nst_rerun(folder, "sweep", "--export", "x.yaml")
    assert told.status == 0, told.err
    assert told.sentence == f"nst-rerun: sweep/0/{line.removeprefix('run/')}"


def test_going_on_names_them_too(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = folder / "run"
    (run / "run.json").write_text((run / "run.json").read_text().replace('"completed"', '"interrupted"'))
    other_picture(run / "inputs" / "content.png")
    resumable(run)
    assert [record.message for record in caplog.records] == [
        f"{run}/inputs/content.png is not what it was: {folder}/photo.png serves in its place"
    ]
    (folder / "photo.png").unlink()
    with pytest.raises(
        InputError, match=r"run/inputs/content.png, the copy of photo.png, is not what it was"
    ):
        resumable(run)
    (run / "inputs" / "content.png").unlink()
    with pytest.raises(InputError, match=r"run/inputs/content.png is missing, and so is photo.png"):
        resumable(run)
