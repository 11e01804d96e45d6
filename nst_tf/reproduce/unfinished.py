"""What became of a run that was not completed, and what can be done with it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nst_tf.reproduce.foreign_text import on_one_line
from nst_tf.run.saved_run import has_checkpoint

_MOST = 300  # of an error's own sentence: ours are shorter
_ENDS = {
    "failed": "failed",
    "diverged": "diverged",
    "interrupted": "was interrupted",
    "running": "is not at its end, or was killed",
}
# from the checkpoint of one that diverged, the same steps lead to the same end
_GOES_ON = ("failed", "interrupted", "running")


def is_completed(summary: Mapping[str, Any]) -> bool:
    """Whether the run with this ``run.json`` has a result."""
    return summary.get("status") == "completed"


def end_of(folder: Path, summary: Mapping[str, Any]) -> str:
    """How the run in ``folder`` ended, with its error, as in "the run in FOLDER failed (ERROR)"."""
    status = summary.get("status")
    end = _ENDS.get(status) if isinstance(status, str) else None
    said = end or f"has the status {on_one_line(repr(status))}"
    error = summary.get("error")
    reason = f" ({on_one_line(error, _MOST)})" if isinstance(error, str) and status != "interrupted" else ""
    return f"the run in {folder} {said}{reason}"


def not_repeated(folder: Path, summary: Mapping[str, Any]) -> str:
    """The sentence that refuses to repeat the run; names the way on if there is a checkpoint."""
    goes_on = summary.get("status") in _GOES_ON and has_checkpoint(folder)
    advice = f"; go on with it: nst resume={shlex.quote(str(folder))}" if goes_on else ""
    return f"{end_of(folder, summary)}: only completed runs are repeated{advice}"
