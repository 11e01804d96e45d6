"""A sweep over ``color``: no job takes anything from another."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import nst
from cli.test_color_of_runs import finished, levels

from nst_tf.compare.reading import read_runs
from nst_tf.compare.tables import varying


@pytest.mark.slow
def test_jobs_of_one_process_do_not_mix_and_are_told_apart(small: tuple[str, ...], tmp_path: Path) -> None:
    """Each as it is alone, and compared by this group."""
    sweep = tmp_path / "sweep"
    order = "luminance,none,only,match_style_to_content"
    answer = nst(tmp_path, "-m", *small, f"color={order}", f"hydra.sweep.dir={sweep}", "sweep.compare=false")
    assert answer.status == 0, answer.err
    alone = finished(tmp_path, *small, "color=luminance")
    assert alone.summary["traces"] == 0  # it took the compiled step of the first job
    jobs = [sweep / str(number) for number in range(4)]
    np.testing.assert_array_equal(levels(jobs[0] / "image.png"), levels(alone.run / "image.png"))
    assert varying(read_runs(jobs)) == ["color"]
    pictures = {levels(job / "image.png").tobytes() for job in jobs}
    assert len(pictures) == 4
    losses = [json.loads((job / "run.json").read_text())["loss_of_saved_picture"] for job in jobs]
    assert np.isfinite(losses).all()
