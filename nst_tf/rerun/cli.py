"""The command line: ``nst-rerun``."""

from __future__ import annotations

import argparse
import datetime as calendar
import math
import secrets
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from nst_tf.compare.reading import runs_below
from nst_tf.config.trust import trusting, with_trust
from nst_tf.errors import FAILED, InputError, Parser, command, is_number, stop, tell, terminable
from nst_tf.machine import ShowVersions
from nst_tf.rerun.export import export_run, export_sweep
from nst_tf.rerun.rerun import (
    Verdict,
    check_repeatable,
    how_it_ended,
    is_completed,
    rerun,
    rerun_sweep,
    why_not_repeated,
)
from nst_tf.runs.folder import RUN_JSON, read_summary, remove_empty_run
from nst_tf.runs.saved_run import Located, SavedRun, read_saved_run

_NAME = "nst-rerun"
BEYOND = FAILED

# Rounding alone, as another processor does it, moves the default run at 256 pixels (float32, instructions
# restricted to AVX2) to 29 dB from the first result, and one that starts from noise to 25 dB, for L-BFGS
# amplifies every difference; another seed of the noise, which is another picture, is at 12 dB.
TOLERANCE = 20.0


def main(arguments: list[str] | None = None) -> None:
    """Do what the command line says; exits with 0 (the same within the tolerance), 1 (not), 2 (bad input)."""
    given = sys.argv[1:] if arguments is None else arguments
    with command(_NAME):
        options = _parser().parse_intermixed_args(given)
        if not options.tolerance >= 0:
            raise InputError(f"--tolerance must be a PSNR of at least 0 dB, but is {options.tolerance}")
        modules = [f"--trust={names}" for names in options.trust]
        _, trust = with_trust([*modules, *options.overrides])
        try:
            with terminable(), trusting(trust):
                status = _export(options, given) if options.export else _rerun(options)
        except (InputError, BrokenPipeError):
            raise
        except Exception as error:  # a run that fails half-way: its own folder tells of it
            stop(_NAME, f"the run failed: {type(error).__name__}: {' '.join(str(error).split())}", BEYOND)
        sys.exit(status)


def _rerun(options: argparse.Namespace) -> int:
    old: Path = options.folder
    if runs := _runs_of_sweep(old):
        return _rerun_all(old, runs, options)
    summary = read_summary(old)
    if not is_completed(summary):
        raise InputError(why_not_repeated(old, summary))
    saved = read_saved_run(old)
    _, located = check_repeatable(saved, options.overrides)
    for sentence in _of_pictures(located):
        tell(_NAME, sentence)
    folder = _new_folder(options.output, old, is_sweep=False)
    try:
        verdict = rerun(saved, folder, options.tolerance, overrides=options.overrides)
    except InputError:
        remove_empty_run(folder, (folder, folder.parent))
        raise
    picture = verdict.picture or folder / str(saved.settings.record.picture)
    print(picture)  # noqa: T201  (what the program answers, as nst does)
    print("\n".join(_sentences(verdict)))  # noqa: T201
    return 0 if verdict.within else BEYOND


def _rerun_all(sweep: Path, names: Sequence[str], options: argparse.Namespace) -> int:
    runs, left_out = _completed_runs(sweep, names)
    for saved in runs.values():  # else what is wrong with one is found out only after others were made
        check_repeatable(saved, options.overrides)
    for sentence in left_out.values():
        tell(_NAME, sentence)
    folder = _new_folder(options.output, sweep, is_sweep=True)

    def on_verdict(name: str, verdict: Verdict) -> None:
        for sentence in _of_pictures(verdict.located):
            tell(_NAME, f"{name}: {sentence}")
        tell(_NAME, f"run {name}: {verdict.result}" + (f", {verdict.error}" if verdict.error else ""))

    verdicts = rerun_sweep(sweep, runs, folder, options.tolerance, on_verdict, options.overrides)
    print(folder)  # noqa: T201
    Console(highlight=False).print(_table(verdicts))
    for line in sorted({line for one in verdicts.values() for line in one.differences}):
        print(line)  # noqa: T201
    identical = sum(one.result == "bit-identical" for one in verdicts.values())
    print(f"{identical} of {len(verdicts)} bit-identical; {len(left_out)} left out")  # noqa: T201
    return 0 if all(verdict.within for verdict in verdicts.values()) else BEYOND


def _export(options: argparse.Namespace, given: list[str]) -> int:
    target = Path(options.export).expanduser()
    if options.output is not None:
        raise InputError("--output is where a run is written: with --export nothing runs, leave it out")
    if options.overrides:
        file = shlex.quote(str(target))
        raise InputError(
            f"--export writes the run as it was: leave out {' '.join(options.overrides)}, which"
            f" nst experiment={file} {' '.join(options.overrides)} takes"
        )
    old: Path = options.folder
    names = _runs_of_sweep(old)
    typed = shlex.join(["nst-rerun", *given])
    left_out: dict[str, str] = {}
    if names:
        runs, left_out = _completed_runs(old, names)
        export_sweep(list(runs.values()), old, target, typed, left_out=len(left_out))
    else:
        summary = read_summary(old)
        if "inputs" not in summary and not is_completed(summary):
            raise InputError(f"{how_it_ended(old, summary)} before it began: there is nothing to export")
        runs = {"": read_saved_run(old)}
        export_run(runs[""], target, typed)
    damaged = [sentence for saved in runs.values() for sentence in saved.located().damaged]
    for sentence in (*left_out.values(), *damaged):
        tell(_NAME, sentence)
    print(f"nst experiment={shlex.quote(str(target))}")  # noqa: T201  (what to type next)
    return 0


# ---- What is to be made again, and where ----

_OUTPUTS, _SWEEPS = Path("outputs"), Path("outputs/multirun")  # as conf/config.yaml has them
_SUFFIX_BYTES = 2  # four hexadecimal digits tell apart runs that start in the same second, as nst's own


def _runs_of_sweep(folder: Path) -> list[str]:
    """The runs of the sweep by their names relative to its folder, in their order; none for a single run.

    Raises InputError if the folder holds neither.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give the folder of a run or of a sweep")
    if (folder / RUN_JSON).exists():
        return []
    runs = [run.relative_to(folder).as_posix() for run in runs_below(folder) if (run / RUN_JSON).exists()]
    if not runs:
        raise InputError(f"{folder} is neither the folder of a run nor of a sweep: there is no {RUN_JSON}")
    return runs


def _completed_runs(sweep: Path, names: Sequence[str]) -> tuple[dict[str, SavedRun], dict[str, str]]:
    """The completed runs by name, and a sentence for each other one, of which nothing but its end is read.

    Raises InputError if there is none, or if a completed one can't be read.
    """
    runs, left_out = {}, {}
    for name in names:
        folder = sweep / name
        try:
            summary = read_summary(folder)
            if is_completed(summary):
                runs[name] = read_saved_run(folder)
            else:
                left_out[name] = f"{how_it_ended(folder, summary)}: left out"
        except InputError as error:
            raise InputError(f"run {name} of the sweep: {error}") from None
    if not runs:
        raise InputError(f"no run of the sweep in {sweep} is completed: {next(iter(left_out.values()))}")
    return runs, left_out


def _new_folder(wanted: str | None, old: Path, is_sweep: bool) -> Path:
    """Make the folder for the repetition: ``wanted``, or outputs/DATE/TIME-xxxx as ``nst`` has them.

    Raises InputError if it is not empty, lies within ``old``, or can't be made.
    """
    if wanted is not None:
        folder = Path(wanted).expanduser()
        if folder.resolve().is_relative_to(old.resolve()):
            raise InputError(
                f"--output {wanted} lies in {old}, which is left as it is: choose another folder"
            )
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"--output {wanted} is there already: choose a folder that is new or empty")
    else:
        now = calendar.datetime.now()
        day = (_SWEEPS if is_sweep else _OUTPUTS) / f"{now:%Y-%m-%d}"
        folder = day / f"{now:%H-%M-%S}-{secrets.token_hex(_SUFFIX_BYTES)}"
    try:
        folder.mkdir(parents=True, exist_ok=wanted is not None)
    except OSError as error:
        raise InputError(
            f"can't write to the folder {folder} ({error.strerror}): choose another with --output"
        ) from None
    return folder


# ---- What is told ----


def _of_pictures(located: Located) -> list[str]:
    changed = [f"{located.named(name)} is not what it was when the run was made" for name in located.changed]
    return [*changed, *located.damaged]


def _table(verdicts: Mapping[str, Verdict]) -> Table:
    table = Table("run", "result", "PSNR (dB)", "seconds then", "now")
    for name, verdict in verdicts.items():
        then = verdict.before.summary.get("seconds")
        before = then.get("steps") if isinstance(then, dict) else None
        table.add_row(name, verdict.result, _decibels(verdict), _number(before), _number(verdict.seconds))
    return table


def _sentences(verdict: Verdict) -> list[str]:
    old = verdict.before.folder
    if verdict.comparison is None:
        lines = [f"no result to compare with {old}: {verdict.error}"]
    elif verdict.comparison.identical:
        files = "as are the files" if verdict.comparison.same_bytes else "the bytes of the files are not"
        lines = [f"bit-identical to the picture in {old}: every pixel is the same, {files}"]
    elif verdict.comparison.psnr is None:
        lines = [f"different from the picture in {old}: it has another size"]
    else:
        within = "within" if verdict.within else "beyond"
        lines = [
            f"not identical to the picture in {old}: PSNR {_decibels(verdict)} dB, {within} the tolerance of"
            f" {verdict.tolerance:g} dB"
        ]
    lines += [f"{verdict.located.named(name)} has changed since" for name in verdict.located.changed]
    return lines + [f"different: {line}" for line in verdict.differences]


def _decibels(verdict: Verdict) -> str:
    if verdict.comparison is None or verdict.comparison.psnr is None:
        return "-"
    return "infinite" if math.isinf(verdict.comparison.psnr) else f"{verdict.comparison.psnr:.2f}"


def _number(seconds: object) -> str:
    return f"{seconds:.1f}" if is_number(seconds) else "-"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=_NAME,
        description="Make a saved run, or every completed run of a sweep, again in a new folder, and tell"
        " whether the picture is the same bit for bit; or write its configuration as an experiment file.",
        epilog="Exit status: 0 identical or within the tolerance, 1 beyond it or failed, 2 bad input.",
    )
    parser.add_argument("--version", action=ShowVersions, help="show the versions and exit")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="of a run or of a sweep; only read")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="what is to be another, as nst takes it: steps=80, optimizer=adam, precision=float32",
    )
    parser.add_argument(
        "--output", metavar="FOLDER", help="where to write; without it, a new one in outputs/, as nst's"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=TOLERANCE,
        metavar="DB",
        help="the least PSNR of a result that is not identical (%(default)g dB: below what other rounding"
        " makes of a run, above what another picture has)",
    )
    parser.add_argument(
        "--export", metavar="FILE", help="run nothing: write an experiment file, for nst experiment=FILE"
    )
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="MODULE[,MODULE]",
        help="the run may name classes of these modules or packages, which are imported; by default only"
        " those of nst_tf and the optimizers of Keras (docs/extending.md)",
    )
    return parser


if __name__ == "__main__":
    main()
