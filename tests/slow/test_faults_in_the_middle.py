"""The disk and the memory of the machine end while a run or a sweep goes on."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest
from cli.bad_disks import small_files
from cli.command_line import nst
from cli.faults import LONG, assert_nothing_half_written, no_memory, sentence

from nst_tf.callbacks import Recording


@pytest.mark.slow
def test_files_that_can_not_grow_any_more(small: tuple[str, ...], tmp_path: Path, monkeypatch) -> None:
    """As where a quota is used up in the middle: what root sees of the small disk above, any user can see."""
    report = Recording.on_report
    with ExitStack() as limits:

        def until_it_is_used_up(self, one, solver) -> None:
            if one.step == 20:
                limits.enter_context(small_files())
            report(self, one, solver)

        monkeypatch.setattr(Recording, "on_report", until_it_is_used_up)
        said = sentence(nst(tmp_path, *small, *LONG, "hydra.run.dir=run"))
    monkeypatch.undo()
    assert said.startswith("nst: there is no room on the disk for ")
    assert said.endswith("free some, then go on with: nst resume=run")
    assert_nothing_half_written(tmp_path / "run")
    assert not (tmp_path / "run" / "image.png").exists()
    resumed = nst(tmp_path, "resume=run")
    assert resumed.status == 0, resumed.err
    whole = nst(tmp_path, *small, *LONG, "hydra.run.dir=whole")
    assert (resumed.run / "image.png").read_bytes() == (whole.run / "image.png").read_bytes()


@pytest.mark.slow
def test_the_rest_of_a_sweep_goes_on(small: tuple[str, ...], tmp_path: Path, monkeypatch) -> None:
    from nst_tf import recorded_run

    optimize = recorded_run.optimize

    def with_little_memory(experiment, *others):
        if experiment.size > 40:
            no_memory()
        return optimize(experiment, *others)

    monkeypatch.setattr(recorded_run, "optimize", with_little_memory)
    words = [word for word in small if not word.startswith("image.size")]
    answer = nst(
        tmp_path, "-m", *words, "image.size=32,48,36", "hydra.sweep.dir=sweep", "sweep.compare=false"
    )
    assert answer.status == 1
    states = [json.loads((tmp_path / "sweep" / str(job) / "run.json").read_text()) for job in range(3)]
    assert [state["status"] for state in states] == ["completed", "failed", "completed"]
    assert "there was not enough memory for image.size=48" in states[1]["error"]
    assert "try image.size=" in answer.err
    assert "Traceback" not in answer.err
