"""A run's folder: the names of all its files, who writes them, and its lock."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import shlex
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from nst_tf.config.foreign import read_foreign_json
from nst_tf.errors import InputError
from nst_tf.files import remove_empty, remove_unfinished, write_text_atomically, written_atomically
from nst_tf.images.write import FileForm, write_picture
from nst_tf.report import Report

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

# ---- The files in the folder of a run, and in that of a sweep ----

CONFIG_YAML, RUN_JSON, METRICS, PLOT = "config.yaml", "run.json", "metrics.jsonl", "loss.svg"
CHECKPOINT, PREVIOUS_CHECKPOINT = "checkpoint.npz", "checkpoint-previous.npz"
INPUTS, PROGRESS, FRAMES = "inputs", "progress", "frames"  # folders
YARDSTICK = "yardstick.json"  # what nst-compare measured
LOG, HYDRA = "nst.log", ".hydra"  # Hydra writes them

SWEEP = "sweep.json"
JOBS = ".jobs"  # a folder, while the sweep goes on: one file a job
MULTIRUN = "multirun.yaml"  # Hydra's own record of the command


def progress_name(step: int) -> str:
    """The name of the picture after so many steps in the folder ``progress/``: "step-000050.png"."""
    return f"step-{step:06d}.png"


# ---- How a run is: the status in its run.json ----

ENDED = ("completed", "diverged", "failed", "interrupted")
STATUSES = ("running", *ENDED)
WENT_WRONG = ("failed", "diverged")
_UNFINISHED = ("running", "interrupted", "failed")
"""From the checkpoint of a run that diverged, the same steps lead to the same end."""


def can_go_on(folder: Path, status: object) -> bool:
    """Whether a run of this status has a checkpoint that may lead to a result."""
    return status in _UNFINISHED and has_checkpoint(folder)


class RunFolder:
    """Writes ``config.yaml``, ``run.json``, ``metrics.jsonl``, ``progress/``, ``loss.svg`` and the picture.

    ``run.json`` is rewritten whole whenever something is known; its ``status`` is one of
    ``STATUSES``. Files other than the metrics are there wholly or not at all.
    """

    def __init__(self, path: Path, is_resumed: bool = False) -> None:
        """Use an existing folder; raises InputError if it holds a run that is not to be resumed."""
        self.path = path
        self._summary: dict[str, Any] = {}
        if is_resumed:
            self._summary |= read_summary(path)
        else:
            check_holds_no_run(path)
        self._summary_lock = threading.RLock()
        self._plotted: list[Report] = []
        self._plotted_every, self._seen = 1, 0
        self._first_losses: dict[int, float] = {}  # by size
        self._improved = False

    def begin(self, configuration: str, **facts: Any) -> None:
        """Write the configuration (YAML text) and the first summary."""
        self.configuration = configuration
        write_text_atomically(self.path / CONFIG_YAML, configuration)
        self.update(status="running", **facts)

    @classmethod
    def resumed(cls, path: Path, step: int, configuration: str | None = None) -> RunFolder:
        """Go on in the folder of an unfinished run after ``step`` updates.

        Later rows of the metrics are taken back, and so is what a killed process left half-written.
        ``configuration``, YAML, replaces the one that is there. Raises InputError if rows are missing or
        damaged.
        """
        folder = cls(path, is_resumed=True)
        for key in ("error", "roll_backs", "damage", "picture", "steps"):  # of its first end
            folder._summary.pop(key, None)
        remove_unfinished(path)
        remove_unfinished(path / PROGRESS)
        folder.configuration = (path / CONFIG_YAML).read_text(encoding="utf-8")
        metrics = path / METRICS
        lines = metrics.read_text(encoding="utf-8").splitlines() if metrics.exists() else []
        if len(lines) < step:
            raise InputError(f"{metrics} has {len(lines)} rows for {step} steps: begin the run anew")
        for line in lines[:step]:
            try:
                row = json.loads(line)
                known = {name: row.pop(name) for name in ("step", "size", "seconds", "loss")}
                frame = row.pop("frame", None)
                if not all(isinstance(number, (int, float)) for number in (*known.values(), *row.values())):
                    raise ValueError("a value is not a number")
            except (ValueError, KeyError, AttributeError, RecursionError) as error:
                raise InputError(f"a row of {metrics} is damaged ({error}): begin the run anew") from None
            folder._remember(Report(**known, parts=row, frame=frame))
        write_text_atomically(metrics, "".join(f"{line}\n" for line in lines[:step]))
        if configuration is not None:
            folder.configuration = configuration
            write_text_atomically(path / CONFIG_YAML, configuration)
        folder.update(status="running", resumed_at_step=step)
        return folder

    @property
    def summary(self) -> Mapping[str, Any]:
        """What was written to ``run.json`` last."""
        return self._summary

    @property
    def never_improved(self) -> bool:
        """Whether at every size no image seen has a lower loss than the one that the size began with."""
        return bool(self._first_losses) and not self._improved

    def log(self, report: Report) -> None:
        """Append a row to the metrics: step, size, seconds, loss and each part by name."""
        row = {
            **({} if report.frame is None else {"frame": report.frame}),
            "step": report.step,
            "size": report.size,
            "seconds": round(report.seconds, 4),
            "loss": report.loss,
            **report.parts,
        }
        with (self.path / METRICS).open("a", encoding="utf-8") as metrics:
            metrics.write(json.dumps(row) + "\n")
        self._remember(report)

    def _remember(self, report: Report) -> None:
        """Keep what the plot needs: never more reports than it can show, however long the run is."""
        self._improved |= report.loss < self._first_losses.setdefault(report.size, report.loss)
        if self._seen % self._plotted_every == 0:
            self._plotted.append(report)
        self._seen += 1
        if len(self._plotted) > 2 * MOST_POINTS:
            self._plotted, self._plotted_every = self._plotted[::2], 2 * self._plotted_every

    def progress_picture(self, step: int, pixels: np.ndarray) -> None:
        """Write ``progress/step-000050.png``."""
        folder = self.path / PROGRESS
        folder.mkdir(exist_ok=True)
        write_picture(folder / progress_name(step), pixels)

    def frame_picture(self, number: int, pixels: np.ndarray) -> Path:
        """Write ``frames/000001.png``; returns its path."""
        folder = self.path / FRAMES
        folder.mkdir(exist_ok=True)
        write_picture(folder / f"{number:06d}.png", pixels)
        return folder / f"{number:06d}.png"

    def picture(
        self,
        name: str,
        pixels: np.ndarray,
        alpha: np.ndarray | None = None,
        form: FileForm | None = None,
    ) -> Path:
        """Write the result, with the configuration in its metadata; returns its path."""
        path = self.path / name
        write_picture(path, pixels, {"nst_tf": self.configuration}, alpha, form)
        return path

    def update(self, **facts: Any) -> None:
        """Add facts to the summary and write it."""
        with self._summary_lock:
            self._summary |= facts
            write_summary(self.path, self._summary)

    def interrupt(self, seconds: float = 1.0, **facts: Any) -> None:
        """Say that the run was interrupted, unless it has ended, from a thread that ends the process.

        Whatever the thread of the run is at, it writes no summary after this one; it gets so many
        ``seconds`` for one that it has begun to write.
        """
        self._summary_lock.acquire(timeout=seconds)
        if self._summary.get("status") == "running":
            self._summary |= {"status": "interrupted", **facts}
            write_summary(self.path, self._summary)

    def finish(self, status: str, keep_checkpoint: bool = False, **facts: Any) -> None:
        """Write the plot of the loss and the last summary; no checkpoint stays of a completed run.

        ``keep_checkpoint``: the last one does, which is the state at its end.
        """
        if self._plotted:
            write_text_atomically(self.path / PLOT, loss_plot(self._plotted))
        self.update(status=status, **facts)
        if status == "completed":
            for name in (PREVIOUS_CHECKPOINT,) if keep_checkpoint else (CHECKPOINT, PREVIOUS_CHECKPOINT):
                (self.path / name).unlink(missing_ok=True)


def check_holds_no_run(folder: Path) -> None:
    """Raise InputError if the folder holds a run already."""
    if (folder / RUN_JSON).exists():
        raise InputError(f"the folder {folder} holds a run already: choose another with hydra.run.dir")


def has_checkpoint(folder: Path) -> bool:
    """Whether the run in ``folder`` may be gone on with; the checkpoint was not read."""
    return any((folder / name).is_file() for name in (CHECKPOINT, PREVIOUS_CHECKPOINT))


def resume_hint(folder: Path) -> tuple[str, ...]:
    """How to go on with the run, if the folder has a checkpoint."""
    if not has_checkpoint(folder):
        return ()
    with suppress(ValueError):
        folder = folder.absolute().relative_to(Path.cwd())
    return (f"go on with: nst resume={shlex.quote(str(folder))}",)


# ---- run.json, and other JSON ----


_LONGEST_ROW = 1 << 14  # bytes of the metrics: a hundred parts


def last_row(folder: Path) -> dict[str, Any] | None:
    """The last row of the metrics of a run that may go on; None where there is none that is whole."""
    try:
        with (folder / METRICS).open("rb") as metrics:
            metrics.seek(max(0, metrics.seek(0, os.SEEK_END) - _LONGEST_ROW))
            row = json.loads(metrics.read().rpartition(b"\n")[0].rpartition(b"\n")[2])
    except (OSError, ValueError):
        return None
    return row if isinstance(row, dict) else None


def read_summary(folder: Path) -> dict[str, Any]:
    """``run.json`` of a run's folder; raises InputError if there is none that can be read."""
    if not (folder / RUN_JSON).exists():
        raise InputError(f"{folder} is not the folder of a run: it has no {RUN_JSON}")
    return read_foreign_json(path_inside(folder, RUN_JSON, RUN_JSON))


def write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write ``run.json`` in one step."""
    write_text_atomically(folder / RUN_JSON, json.dumps(summary, indent=2) + "\n")


def update_summary(folder: Path, **facts: Any) -> None:
    """Add facts to the ``run.json`` of a run that is over, if it came as far as to have one."""
    if (summary := read_object(folder / RUN_JSON)) is not None:
        write_summary(folder, summary | facts)


_MOST_BYTES = 100_000_000  # sweep.json has 300 bytes a job


def read_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None if there is none."""
    with suppress(InputError):
        return read_foreign_json(path, _MOST_BYTES)
    return None


def jobs_of(sweep: Path) -> list[dict[str, Any]]:
    """The jobs that ``sweep.json`` names a folder of; none where it can't be read."""
    jobs = (read_object(sweep / SWEEP) or {}).get("jobs")
    listed = jobs if isinstance(jobs, list) else []
    return [job for job in listed if isinstance(job, dict) and isinstance(job.get("folder"), str)]


def path_inside(folder: Path, key: str, relative: Any, below: str = "") -> Path:
    """The path of a file directly in the folder, or in its folder ``below``; raises InputError otherwise.

    ``relative`` is what ``key`` of ``run.json`` says, which anybody may have written.
    """
    parts = PurePosixPath(relative).parts if isinstance(relative, str) and "\0" not in relative else ()
    above = (below,) if below else ()
    if len(parts) != len(above) + 1 or parts[: len(above)] != above or parts[len(above)] in ("..", "/"):
        where = f"{below}/NAME" if below else "a name without a folder"
        raise InputError(f"{key} in {folder / RUN_JSON} must be {where}, but is {relative!r}")
    path = folder.joinpath(*parts)
    if path.is_symlink() or (below and path.parent.is_symlink()):
        raise InputError(f"{path} is a symbolic link: a run's folder holds its own files")
    return path


# ---- One process at a time in the folder of a run ----

FolderId = tuple[int, int]
"""Device and inode of a folder."""

_held: dict[FolderId, int] = {}  # by this process: the open folders


class FolderInUse(InputError):
    """Another process is at the run in this folder: whatever is in it belongs to that one."""


def claim(folder: Path) -> FolderId | None:
    """Lock the existing folder for this process, until ``release``; raises FolderInUse if another has it.

    The lock (flock(2), of the folder itself) is the kernel's and ends with the process however that ends, so
    it leaves no file behind and can't be stale. Where the file system has no such locks, nothing is locked.
    Returns what ``release`` takes: the folder may have another name by then, or none.
    """
    if fcntl is None:
        return None
    opened = os.open(folder, os.O_RDONLY)
    status = os.fstat(opened)
    key = (status.st_dev, status.st_ino)
    try:
        if key not in _held:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _held[key] = opened
    except BlockingIOError:
        raise FolderInUse(
            f"another process is at the run in {folder}: wait for its end, or choose another folder with"
            " hydra.run.dir"
        ) from None
    except OSError:  # a network's file system without locks
        return None
    finally:
        if _held.get(key) != opened:
            os.close(opened)
    return key


def release(held: FolderId | None) -> None:
    """Let others have the folder; nothing if this process has it no more."""
    if held in _held:
        os.close(_held.pop(held))


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the lock of the folder meanwhile, if it is there; see ``claim``."""
    held = claim(folder) if folder.is_dir() else None
    try:
        yield
    finally:
        release(held)


# ---- What else is written into the folder, and taken away ----


def remove_empty_run(folder: Path, created: Sequence[Path]) -> None:
    """Take away what Hydra wrote for a run that was refused: its own files and its folder.

    Of the folders ``created`` for the run, innermost first, those that are left empty go as well.
    """
    if (folder / RUN_JSON).exists():
        return
    ours = [*(folder / HYDRA).glob("*.yaml"), folder / LOG]
    if folder in created:  # a full disk ended it while it wrote these
        ours += [folder / CONFIG_YAML, *(folder / INPUTS).glob("*")]
    for file in ours:
        file.unlink(missing_ok=True)
    remove_empty([folder / HYDRA, folder / INPUTS, *created])


_LOG_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"  # as conf/config.yaml has it for new runs


@contextmanager
def also_logged_to(path: Path) -> Iterator[None]:
    """Append what is logged meanwhile to ``path``, unless Hydra does, as for a sweep's job."""
    root = logging.getLogger()
    written = [Path(one.baseFilename) for one in root.handlers if isinstance(one, logging.FileHandler)]
    if path.absolute() in written:
        yield
        return
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(_LOG_LINE))
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")  # .webp and the like; anything else is not a suffix but a name


def copy_input(run: Path, stem: str, name: str, content: bytes, sweep: Path | None) -> str:
    """Write ``content``, the bytes of the file that was configured as ``name``, to ``inputs/STEM.SUFFIX``.

    The bytes are those that were read and hashed, whatever the file has become since. In the folder of a
    ``sweep``, runs with equal files have one copy on the disk, by hard links, where the file system has
    them. Returns the path relative to the run's folder.
    """
    suffix = Path(name).suffix.lower()
    suffix = suffix if _SUFFIX.fullmatch(suffix) else ""
    target = run / INPUTS / f"{stem}{suffix}"
    target.parent.mkdir(exist_ok=True)
    target.unlink(missing_ok=True)
    if sweep is None or not _linked(sweep, target, content):
        with written_atomically(target) as temporary:
            temporary.write_bytes(content)
    return target.relative_to(run).as_posix()


def _linked(sweep: Path, target: Path, content: bytes) -> bool:
    """Make ``target`` a hard link to an equal file of another run of the sweep, if there is one."""
    for other in sorted(sweep.glob(f"*/{INPUTS}/{target.name}")):
        try:
            if other.stat().st_size == len(content) and other.read_bytes() == content:
                os.link(other, target)
                return True
        except OSError:  # a file system without hard links; or the other run went away
            continue
    return False


# ---- The loss of a run as a picture: one SVG, logarithmic, the total and each term ----

_WIDTH, _HEIGHT, _MARGIN, _LEGEND = 820, 420, 60, 180
# Okabe and Ito 2008: colors that people with any color vision can tell apart
_COLORS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999933")
MOST_POINTS = 1000  # a curve: more could not be seen at this width


def loss_plot(reports: Sequence[Report]) -> str:
    """Loss and parts against the step, on a logarithmic axis, as the text of an SVG file."""
    reports = reports[:: max(1, math.ceil(len(reports) / MOST_POINTS))]
    names = ["loss", *dict.fromkeys(name for one in reports for name in one.parts)]
    numbers = [(one.step, {"loss": one.loss, **one.parts}) for one in reports]
    # a part is not there at sizes at which its term has no weight
    curves = {name: [(step, found[name]) for step, found in numbers if name in found] for name in names}
    positive = [value for curve in curves.values() for _, value in curve if 0 < value < math.inf]
    low, high = (math.log10(min(positive)), math.log10(max(positive))) if positive else (0.0, 1.0)
    low = max(low, high - 8)  # a part that is almost nothing must not flatten the others
    bottom, top = math.floor(low), max(math.ceil(high), math.floor(low) + 1)
    first, last = reports[0].step, max(reports[-1].step, reports[0].step + 1)

    def across(step: float) -> float:
        return _MARGIN + (step - first) / (last - first) * (_WIDTH - _MARGIN - _LEGEND)

    def down(value: float) -> float:
        return _HEIGHT - _MARGIN - (math.log10(value) - bottom) / (top - bottom) * (_HEIGHT - 1.5 * _MARGIN)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
    ]
    for exponent in range(bottom, top + 1):
        y = down(10.0**exponent)
        lines.append(f'<path d="M{_MARGIN} {y:.1f}H{_WIDTH - _LEGEND}" stroke="#ddd"/>')
        lines.append(f'<text x="{_MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">1e{exponent}</text>')
    for step in _round_steps(first, last):
        place = f'x="{across(step):.1f}" y="{_HEIGHT - _MARGIN + 18}"'
        lines.append(f'<text {place} text-anchor="middle">{step}</text>')
    lines.append(
        f'<text x="{across((first + last) / 2):.1f}" y="{_HEIGHT - 12}" text-anchor="middle">step</text>'
    )
    for index, (name, curve) in enumerate(curves.items()):
        color = _COLORS[index % len(_COLORS)]
        dash = ' stroke-dasharray="5 3"' if index >= len(_COLORS) else ""
        points = " ".join(
            f"{across(step):.1f},{down(value):.1f}"
            for step, value in curve
            if 10.0**bottom <= value < math.inf
        )
        width = 2 if index == 0 else 1.2
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="{width}"{dash}/>'
        )
        y = 24 + 18 * index
        left = _WIDTH - _LEGEND + 12
        lines.append(f'<path d="M{left} {y}h18" stroke="{color}" stroke-width="{width}"{dash}/>')
        lines.append(f'<text x="{left + 24}" y="{y + 4}">{escape(name)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _round_steps(first: int, last: int) -> range:
    """The multiples between the two of 1, 2 or 5 times a power of ten that leaves room for four of it."""
    wanted = max(1, (last - first) // 4)
    power = 10 ** (len(str(wanted)) - 1)
    every = max(power * factor for factor in (1, 2, 5) if power * factor <= wanted)
    return range(-(-first // every) * every, last + 1, every)
