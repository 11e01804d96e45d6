"""Runs in, files out: the contact sheet, the table of results and the report page."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from nst_tf.compare.averages import averaged_runs
from nst_tf.compare.ranking import Study
from nst_tf.compare.reading import ComparedRun, find_runs, jobs_not_begun, read_runs
from nst_tf.compare.report import write_report
from nst_tf.compare.sheet import arranged, check_settings, contact_sheet
from nst_tf.compare.tables import as_csv, results_of, varying, write_parquet
from nst_tf.compare.yardstick import measured_runs
from nst_tf.errors import InputError, counted
from nst_tf.files import obstacle_to_writing, write_text_atomically, written_atomically
from nst_tf.runs.folder import RUN_JSON
from nst_tf.vgg.weights import ConvolutionWeights

SHEET, TABLE, PAGE, AVERAGES = "contact_sheet.png", "results.csv", "report.html", "averages.csv"
_PARQUET = ".parquet"


@dataclass(frozen=True)
class Comparison:
    """The runs, what is shown of them, and the files that were written."""

    runs: tuple[ComparedRun, ...]
    shown: Study
    """What sheet, page and terminal show: the runs, or their averages."""
    output: Path
    files: tuple[Path, ...]
    jobs_not_begun: tuple[int, int] = (0, 0)
    """Of sweeps that go on, or were broken off: how many of their jobs, of how many."""

    @property
    def varying(self) -> tuple[str, ...]:
        """The settings that differ among the runs, without those that are averaged over."""
        return tuple(self.shown.varying)


def compare(
    paths: Sequence[str | Path],
    output: Path | None = None,
    *,
    rows: Sequence[str] = (),
    column: str | None = None,
    average: Sequence[str] = (),
    yardstick: bool = True,
    weights: str | Path | ConvolutionWeights = "auto",
    on_run: Callable[[int, int], None] = lambda done, of: None,
) -> Comparison:
    """Compare all runs in ``paths`` and write contact sheet, table of results and page.

    ``output`` None is the one folder in ``paths`` that holds all runs, or else a new folder in
    ``outputs/comparison``. ``rows`` and ``column`` are the axes of the sheet (see ``sheet.arranged``), with
    which the page begins as well. ``average`` are settings to average over, such as the seed: sheet and page
    then show averages, which stand in a table of their own, too. Tables are written as Parquet as well where
    pyarrow is installed. With ``yardstick`` False nothing is measured. ``weights`` of VGG-19 are as in
    ``load_weights``, or loaded already; TensorFlow is loaded only if a picture must be measured. ``on_run``
    is told how many runs are measured, of how many. Raises InputError for paths without runs, a setting that
    no run has or that has one value where it is to be averaged over, weights out of reach and a folder that
    can't be written.
    """
    runs = read_runs(find_runs(paths))
    names = varying(runs)
    # refuses what is not possible before anything is computed
    check_settings(runs, names, average)
    names = [name for name in names if name not in average]
    arranged(averaged_runs(runs, names, average), names, rows, column)
    folder = output if output is not None else _default_output(paths)
    if obstacle := obstacle_to_writing(folder):
        raise InputError(f"can't write to {folder}: {obstacle}; choose another with --output")
    if yardstick and any(run.picture for run in runs):
        runs = measured_runs(runs, weights, on_run)
    shown = Study(averaged_runs(runs, names, average), names)
    grid = arranged(shown.runs, names, rows, column)
    title = f"{folder.resolve().name}: {counted(len(runs), 'run')}"
    title += f", averaged over {' and '.join(average)}" if average else ""
    tables = {folder / TABLE: results_of(Study(runs, [*average, *names]) if average else shown)}
    if average:
        tables[folder / AVERAGES] = results_of(shown)
    files = [folder / SHEET, folder / TABLE, folder / PAGE, *list(tables)[1:]]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with written_atomically(folder / SHEET) as temporary:
            contact_sheet(shown, grid, title).save(temporary, "PNG")
        axes = (grid.rows, grid.column) if rows or column else None
        write_report(folder / PAGE, shown, title, axes)
        for path, results in tables.items():
            write_text_atomically(path, as_csv(results))
            if find_spec("pyarrow"):
                write_parquet(path.with_suffix(_PARQUET), results)
                files.append(path.with_suffix(_PARQUET))
    except OSError as error:
        raise InputError(
            f"can't write to {folder} ({error.strerror or error}): choose another folder with --output"
        ) from None
    return Comparison(tuple(runs), shown, folder, tuple(files), jobs_not_begun(paths))


def _default_output(paths: Sequence[str | Path]) -> Path:
    if len(paths) == 1:
        folder = Path(paths[0]).expanduser()
        if folder.is_dir() and not (folder / RUN_JSON).exists():
            return folder
    # the suffix tells apart comparisons of one second, as in conf/config.yaml
    return Path("outputs", "comparison", f"{datetime.now():%Y-%m-%d_%H-%M-%S}-{secrets.token_hex(2)}")
