"""A full or read-only disk, a folder that goes away, another process, no memory: each really happens."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli.bad_disks import fill, read_only, small_disk, small_files
from cli.command_line import environment, nst
from cli.faults import LONG, assert_nothing_half_written, no_memory, sentence

from nst_tf.optim.step import CompiledStep
from nst_tf.runs.folder import FolderInUse, alone_in, claim, release


@pytest.mark.slow
def test_a_disk_that_fills_up_while_it_runs(small: tuple[str, ...], tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as is_small:
        if not is_small:
            pytest.skip("only root can mount a disk of 1 MB; small files are tested below")
        run = tmp_path / "disk" / "run"
        filler = fill(tmp_path / "disk", leave=300_000)
        said = sentence(nst(tmp_path, *small, *LONG, "hydra.run.dir=disk/run"))
        assert said.startswith("nst: there is no room on the disk for ")
        assert said.endswith("free some, then go on with: nst resume=disk/run")
        assert_nothing_half_written(run)
        assert not (run / "image.png").exists()
        made = len(list((run / "progress").iterdir()))
        assert 3 < made < 60
        filler.unlink()
        resumed = nst(tmp_path, "resume=disk/run")
        assert resumed.status == 0, resumed.err
        whole = nst(tmp_path, *small, *LONG, "hydra.run.dir=whole")
        assert (run / "image.png").read_bytes() == (whole.run / "image.png").read_bytes()
        both = [{path.name for path in (one / "progress").iterdir()} for one in (run, whole.run)]
        assert both[0] == both[1]


def test_files_that_can_not_grow(small: tuple[str, ...], tmp_path: Path) -> None:
    """As under a quota: the first file of the run itself does not fit."""
    with small_files():
        said = sentence(nst(tmp_path, *small, "hydra.run.dir=run"))
    assert "there is no room on the disk for " in said
    assert "run it again" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("leave", [0, 20_000])
def test_a_disk_that_is_full_before_it_begins(leave: int, small: tuple[str, ...], tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as is_small:
        if not is_small:
            pytest.skip("only root can mount a disk of 1 MB; small files are tested above")
        fill(tmp_path / "disk", leave)
        said = sentence(nst(tmp_path, *small, "hydra.run.dir=disk/run"))
        assert "there is no room on the disk for " in said
        assert [path.name for path in (tmp_path / "disk").iterdir()] == ["filler"]


@pytest.mark.parametrize("where", ["disk/run", "disk"])
def test_a_disk_that_can_only_be_read(where: str, small: tuple[str, ...], tmp_path: Path) -> None:
    with read_only(tmp_path / "disk"):
        said = sentence(nst(tmp_path, *small, f"hydra.run.dir={where}"))
        assert "can't write to the folder" in said
        assert "disk" in said


def test_a_folder_of_the_kernel(small: tuple[str, ...], tmp_path: Path) -> None:
    """Its mode lets root write, and it lets nobody."""
    said = sentence(nst(tmp_path, *small, "hydra.run.dir=/proc/nst/run"))
    assert "/proc/nst" in said
    assert "choose another" in said


def test_a_folder_that_is_taken_away(small: tuple[str, ...], tmp_path: Path, monkeypatch) -> None:
    from nst_tf.callbacks import Display

    def take_away(*_: object) -> None:
        shutil.rmtree(tmp_path / "run", ignore_errors=True)

    monkeypatch.setattr(Display, "on_report", take_away)
    said = sentence(nst(tmp_path, *small, "hydra.run.dir=run", "steps=3"))
    assert said == (
        "nst: the run's folder run is gone: somebody took it away while the run went on; begin it anew"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_clock_that_is_set_back(small: tuple[str, ...], tmp_path: Path, monkeypatch) -> None:
    hours = iter(range(1_000_000))
    monkeypatch.setattr(time, "time", lambda: 1e9 - 3600 * next(hours))
    answer = nst(tmp_path, *small, "steps=4")
    assert answer.status == 0, answer.err
    seconds = [row["seconds"] for row in answer.rows]
    assert seconds == sorted(seconds)
    assert seconds[0] >= 0
    assert all(0 <= value < 60 for value in answer.summary["seconds"].values())


def test_no_duration_is_measured_by_the_calendar() -> None:
    """``time.time`` jumps: it dates events for loggers, and judges files that another machine wrote."""
    package = Path(__file__).parents[2] / "nst_tf"
    users = {path.name for path in package.rglob("*.py") if "time.time()" in path.read_text(encoding="utf-8")}
    assert users == {"state.py", "mlflow.py", "tensorboard.py"}


HOLDER = """
import sys, time
from pathlib import Path
from nst_tf.runs.folder import claim
claim(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


@contextmanager
def held(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process is at the folder."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        yield holder
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_process_is_refused_until_the_first_is_gone(small: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    words = (*small, "hydra.run.dir=run")
    with held(tmp_path / "run") as first:
        said = sentence(nst(tmp_path, *words))
        assert "another process is at the run in" in said
        assert contents(tmp_path) == {}
        first.send_signal(signal.SIGKILL)
        first.wait()
        answer = nst(tmp_path, *words)
        assert answer.status == 0, answer.err
    # and so is one that would go on with it
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps(summary | {"status": "interrupted"}))
    before = contents(tmp_path / "run")
    with held(tmp_path / "run"):
        assert "another process is at the run in" in sentence(nst(tmp_path, "resume=run"))
        assert contents(tmp_path / "run") == before
    release(claim(tmp_path / "run"))  # of the kernel's locks nothing is left


def open_files() -> int:
    listed = Path("/proc/self/fd")
    return len(list(listed.iterdir())) if listed.exists() else 0


def test_a_process_may_claim_twice_and_leaves_no_file_open(tmp_path: Path) -> None:
    opened = open_files()
    for _ in range(3):
        assert claim(tmp_path) == claim(tmp_path)
        release(claim(tmp_path))

    (tmp_path / "a").mkdir()
    with alone_in(tmp_path / "a"):
        (tmp_path / "a").rmdir()
    with alone_in(tmp_path / "a"):  # which is not there
        pass
    assert open_files() == opened
    assert list(tmp_path.iterdir()) == []
    assert issubclass(FolderInUse, ValueError)


def test_too_little_memory_names_the_size_that_fits(
    small: tuple[str, ...], tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(CompiledStep, "__call__", no_memory)
    said = sentence(nst(tmp_path, *small, "image.size=200", "hydra.run.dir=run"))
    assert said.startswith("nst: there was not enough memory for image.size=200, which needs about ")
    named = int(said.rpartition("image.size=")[2])
    assert 32 <= named < 200
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert summary["status"] == "failed"
    assert f"nst: {summary['error']}" == said
    monkeypatch.undo()
    assert nst(tmp_path, *small, f"image.size={named}").status == 0
