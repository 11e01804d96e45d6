"""Animations: one run, one folder, frame after frame."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, Answer, keep_sizes, nst
from PIL import Image

from nst_tf.process_cache import CACHE
from nst_tf.runs.folder import RunFolder

SECONDS = (100, 50, 100, 200)  # milliseconds


@pytest.fixture(scope="module")
def views(photo: Path) -> list[Image.Image]:
    """Four views of a picture, each 2 pixels further to the right."""
    with Image.open(photo) as opened:
        large = opened.convert("RGB").resize((80, 64), Image.Resampling.BICUBIC)
    return [large.crop((2 * index, 4, 2 * index + 60, 52)) for index in range(4)]


@pytest.fixture(scope="module")
def flowed(tmp_path_factory: pytest.TempPathFactory, views: list[Image.Image], painting: Path) -> Answer:
    folder = tmp_path_factory.mktemp("flowed")
    views[0].save(folder / "pan.gif", save_all=True, append_images=views[1:], duration=SECONDS, loop=3)
    CACHE.forget_sizes()  # what is traced is counted
    answer = nst(folder, "content=pan.gif", f"style={painting}", *SMALL, "video=flow", "video.steps=3")
    assert answer.status == 0, answer.err
    return answer


def frames(run: Path) -> list[np.ndarray]:
    return [np.asarray(Image.open(file)) for file in sorted((run / "frames").iterdir())]


def test_the_folder_of_an_animation(flowed: Answer) -> None:
    assert flowed.out.strip().endswith("animation.gif")
    made = frames(flowed.run)
    assert len(made) == 4
    assert not any(np.array_equal(made[0], other) for other in made[1:])
    np.testing.assert_array_equal(np.asarray(Image.open(flowed.run / "image.png")), made[0])
    with Image.open(flowed.run / "animation.gif") as animation:
        shown = []
        for index in range(animation.n_frames):
            animation.seek(index)
            shown.append(animation.info["duration"])
        assert tuple(shown) == SECONDS
        assert animation.info["loop"] == 3
    rows = flowed.rows
    assert [row["frame"] for row in rows] == [1] * 2 + [2] * 3 + [3] * 3 + [4] * 3
    assert [row["step"] for row in rows] == list(range(11))
    assert [row["seconds"] for row in rows] == sorted(row["seconds"] for row in rows)
    assert all(row["temporal"] == 0 for row in rows[:2])
    assert all(rows[last]["temporal"] > 0 for last in (4, 7, 10))
    summary = flowed.summary
    assert (summary["status"], summary["steps"], summary["traces"]) == ("completed", 11, 1)
    assert [one["frame"] for one in summary["animation"]["made"]] == [1, 2, 3, 4]
    assert all(one["warping_error"] > 0 for one in summary["animation"]["made"][1:])
    assert summary["animation"]["broken"] == []
    assert summary["loss_of_saved_picture"] == summary["animation"]["made"][0]["loss"]


def test_a_killed_one_goes_on_at_its_frame(flowed: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    frame_picture, folder = RunFolder.frame_picture, flowed.folder

    def killed(self, number: int, pixels: np.ndarray) -> Path:
        if number == 3:
            raise KeyboardInterrupt
        return frame_picture(self, number, pixels)

    style = flowed.summary["inputs"]["styles"][0]["file"]
    words = ("content=pan.gif", f"style={style}", *SMALL, "video=flow", "video.steps=3", "hydra.run.dir=cut")
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "frame_picture", killed)
        answer = nst(folder, *words)
    assert answer.status == 130
    assert "resume=cut" in answer.err
    assert len(frames(folder / "cut")) == 2
    answer = nst(folder, "resume=cut")
    assert answer.status == 0, answer.err
    for mine, whole in zip(frames(folder / "cut"), frames(flowed.run), strict=True):
        np.testing.assert_array_equal(mine, whole)
    whole = [{key: value for key, value in row.items() if key != "seconds"} for row in flowed.rows]
    assert [{key: value for key, value in row.items() if key != "seconds"} for row in answer.rows] == whole
    assert answer.summary["animation"]["made"] == flowed.summary["animation"]["made"]
    assert answer.summary["resumed_at_step"] == 5
    assert not (folder / "cut" / "checkpoint.npz").exists()


def test_a_broken_frame_in_the_middle(tmp_path: Path, views: list[Image.Image], painting: Path) -> None:
    (tmp_path / "in").mkdir()
    for index, view in enumerate(views):
        view.save(tmp_path / "in" / f"frame {index + 9}.png")  # 9, 10, 11, 12
    whole = (tmp_path / "in" / "frame 10.png").read_bytes()
    (tmp_path / "in" / "frame 10.png").write_bytes(whole[: len(whole) // 2])
    words = (f"style={painting}", *SMALL, "record.animation=a.webp")
    answer = nst(tmp_path, "content=in/frame %d.png", "video=previous", *words)
    assert answer.status == 0, answer.err
    assert "frame 10.png" in answer.err
    made, told = frames(answer.run), answer.summary["animation"]
    assert len(made) == 4
    np.testing.assert_array_equal(made[1], made[0])
    assert [one["frame"] for one in told["broken"]] == [2]
    assert "frame 10.png" in told["broken"][0]["error"]
    assert [one["frame"] for one in told["made"]] == [1, 3, 4]
    with Image.open(answer.run / "a.webp") as animation:
        assert animation.n_frames in (3, 4)  # a frame that is repeated may be stored once
    # made again from the copies alone, without the originals
    for file in (tmp_path / "in").iterdir():
        file.unlink()
    again = again_of(tmp_path, answer.run)
    assert [one["loss"] for one in again["animation"]["made"]] == [one["loss"] for one in told["made"]]


def again_of(folder: Path, run: Path) -> dict:
    """``nst-rerun RUN``; its summary."""
    from nst_tf.rerun.cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        keep_sizes(patch)
        with pytest.raises(SystemExit) as stop:
            main([str(run)])
        assert stop.value.code == 0  # the same picture bit for bit
    newest = max(folder.rglob("run.json"), key=lambda file: file.stat().st_mtime_ns)
    assert newest.parent != run
    return json.loads(newest.read_text())


def test_independent_frames_are_those_of_single_runs(
    tmp_path: Path, views: list[Image.Image], painting: Path
) -> None:
    for index, view in enumerate(views[:2]):
        view.save(tmp_path / f"{index}.png")
    words = (f"style={painting}", *SMALL)
    both = nst(tmp_path, "content=?.png", "video=independent", *words)
    assert both.status == 0, both.err
    for index, frame in enumerate(frames(both.run)):
        single = nst(tmp_path, f"content={index}.png", *words)
        np.testing.assert_array_equal(np.asarray(Image.open(single.run / "image.png")), frame)


def test_frames_that_make_no_animation_are_refused(tmp_path: Path, views: list[Image.Image]) -> None:
    (tmp_path / "in").mkdir()
    views[0].save(tmp_path / "in" / "1.png")
    answer = nst(tmp_path, "content=in", "video=previous", *SMALL)
    assert answer.status == 2
    assert "at least 2 frames" in answer.err
    views[1].save(tmp_path / "in" / "2.png")
    views[2].resize((30, 24)).save(tmp_path / "in" / "3.png")
    answer = nst(tmp_path, "content=in", "video=previous", *SMALL)
    assert answer.status == 2
    assert "in/1.png has 60 x 48 pixels and in/3.png has 30 x 24" in answer.err
    for name in "123":
        (tmp_path / "in" / f"{name}.png").write_bytes(b"no picture")
    answer = nst(tmp_path, "content=in", "video=previous", *SMALL)
    assert answer.status == 2
    assert "none of 3 frames" in answer.err
    answer = nst(tmp_path, "content=samples/landscape.jpg", "video=previous", *SMALL)
    assert answer.status == 2
    assert "has one frame" in answer.err
    answer = nst(tmp_path, "content=samples/landscape.jpg", "record.animation=a.mp4", *SMALL)
    assert answer.status == 2
    assert "record.animation" in answer.err
    assert not (tmp_path / "outputs").exists()
