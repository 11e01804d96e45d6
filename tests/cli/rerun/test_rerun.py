"""A run that is made again is the same bit for bit, wherever its folder went; and what differs is said."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, Answer, nst
from cli.rerun.rerun_command import Told, nst_rerun
from PIL import Image


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, photo: Path) -> Path:
    """A folder with two pictures, in which ``nst`` is called."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "photo.png").write_bytes(photo.read_bytes())
    Image.open(photo).rotate(90, expand=True).save(folder / "start.JPG")
    return folder


def run_of(project: Path, *words: str) -> Answer:
    answer = nst(project, *SMALL, "content=photo.png", *words)
    assert answer.status == 0, answer.err
    return answer


@pytest.fixture(scope="module")
def finished(project: Path) -> Path:
    """The folder of a run from noise, of one file and two bundled pictures, that starts from another file."""
    words = ("style=[samples/mosaic.jpg,photo.png]", "init=file", "init.path=start.JPG", "optimizer=adam")
    return run_of(project, *words).run


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its bytes and the time of its last change."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def again_of(told: Told, folder: Path) -> Path:
    return (folder / told.out.splitlines()[0]).parent


def summary_of(run: Path) -> dict:
    return json.loads((run / "run.json").read_text())


def edited(run: Path, target: Path, **facts: object) -> Path:
    """A copy of the run's folder in which ``run.json`` says something else."""
    shutil.copytree(run, target)
    (target / "run.json").write_text(json.dumps(summary_of(run) | facts))
    return target


def test_inputs_are_copied_with_the_bytes_that_were_hashed(finished: Path, project: Path) -> None:
    inputs = summary_of(finished)["inputs"]
    assert inputs["content"]["copy"] == "inputs/content.png"
    assert [style["file"] for style in inputs["styles"]] == ["samples/mosaic.jpg", "photo.png"]
    assert [style["copy"] for style in inputs["styles"]] == ["inputs/style-0.jpg", "inputs/style-1.png"]
    assert inputs["init"]["file"] == "start.JPG"
    assert (finished / inputs["init"]["copy"]).read_bytes() == (project / "start.JPG").read_bytes()
    assert (finished / "inputs" / "content.png").read_bytes() == (project / "photo.png").read_bytes()


def test_same_machine_same_bits_and_the_first_folder_is_only_read(finished: Path, tmp_path: Path) -> None:
    before = contents(finished)
    told = nst_rerun(tmp_path, finished)
    assert told.status == 0, told.err
    assert "bit-identical" in told.out
    assert "as are the files" in told.out
    assert contents(finished) == before
    again = again_of(told, tmp_path)
    assert again.parts[-3] == "outputs"
    assert (again / "image.png").read_bytes() == (finished / "image.png").read_bytes()
    assert (again / "config.yaml").read_text() == (finished / "config.yaml").read_text()
    assert "loss of the saved picture" in (again / "nst.log").read_text()
    summary = summary_of(again)
    assert summary["rerun_of"] == str(finished.resolve())
    verdict = summary["verdict"]
    assert (verdict["result"], verdict["psnr_db"], verdict["differences"]) == ("bit-identical", None, [])
    assert summary["overrides"] == summary_of(finished)["overrides"]
    assert summary["choices"] == {
        group: option for group, option in summary_of(finished)["choices"].items() if option
    }


def test_deterministic_runs(project: Path, tmp_path: Path) -> None:
    run = run_of(project, "deterministic=true", "init=noise").run
    assert summary_of(run)["deterministic"]
    told = nst_rerun(tmp_path, run)
    assert told.status == 0, told.err
    assert "bit-identical" in told.out


def test_deterministic_is_taken_back_for_the_next_run() -> None:
    from tensorflow.python.framework.config import is_op_determinism_enabled

    from nst_tf.device import set_determinism

    for wanted in (True, False):
        set_determinism(wanted)
        assert is_op_determinism_enabled() == wanted


def test_a_folder_that_moved_needs_nothing_else(finished: Path, tmp_path: Path) -> None:
    moved = edited(finished, tmp_path / "moved", working_folder="/no/such/folder")
    shutil.rmtree(moved / ".hydra")
    told = nst_rerun(tmp_path, moved, "--output", "again")
    assert (told.status, "bit-identical" in told.out) == (0, True), told.err
    # and the folder of the second run is as complete as the first
    shutil.rmtree(moved)
    third = nst_rerun(tmp_path, "again", "--output", "third")
    assert (third.status, "bit-identical" in third.out) == (0, True), third.err


def test_without_copies_pictures_are_found_and_checked(project: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(project, own, ignore=shutil.ignore_patterns("outputs"))
    run = run_of(own, "record.copy_inputs=false").run
    assert not (run / "inputs").exists()
    assert summary_of(run)["inputs"]["content"].keys() == {"file", "sha256"}
    again = nst_rerun(tmp_path, run, "--output", "again")
    assert (again.status, "bit-identical" in again.out) == (0, True), again.err
    # a repetition knows where its pictures are, too
    assert nst_rerun(tmp_path, "again", "--output", "third").status == 0
    Image.open(own / "photo.png").transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(own / "photo.png")
    changed = nst_rerun(tmp_path, run, "--output", "changed")
    assert changed.status == 1
    assert "photo.png is not what it was" in changed.err
    assert "photo.png has changed" in changed.out
    assert "SHA-256 of the content picture" in changed.out
    assert summary_of(tmp_path / "changed")["verdict"]["changed_pictures"] == ["photo.png"]
    (own / "photo.png").unlink()
    missing = nst_rerun(tmp_path, run, "--output", "missing")
    assert missing.status == 2
    assert "photo.png is missing" in missing.sentence
    assert not (tmp_path / "missing").exists()


def test_what_differs_is_measured_and_named(finished: Path, tmp_path: Path) -> None:
    facts = summary_of(finished)
    facts["versions"] |= {"tensorflow": "2.18.0"}
    facts["machine"] |= {"processor": "Another Processor\nwith lines"}
    facts["weights"] |= {"sha256": "0" * 64}
    run = edited(finished, tmp_path / "other", **facts)
    result = np.asarray(Image.open(run / "image.png").convert("RGB")).astype(int)
    change = np.random.default_rng(0).integers(-9, 10, result.shape)
    other = np.clip(result + change, 0, 255)
    Image.fromarray(other.astype(np.uint8)).save(run / "image.png")
    expected = 10 * math.log10(255**2 / np.mean((other - result) ** 2))
    told = nst_rerun(tmp_path, run, "--tolerance", f"{expected - 0.01}", "--output", "within")
    assert told.status == 0, told.out
    assert f"PSNR {expected:.2f} dB, within" in told.out
    for line in (
        "different: tensorflow: 2.18.0 then, ",
        "different: processor: Another Processor with lines then, ",
        f"different: SHA-256 of the weights: {'0' * 64} then",
    ):
        assert line in told.out
    beyond = nst_rerun(tmp_path, run, "--tolerance", f"{expected + 0.01}", "--output", "beyond")
    assert beyond.status == 1
    verdict = summary_of(tmp_path / "beyond")["verdict"]
    assert verdict["result"] == "different"
    assert verdict["psnr_db"] == pytest.approx(expected, abs=0.001)


def test_a_sweep_is_repeated_in_one_call(project: Path, tmp_path: Path) -> None:
    words = ("objective.style.weight=1,10", "optimizer=lbfgs,adam", "sweep.compare=false")
    answer = nst(project, "-m", *SMALL, "content=photo.png", *words, f"hydra.sweep.dir={tmp_path / 'sweep'}")
    assert answer.status == 0, answer.err
    sweep = tmp_path / "sweep"
    # its jobs have one copy of each picture between them
    assert (sweep / "3" / "inputs" / "content.png").stat().st_nlink == 4
    cut = summary_of(sweep / "2") | {"status": "interrupted"}
    (sweep / "2" / "run.json").write_text(json.dumps(cut))
    told = nst_rerun(tmp_path, sweep, "--output", "again")
    assert told.status == 0, told.err
    assert f"the run in {sweep / '2'} was interrupted: left out" in told.err
    assert "3 of 3 bit-identical; 1 left out" in told.out
    assert told.out.count("bit-identical") == 4
    for name in ("0", "1", "3"):
        pictures = [(folder / name / "image.png").read_bytes() for folder in (sweep, tmp_path / "again")]
        assert pictures[0] == pictures[1]
    record = json.loads((tmp_path / "again" / "sweep.json").read_text())
    assert record["rerun_of"] == str(sweep)
    assert [(job["folder"], job["status"]) for job in record["jobs"]] == [
        ("0", "completed"),
        ("1", "completed"),
        ("3", "completed"),
    ]
    # single runs of it, too
    assert "bit-identical" in nst_rerun(tmp_path, sweep / "3", "--output", "single").out


def test_a_run_that_fails_does_not_stop_the_others(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nst_tf.rerun import rerun as room

    for name in ("0", "1", "2"):
        edited(finished, tmp_path / "sweep" / name, overrides=[f"seed={name}"])
    run = room.run

    def failing(settings, choices, folder, overrides, **more):
        if overrides == ("seed=1",):
            raise MemoryError("no room")
        return run(settings, choices, folder, overrides, **more)

    monkeypatch.setattr(room, "run", failing)
    told = nst_rerun(tmp_path, "sweep", "--output", "again")
    assert told.status == 1
    assert "run 1: failed, MemoryError: no room" in told.err
    assert "2 of 3 bit-identical" in told.out
    record = json.loads((tmp_path / "again" / "sweep.json").read_text())
    assert [job["status"] for job in record["jobs"]] == ["completed", "failed", "completed"]
    assert record["jobs"][1]["error"] == "MemoryError: no room"


def test_an_exported_run_gives_the_same_picture(finished: Path, tmp_path: Path) -> None:
    run = edited(finished, tmp_path / "run")
    assert nst_rerun(tmp_path, run, "--export", "my study (1).yaml").status == 0
    answer = nst(tmp_path, "experiment=my study (1).yaml")
    assert answer.status == 0, answer.err
    pixels = [np.asarray(Image.open(folder / "image.png")) for folder in (run, answer.run)]
    assert np.array_equal(*pixels)


def test_folders_that_are_refused(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").touch()
    without = edited(finished, tmp_path / "without")
    (without / "image.png").unlink()
    failed = edited(finished, tmp_path / "failed", status="failed")
    cases: dict[tuple[str, ...], str] = {
        ("nowhere",): "nowhere is not a folder",
        ("empty",): "neither the folder of a run nor of a sweep",
        (str(finished), "--output", "taken"): "taken is there already",
        (str(finished), "--output", str(finished / "again")): "is left as it is",
        (str(finished), "--output", "taken/mine.txt/x"): "can't write to the folder",
        (str(finished), "--tolerance", "nan"): "at least 0 dB, but is nan",
        (str(finished), "--tolerance", "good"): "'good'",
        (str(without),): "image.png does not exist",
        (str(failed),): f"the run in {failed} failed: only completed runs are repeated",
        (): "required: FOLDER",
    }
    for words, said in cases.items():
        told = nst_rerun(tmp_path, *words)
        assert told.status == 2, words
        assert said in told.sentence, words
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "taken", "without", "failed"}
