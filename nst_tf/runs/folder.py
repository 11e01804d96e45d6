"""A run's folder: every file in it, locked by one process at a time."""

from __future__ import annotations

import inspect
import json
import logging
import math
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from html import escape
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from nst_tf.errors import InputError
from nst_tf.files import remove_unfinished, write_text_atomically, written_atomically
from nst_tf.images.write import FileForm, write_picture
from nst_tf.report import Report
from nst_tf.runs.checkpoint import Checkpoint, remove_checkpoints, write_checkpoint

# ----------------------------------------------------------------------------
# One process at a time in the folder of a run.

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

Place = tuple[int, int]
"""Device and inode of a folder."""

_held: dict[Place, int] = {}  # by this process: the open folders


class FolderInUse(InputError):
    """Another process is at the run in this folder: whatever is in it belongs to that one."""


def claim(folder: Path) -> Place | None:
    """Lock the existing folder for this process, until ``release``; raises FolderInUse if another has it.

    The lock (flock(2), of the folder itself) is the kernel's and ends with the process however that ends, so
    it leaves no file behind and can't be stale. Where the file system has no such locks, nothing is locked.
    Returns what ``release`` takes: the folder may have another name by then, or none.
    """
    if fcntl is None:
        return None
    opened = os.open(folder, os.O_RDONLY)
    place = os.fstat(opened)
    key = (place.st_dev, place.st_ino)
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


def release(place: Place | None) -> None:
    """Let others have the folder; nothing if this process has it no more."""
    if place in _held:
        os.close(_held.pop(place))


def alone_in(parameter: str) -> Callable[[Callable[_Arguments, _Result]], Callable[_Arguments, _Result]]:
    """A decorator: the function holds the folder that its parameter of this name says; see ``claim``.

    A folder that is not there is left to the function.
    """

    def decorated(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        signature = inspect.signature(function)

        @wraps(function)
        def alone(*arguments: _Arguments.args, **others: _Arguments.kwargs) -> _Result:
            folder = signature.bind(*arguments, **others).arguments[parameter]
            if not folder.is_dir():
                return function(*arguments, **others)
            place = claim(folder)
            try:
                return function(*arguments, **others)
            finally:
                release(place)

        return alone

    return decorated


# ----------------------------------------------------------------------------
# Taking away the folder of a run that did not come to begin.

INPUTS = "inputs"  # as nst_tf.runs.folder has it, whose room imports TensorFlow


def remove_empty_run(folder: Path, made_for_it: Sequence[Path]) -> None:
    """Take away what Hydra wrote for a run that was refused: its own files and its folder.

    Of the folders ``made_for_it``, innermost first, those that are left empty go as well.
    """
    if (folder / "run.json").exists():
        return
    ours = [*(folder / ".hydra").glob("*.yaml"), folder / "nst.log"]
    if folder in made_for_it:  # a full disk ended it while it wrote these
        ours += [folder / "config.yaml", *(folder / INPUTS).glob("*")]
    for file in ours:
        file.unlink(missing_ok=True)
    for empty in (folder / ".hydra", folder / INPUTS, *made_for_it):
        if not empty.exists():
            continue
        try:
            empty.rmdir()
        except OSError:
            return


# ----------------------------------------------------------------------------
# The log in a run's folder, for a call that goes on with the run from elsewhere.

_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"  # as conf/config.yaml has it for new runs


@contextmanager
def also_logged_to(path: Path) -> Iterator[None]:
    """Append what is logged meanwhile to ``path``, unless Hydra does, as for a sweep's job."""
    root = logging.getLogger()
    written = [Path(one.baseFilename) for one in root.handlers if isinstance(one, logging.FileHandler)]
    if path.absolute() in written:
        yield
        return
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(_LINE))
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


# ----------------------------------------------------------------------------
# The pictures that a run was made from, copied into its folder, so that the folder is complete.

"""The folder of the copies, in a run's folder."""

_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")  # .webp and the like; anything else is not a suffix but a name


def copy_input(run: Path, stem: str, name: str, content: bytes, sweep: Path | None = None) -> str:
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


# ----------------------------------------------------------------------------
# The loss of a run as a picture: one SVG, logarithmic, the total and each term.

_WIDTH, _HEIGHT, _MARGIN, _LEGEND = 820, 420, 60, 180
# Okabe and Ito 2008: colors that people with any color vision can tell apart
_COLORS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999933")
MOST_POINTS = 1000  # a curve: more could not be seen at this width


def loss_plot(reports: Sequence[Report]) -> str:
    """Loss and parts against the step, on a logarithmic axis, as the text of an SVG file."""
    reports = reports[:: max(1, math.ceil(len(reports) / MOST_POINTS))]
    names = ["loss", *reports[0].parts]
    curves = {
        name: [(one.step, one.loss if name == "loss" else one.parts[name]) for one in reports]
        for name in names
    }
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
    for share in (0, 0.25, 0.5, 0.75, 1):
        step = first + share * (last - first)
        place = f'x="{across(step):.1f}" y="{_HEIGHT - _MARGIN + 18}"'
        lines.append(f'<text {place} text-anchor="middle">{step:.0f}</text>')
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


# ----------------------------------------------------------------------------
# One run's folder.

SWEEP = "sweep.json"
"""The file in the folder of a sweep that says how its jobs are."""

FRAMES = "frames"
CONFIGURATION, SUMMARY, METRICS, PROGRESS, PLOT = (
    "config.yaml",
    "run.json",
    "metrics.jsonl",
    "progress",
    "loss.svg",
)


class RunFolder:
    """Writes ``config.yaml``, ``run.json``, ``metrics.jsonl``, ``progress/``, ``loss.svg`` and the picture.

    ``run.json`` is rewritten whole whenever something is known; its ``status`` is running, completed,
    diverged, interrupted or failed. Files other than the metrics are there wholly or not at all.
    """

    def __init__(self, path: Path) -> None:
        """Use an existing folder; raises InputError if it holds a run already."""
        self.path = path
        if (path / SUMMARY).exists():
            raise InputError(f"the folder {path} holds a run already: choose another with hydra.run.dir")
        self._summary: dict[str, Any] = {}
        self._forget_reports()
        self._summary_lock = threading.RLock()

    def begin(self, configuration: str, **facts: Any) -> None:
        """Write the configuration (YAML text) and the first summary."""
        self.configuration = configuration
        write_text_atomically(self.path / CONFIGURATION, configuration)
        self.update(status="running", **facts)

    @classmethod
    def resumed(cls, path: Path, step: int, configuration: str | None = None) -> RunFolder:
        """Go on in the folder of an unfinished run after ``step`` updates; later rows are taken back.

        So is what a killed process left half-written. ``configuration``, YAML, takes the place of that which
        is there. Raises InputError if rows are missing or damaged.
        """
        folder = cls.__new__(cls)
        folder.path = path
        folder._summary_lock = threading.RLock()
        folder._summary = dict(summary_of(path))
        for key in ("error", "roll_backs", "damage", "picture", "steps"):  # of its first end
            folder._summary.pop(key, None)
        for place in (path, path / PROGRESS):
            remove_unfinished(place)
        folder.configuration = (path / CONFIGURATION).read_text(encoding="utf-8")
        metrics = path / METRICS
        lines = metrics.read_text(encoding="utf-8").splitlines() if metrics.exists() else []
        folder._forget_reports()
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
            folder._keep(Report(**known, parts=row, frame=frame))
        write_text_atomically(metrics, "".join(f"{line}\n" for line in lines[:step]))
        if configuration is not None:
            folder.configuration = configuration
            write_text_atomically(path / CONFIGURATION, configuration)
        folder.update(status="running", resumed_at_step=step)
        return folder

    @property
    def never_improved(self) -> bool:
        """Whether at every size no image seen has a lower loss than the one that the size began with."""
        return bool(self._began) and not self._improved

    def _forget_reports(self) -> None:
        self._reports: list[Report] = []
        self._every, self._seen = 1, 0
        self._began: dict[int, float] = {}
        self._improved = False

    def _keep(self, report: Report) -> None:
        """What the plot needs: never more reports than it can show, however long the run is."""
        self._improved |= report.loss < self._began.setdefault(report.size, report.loss)
        if self._seen % self._every == 0:
            self._reports.append(report)
        self._seen += 1
        if len(self._reports) > 2 * MOST_POINTS:
            self._reports, self._every = self._reports[::2], 2 * self._every

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write the state of the run; the last one stays until then, and as the previous one."""
        with suppress(FileNotFoundError), (self.path / METRICS).open("rb+") as metrics:
            os.fsync(metrics.fileno())  # the rows that go with it must not be lost when the power fails
        write_checkpoint(self.path, checkpoint)

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
        self._keep(report)

    def progress_picture(self, step: int, pixels: np.ndarray) -> None:
        """Write ``progress/step-000050.png``."""
        folder = self.path / PROGRESS
        folder.mkdir(exist_ok=True)
        write_picture(folder / f"step-{step:06d}.png", pixels)

    def frame_picture(self, number: int, pixels: np.ndarray) -> Path:
        """Write ``frames/000001.png``; returns its path."""
        folder = self.path / FRAMES
        folder.mkdir(exist_ok=True)
        write_picture(folder / f"{number:06d}.png", pixels)
        return folder / f"{number:06d}.png"

    @property
    def summary(self) -> Mapping[str, Any]:
        """What was written to ``run.json`` last."""
        return self._summary

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
            self._write_summary()

    def break_off(self, seconds: float = 1.0, **facts: Any) -> None:
        """Say that the run was interrupted, unless it has ended, from a thread that ends the process.

        Whatever the thread of the run is at, it writes no summary after this one; it gets so many
        ``seconds`` for one that it has begun to write.
        """
        self._summary_lock.acquire(timeout=seconds)
        if self._summary.get("status") == "running":
            self._summary |= {"status": "interrupted", **facts}
            self._write_summary()

    def _write_summary(self) -> None:
        write_text_atomically(self.path / SUMMARY, json.dumps(self._summary, indent=2) + "\n")

    def finish(self, status: str, keep_checkpoint: bool = False, **facts: Any) -> None:
        """Write the plot of the loss and the last summary; no checkpoint stays of a completed run.

        ``keep_checkpoint``: the last one does, which is the state at its end.
        """
        if self._reports:
            write_text_atomically(self.path / PLOT, loss_plot(self._reports))
        self.update(status=status, **facts)
        if status == "completed":
            remove_checkpoints(self.path, but_the_last=keep_checkpoint)


def summary_of(path: Path) -> Mapping[str, Any]:
    """The summary of a run's folder; raises InputError if it is not one."""
    try:
        summary = json.loads((path / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is not the folder of a run: its {SUMMARY} can't be read ({error})"
        ) from None
    if not isinstance(summary, dict):
        raise InputError(f"{path} is not the folder of a run: its {SUMMARY} is not an object")
    return summary
