"""Every completed run of a sweep, made again in a new sweep's folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nst_tf.errors import InputError
from nst_tf.files import write_text_atomically
from nst_tf.reproduce.folders import Found
from nst_tf.reproduce.rerun import Verdict, rerun
from nst_tf.reproduce.unfinished import end_of, is_completed
from nst_tf.run.saved_run import SavedRun, read_saved_run, read_summary

SWEEP = "sweep.json"


@dataclass
class Repeated:
    """The verdict of each run by its name in the sweep, and why others were left out."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def within(self) -> bool:
        """Whether every run that was completed came out the same within the tolerance."""
        return bool(self.verdicts) and all(verdict.within for verdict in self.verdicts.values())


def completed_runs(sweep: Found) -> tuple[dict[str, SavedRun], dict[str, str]]:
    """The completed runs by name, and a sentence for each other one, of which nothing but its end is read.

    Raises InputError if there is none, or if a completed one can't be read.
    """
    runs, left_out = {}, {}
    for name in sweep.names:
        folder = sweep.path(name)
        try:
            summary = read_summary(folder)
            if is_completed(summary):
                runs[name] = read_saved_run(folder)
            else:
                left_out[name] = f"{end_of(folder, summary)}: left out"
        except InputError as error:
            raise InputError(f"run {name} of the sweep: {error}") from None
    if not runs:
        raise InputError(
            f"no run of the sweep in {sweep.folder} is completed: {next(iter(left_out.values()))}"
        )
    return runs, left_out


def rerun_sweep(
    sweep: Found,
    runs: dict[str, SavedRun],
    folder: Path,
    tolerance: float,
    tell: Callable[[str, Verdict], None],
    words: Sequence[str] = (),
) -> Repeated:
    """Make the runs again, each in the folder of its name below ``folder``; ``tell`` hears of each.

    ``words`` come after those of every run.
    ``sweep.json`` is written as the command ``nst -m`` writes it, with ``rerun_of``.
    """
    repeated = Repeated()
    jobs: list[dict[str, Any]] = []
    for number, (name, saved) in enumerate(runs.items()):
        job = {"number": number, "folder": name, "overrides": [*saved.overrides, *words], "status": "running"}
        jobs.append(job)
        _write(folder, sweep.folder, jobs, "running")
        (folder / name).mkdir(parents=True)
        try:
            verdict = rerun(saved, folder / name, tolerance, folder, words)
        except Exception as error:  # one run that fails does not stop the others
            verdict = Verdict(saved, folder / name, tolerance, None, error=_sentence(error))
        except BaseException:
            job["status"] = "interrupted"
            _write(folder, sweep.folder, jobs, "interrupted")
            raise
        job["status"] = "failed" if verdict.error else "completed"
        if verdict.error:
            job["error"] = verdict.error
        repeated.verdicts[name] = verdict
        tell(name, verdict)
    _write(folder, sweep.folder, jobs, "failed" if any("error" in job for job in jobs) else "completed")
    return repeated


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"


def _write(folder: Path, old: Path, jobs: list[dict[str, Any]], status: str) -> None:
    facts = {"overrides": [], "rerun_of": str(old.resolve()), "jobs": jobs, "status": status}
    write_text_atomically(folder / SWEEP, json.dumps(facts, indent=2) + "\n")
