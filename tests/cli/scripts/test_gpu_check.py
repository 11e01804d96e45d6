"""The command that checks a GPU: what of it can be seen without one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from gpu_checks.checks import copies_in
from gpu_checks.table import failures, rows
from tensorflow.tsl.profiler.protobuf import xplane_pb2

SCRIPT = Path(__file__).parents[3] / "scripts" / "gpu_check.py"


def profile(plane_name: str, *events: str) -> bytes:
    """A profile of one plane with these events, in the form that TensorFlow writes."""
    space = xplane_pb2.XSpace()
    plane = space.planes.add(name=plane_name)
    line = plane.lines.add(name="Stream #14")
    for index, name in enumerate(events):
        plane.event_metadata[index].name = name
        line.events.add(metadata_id=index)
    return space.SerializeToString()


def test_copies_to_the_host_are_counted_in_a_profile() -> None:
    events = ("MemcpyH2D", "MemcpyD2H", "void cudnn::kernel", "MemcpyD2H", "MemcpyD2D")
    assert copies_in(profile("/device:GPU:0", *events)) == 2
    assert copies_in(profile("/host:CPU", *events)) == 0


def test_the_table_has_every_combination_and_begins_with_what_matters_most() -> None:
    found = list(rows((256, 512), ("float32", "TF32", "bfloat16")))
    assert len(set(found)) == len(found) == 2 * 3 * 3
    assert not any(row.jit_compile or row.layout != "chosen" for row in found[:6])
    assert {row.precision for row in found} == {"float32", "bfloat16"}


def test_a_row_without_a_figure_fails() -> None:
    assert failures([{"ms_a_step": 1.0}])[0].holds
    assert not failures([{"ms_a_step": 1.0}, {"error": "the budget was over"}])[0].holds


@pytest.mark.slow
def test_without_a_gpu_it_ends_with_3_and_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--output", str(tmp_path)],
        env={"PYTHONPATH": str(SCRIPT.parents[1]), "PATH": "/usr/bin:/bin", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout.strip() == "TensorFlow sees no GPU here: --device cpu rehearses everything on the CPU."
    assert list(tmp_path.iterdir()) == []
