"""Runs in, files out: the contact sheet, the table of results and the report page."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nst_tf.compare.reading import ComparedRun, find_runs, jobs_not_begun, read_runs
from nst_tf.compare.report import write_report
from nst_tf.compare.sheet import arranged, contact_sheet
from nst_tf.compare.tables import results_csv, varying
from nst_tf.compare.yardstick import measured_runs
from nst_tf.errors import InputError, counted
from nst_tf.files import obstacle_to_writing, write_text_atomically, written_atomically
from nst_tf.runs.folder import RUN_JSON
from nst_tf.vgg.weights import ConvolutionWeights

SHEET, TABLE, PAGE = "contact_sheet.png", "results.csv", "report.html"


@dataclass(frozen=True)
class Comparison:
    """The runs, the settings that differ among them, and the files that were written."""

    runs: tuple[ComparedRun, ...]
    varying: tuple[str, ...]
    output: Path
    files: tuple[Path, ...]
    jobs_not_begun: tuple[int, int] = (0, 0)
    """Of sweeps that go on, or were broken off: how many of their jobs, of how many."""


def compare(
    paths: Sequence[str | Path],
    output: Path | None = None,
    *,
    rows: Sequence[str] = (),
    column: str | None = None,
    yardstick: bool = True,
    weights: str | Path | ConvolutionWeights = "auto",
    on_run: Callable[[int, int], None] = lambda done, of: None,
) -> Comparison:
    """Compare all runs in ``paths`` and write contact sheet, table of results and page.

    ``output`` None is the one folder in ``paths`` that holds all runs, or else a new folder in
    ``outputs/comparison``. ``rows`` and ``column`` are the axes of the sheet (see ``sheet.arranged``), with
    which the page begins as well. With ``yardstick`` False nothing is measured. ``weights`` of VGG-19 are
    as in ``load_weights``, or loaded already; TensorFlow is loaded only if a picture must be measured.
    ``on_run`` is told how many runs are measured, of how many. Raises InputError for paths without runs, a
    setting that no run has, weights out of reach and a folder that can't be written.
    """
    runs = read_runs(find_runs(paths))
    names = varying(runs)
    arranged(runs, names, rows, column)  # refuses unknown settings before anything is computed
    folder = output if output is not None else _default_output(paths)
    if obstacle := obstacle_to_writing(folder):
        raise InputError(f"can't write to {folder}: {obstacle}; choose another with --output")
    if yardstick and any(run.picture for run in runs):
        runs = measured_runs(runs, weights, on_run)
    grid = arranged(runs, names, rows, column)
    title = f"{folder.resolve().name}: {counted(len(runs), 'run')}"
    files = (folder / SHEET, folder / TABLE, folder / PAGE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with written_atomically(files[0]) as temporary:
            contact_sheet(runs, grid, names, title).save(temporary, "PNG")
        write_text_atomically(files[1], results_csv(runs, names))
        axes = (grid.rows, grid.column) if rows or column else None
        write_report(files[2], runs, names, title, axes)
    except OSError as error:
        raise InputError(
            f"can't write to {folder} ({error.strerror or error}): choose another folder with --output"
        ) from None
    return Comparison(tuple(runs), tuple(names), folder, files, jobs_not_begun(paths))


def _default_output(paths: Sequence[str | Path]) -> Path:
    if len(paths) == 1:
        folder = Path(paths[0]).expanduser()
        if folder.is_dir() and not (folder / RUN_JSON).exists():
            return folder
    # the suffix tells apart comparisons of one second, as in conf/config.yaml
    return Path("outputs", "comparison", f"{datetime.now():%Y-%m-%d_%H-%M-%S}-{secrets.token_hex(2)}")
