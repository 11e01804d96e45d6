"""The command line ``nst-compare``."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from nst_tf.compare.comparing import PAGE, SHEET, TABLE, Comparison, compare
from nst_tf.compare.ranking import said_of_groups
from nst_tf.compare.reading import UNREADABLE, find_runs, read_runs
from nst_tf.compare.tables import best_table, difference_table, show
from nst_tf.compare.yardstick import measured_runs
from nst_tf.errors import InputError, Parser, command, counted, tell
from nst_tf.machine import ShowVersions

_NAME = "nst-compare"
_MOST_NAMED = 5  # runs that did not complete; all of them stand in the table and on the page
_HOW_IT_ENDED = {
    "unreadable": "can't be read",
    "running": "is running",
    "interrupted": "was interrupted",
}
"""How a sentence goes on after the name of a run; of other statuses, with the status itself."""

_EXAMPLES = """examples:
  nst-compare outputs/multirun/2026-01-31/12-00-00-a1b2            a sweep: writes into its folder
  nst-compare outputs/2026-01-31 outputs/2026-02-01                all runs of two days
  nst-compare SWEEP --rows optimizer --cols objective.style.weight
  nst-compare SWEEP --average seed,content                         ranks means over seeds and contents
  nst-compare --diff SWEEP/0 SWEEP/3
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run what the command line says; exits with 0, 2 (bad input) or 130 (Ctrl-C)."""
    with command(_NAME):
        arguments = _parser().parse_args(argv)
        if arguments.diff:
            _show_differences(arguments)
        else:
            _compare(arguments)


def _compare(arguments: argparse.Namespace) -> None:
    if not arguments.paths:
        raise InputError("there is nothing to compare: give the folder of a run or of a sweep")
    with Progress(
        TextColumn("measuring"),
        BarColumn(bar_width=None),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    ) as progress:
        task = progress.add_task("measuring", total=None, visible=False)
        comparison = compare(
            arguments.paths,
            Path(arguments.output).expanduser() if arguments.output else None,
            rows=[name for name in (arguments.rows or "").split(",") if name],
            column=arguments.cols,
            average=[name for name in (arguments.average or "").split(",") if name],
            yardstick=not arguments.no_yardstick,
            weights=arguments.weights,
            on_run=lambda done, of: progress.update(task, completed=done, total=of, visible=True),
        )
    _tell(comparison)
    if arguments.open:
        page = comparison.output / PAGE
        webbrowser.open((page if page in comparison.files else comparison.output / SHEET).resolve().as_uri())


def _tell(comparison: Comparison) -> None:
    runs = comparison.runs
    table = best_table(comparison.shown)
    if table is not None:
        show(table, sys.stdout)
    statuses = ", ".join(f"{count} {status}" for status, count in Counter(run.status for run in runs).items())
    print(f"{counted(len(runs), 'run')}: {statuses}")  # noqa: T201
    if said := said_of_groups(comparison.shown):
        print(said)  # noqa: T201
    if "seed" in comparison.varying:
        print("the seed differs: --average seed ranks means over it")  # noqa: T201
    sys.stdout.flush()  # lest in a file the sentences stand before the table
    incomplete = [run for run in runs if run.status != "completed"]
    for run in incomplete[:_MOST_NAMED]:
        how = _HOW_IT_ENDED.get(run.status, run.status)
        tell(_NAME, f"run {run.name} {how}{f': {run.error}' if run.error else ''}")
    if len(incomplete) > _MOST_NAMED:
        tell(_NAME, f"and {len(incomplete) - _MOST_NAMED} more did not complete: see {TABLE}")
    waiting, jobs = comparison.jobs_not_begun
    if waiting:
        tell(_NAME, f"{waiting} of {jobs} jobs have not begun")
    changed = sorted({name for run in runs for name in run.missing_inputs})
    if changed:
        tell(_NAME, f"not measured against {', '.join(changed)}: gone, or not what it was")
    for path in comparison.files:
        print(path)  # noqa: T201  (what the program answers)


def _show_differences(arguments: argparse.Namespace) -> None:
    if arguments.paths:
        raise InputError(f"--diff takes two runs and nothing else: leave out {' '.join(arguments.paths)}")
    folders = []
    for path in arguments.diff:
        found = find_runs([path])
        if len(found) != 1:
            raise InputError(f"--diff takes the folder of one run, but there are {len(found)} in {path}")
        folders += found
    runs = read_runs(folders)
    for run in runs:
        if run.status == UNREADABLE:
            raise InputError(str(run.error))
    if not arguments.no_yardstick:
        runs = measured_runs(runs, arguments.weights)
    show(difference_table(runs[0], runs[1]), sys.stdout)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=_NAME,
        description="Compare runs: one yardstick for all, a contact sheet and a table.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=ShowVersions, help="show the versions and exit")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="a run, a sweep, or any folder above them")
    parser.add_argument("--rows", metavar="K[,K]", help="settings that make the rows of sheet and page")
    parser.add_argument("--cols", metavar="K", help="the setting that makes its columns")
    parser.add_argument(
        "--average", metavar="K[,K]", help="settings to average over, such as seed: mean, spread and number"
    )
    parser.add_argument(
        "--output", metavar="FOLDER", help="where to write; default: the one PATH, if a folder of runs"
    )
    parser.add_argument("--open", action="store_true", help="show the result in the browser")
    parser.add_argument(
        "--no-yardstick", action="store_true", help="measure nothing: fast, without TensorFlow"
    )
    parser.add_argument("--weights", default="auto", help="of the yardstick's VGG-19: auto, random or a file")
    parser.add_argument("--diff", nargs=2, metavar="RUN", help="show what differs between two runs")
    return parser


if __name__ == "__main__":
    main()
