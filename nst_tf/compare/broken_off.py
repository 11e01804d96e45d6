"""Runs that call themselves running, but whose process was killed before it could say more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nst_tf.compare.untrusted import json_object
from nst_tf.errors import InputError
from nst_tf.processes import Process

_NOTES = ".jobs"  # as nst_tf.run.sweep.notes has it


def is_broken_off(folder: Path, summary: Mapping[str, Any]) -> bool:
    """Whether the process of the run in ``folder`` is known to be gone.

    It is named by the run's ``run.json``, else by the note of its job in the folder of its sweep. Only a
    process of this host can be known to be gone; without a host, or on another one, it may go on.
    """
    process = Process.of(summary.get("process")) or Process.of(_note(folder).get("process"))
    return process is not None and process.is_of_this_host and not process.is_alive


def _note(folder: Path) -> Mapping[str, Any]:
    try:
        note = json_object(folder.parent / _NOTES / f"{folder.name}.json")
    except InputError:
        return {}
    return note if note.get("folder") == folder.name else {}
