"""Event files, read back by TensorBoard's own reader."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from unit.loggers.recorded_run import SUMMARY, pixels, recorded_run, report, solver

pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, metadata
from unit.loggers.event_files import read_folder

from nst_tf.loggers.tensorboard import TensorBoard


def told(run, steps: range, finish: str | None = "completed", first_of_size: int | None = None) -> None:
    """Tell a new logger of the run's steps, and how it ends."""
    logger = TensorBoard()
    logger.begin(run)
    logger.on_scale(None, 20, 30)
    for step in steps:
        if step == first_of_size:
            logger.on_scale(None, 40, 60)
        logger.on_report(report(step), solver(step / 10))
    if finish is not None:  # else it is killed
        logger.finish(finish, SUMMARY, run.folder / "image.png")


def read(run) -> EventAccumulator:
    return read_folder(run.folder)


def grey(event) -> tuple[tuple[int, int], float]:
    """Size and one level of a picture that is one grey."""
    with Image.open(io.BytesIO(event.encoded_image_string)) as image:
        return image.size, float(np.asarray(image)[0, 0, 0]) / 255


def session(events: EventAccumulator, tag: str):
    return events.summary_metadata[tag].plugin_data.content


def test_everything_of_a_run_is_there(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    told(run, range(4), first_of_size=2)
    events = read(run)
    scalars = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    assert scalars["loss"] == [(0, 10), (1, 9), (2, 8), (3, 7)]
    assert scalars["content/block4_conv2"] == [(0, 2.5), (1, 2.25), (2, 2), (3, 1.75)]
    assert scalars["run/size"] == [(step, 30) for step in range(4)]
    assert scalars["run/learning_rate"] == [(step, pytest.approx(0.02)) for step in range(4)]
    assert scalars["run/steps_per_second"] == [(1, 2), (3, 2)]  # half a second each; none at 0 and 2
    assert scalars["as_saved/loss"] == [(4, 1.25)]
    assert scalars["as_saved/style/block1_conv1"] == [(4, 1)]
    pictures = {
        tag: [(e.step, *grey(e)) for e in events.Images(f"pictures/{tag}")]
        for tag in ("content", "style", "progress", "result")
    }
    near = pytest.approx
    assert pictures["content"] == [(0, (30, 20), 0)]
    assert pictures["style"] == [(0, (15, 25), 1)]
    assert pictures["progress"] == [
        (2, (30, 20), near(0.1, abs=1 / 255)),
        (4, (30, 20), near(0.3, abs=1 / 255)),
    ]
    assert pictures["result"] == [(4, (30, 20), near(0.6))]


def test_hparams_are_what_was_asked_for(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "sweep" / "3")
    told(run, range(4))
    events = read(run)
    start = metadata.parse_session_start_info_plugin_data(session(events, metadata.SESSION_START_INFO_TAG))
    assert start.hparams["optimizer"].string_value == "adam"
    assert start.hparams["steps"].number_value == 4
    assert set(start.hparams) == {"optimizer", "steps"}
    assert start.group_name == "sweep/3"
    end = metadata.parse_session_end_info_plugin_data(session(events, metadata.SESSION_END_INFO_TAG))
    assert end.status == api_pb2.STATUS_SUCCESS


def test_a_resumed_run_makes_void_what_came_after_its_checkpoint(tmp_path: Path, monkeypatch) -> None:
    run = recorded_run(tmp_path / "run")
    clock = iter(range(2_000_000_000, 2_000_001_000))
    monkeypatch.setattr("tensorboard.summary.writer.event_file_writer.time.time", lambda: next(clock))
    told(run, range(4), finish=None)
    told(replace(run, resumed_at=2), range(2, 6), finish=None)
    events = read(run)
    assert [event.step for event in events.Scalars("loss")] == [0, 1, 2, 3, 4, 5]
    # that of step 2 was told of before the checkpoint, and is told again from the run's folder
    progress = [(event.step, round(grey(event)[1], 1)) for event in events.Images("pictures/progress")]
    assert progress == [(2, 0.2), (4, 0.3), (6, 0.5)]
    assert [event.step for event in events.Images("pictures/content")] == [0]
    assert metadata.SESSION_START_INFO_TAG in events.summary_metadata


def test_a_run_that_begins_anew_forgets_the_old_one(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    told(run, range(6), finish="failed")
    told(run, range(2), finish="failed")
    events = read(run)
    assert [event.step for event in events.Scalars("loss")] == [0, 1]
    assert metadata.SESSION_END_INFO_TAG not in events.summary_metadata  # it may be resumed yet


def test_a_run_without_a_picture_and_a_loss_that_is_infinite(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    logger = TensorBoard()
    logger.begin(replace(run, image_every=0))
    logger.on_report(report(0, float("inf")), solver())
    logger.finish("failed", {"status": "failed", "error": "x"}, None)
    assert [event.value for event in read(run).Scalars("loss")] == [float("inf")]


def test_pictures_are_rounded_as_the_saved_ones(tmp_path: Path) -> None:
    run = replace(recorded_run(tmp_path / "run"), pictures={"content": pixels(0.5)})
    told(run, range(0))
    (content,) = read(run).Images("pictures/content")
    assert grey(content)[1] == 128 / 255  # 127.5 halves up
