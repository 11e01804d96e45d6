"""What TensorBoard is told by the command line, of a run that is stopped and resumed."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import SMALL, nst
from omegaconf import OmegaConf
from PIL import Image
from unit.loggers.event_files import read_folder

from nst_tf.callbacks import Recording


def test_the_command_line_tells_of_a_run_that_is_stopped_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(BaseException):
        """Stands for the end of the process."""

    recorded = Recording.on_report

    def stopping(self, one, solver) -> None:
        recorded(self, one, solver)
        if one.step == 3:
            raise Stopped

    words = (
        *SMALL,
        "steps=6",
        "optimizer=sgd_exponential",
        "record.checkpoint_every=1e-9",
        "record.image_every=2",
    )
    monkeypatch.setattr(Recording, "on_report", stopping)
    with pytest.raises(Stopped):
        nst(tmp_path, *words, "hydra.run.dir=run", "logger=tensorboard")
    monkeypatch.undo()
    folder = tmp_path / "run"
    assert [event.step for event in read_folder(folder).Scalars("loss")] == [0, 1, 2, 3]
    answer = nst(tmp_path, "resume=run")
    assert answer.status == 0, answer.err
    events = read_folder(folder)
    losses = {event.step: event.value for event in events.Scalars("loss")}
    assert len(events.Scalars("loss")) == 6
    assert losses == {row["step"]: pytest.approx(row["loss"]) for row in answer.rows}
    schedule = OmegaConf.load(folder / "config.yaml").optimizer.learning_rate
    rates = {event.step: event.value for event in events.Scalars("run/learning_rate")}
    assert {1, 3, 5} <= rates.keys()  # calls end at every other step, for the pictures
    for step, rate in rates.items():  # of the next update
        decay = schedule.decay_rate ** ((step + 1) / schedule.decay_steps)
        assert rate == pytest.approx(schedule.initial_learning_rate * decay)
    assert [event.step for event in events.Images("pictures/progress")] == [2, 4, 6]
    (result,) = events.Images("pictures/result")
    with (
        Image.open(io.BytesIO(result.encoded_image_string)) as told,
        Image.open(folder / "image.png") as saved,
    ):
        assert np.array_equal(np.asarray(told), np.asarray(saved))
    assert events.Scalars("as_saved/loss")[0].value == pytest.approx(answer.summary["loss_of_saved_picture"])
