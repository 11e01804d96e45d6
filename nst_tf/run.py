"""One run: what can be checked before TensorFlow is loaded, then the run itself.

The run with its record is in ``nst_tf.recorded_run``, which is imported when TensorFlow is loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nst_tf.announcement import announce, announcement, notes_on
from nst_tf.check_before_run import CheckedRun, check_own_classes, checked_run
from nst_tf.config.inputs import NO_FILES, Files
from nst_tf.config.overrides import ExplicitKeys
from nst_tf.config.pictures import style_names
from nst_tf.config.schema import Settings, with_values
from nst_tf.loggers import loggers_of
from nst_tf.runs.checkpoint import last_checkpoint
from nst_tf.runs.folder import LOG, alone_in, also_logged_to, has_checkpoint, read_summary
from nst_tf.runs.provenance import Timings, requested_sha256
from nst_tf.runs.saved_run import resumable, with_steps
from nst_tf.tensorflow_setup import load_tensorflow

if TYPE_CHECKING:
    from nst_tf.recorded_run import BatchHook, FinishedRun

_log = logging.getLogger(__name__)


def run(
    settings: Settings,
    choices: Mapping[str, str] | None,
    folder_path: Path,
    overrides: Sequence[str] = (),
    quiet: bool = False,
    files: Files = NO_FILES,
    sweep: Path | None = None,
    facts: Mapping[str, Any] = MappingProxyType({}),
    batch: BatchHook | None = None,
    explicit: ExplicitKeys = None,
    checked: CheckedRun | None = None,
) -> FinishedRun:
    """Run one configuration in an existing folder.

    ``choices`` and ``overrides`` are how the configuration was asked for; they are recorded, with any
    other ``facts``. ``quiet`` shows no progress. ``files`` are read in the place of configured names. The
    runs of a sweep, whose folder is ``sweep``, share the copies of their pictures. ``batch`` may run it
    together with others. What is not ``explicit`` gives way where it is impossible here: see ``CheckedRun``.
    ``checked``: the same settings, if they were checked already.

    Raises InputError before anything but the folder was written, or RunDiverged, a FloatingPointError (the
    best picture is saved then).
    """
    with alone_in(folder_path):
        checked = checked or checked_run(settings, choices, files, explicit)
        facts = {
            "overrides": list(overrides),
            "choices": {
                group: choice for group, choice in (choices or {}).items() if not group.startswith("hydra/")
            },
            "requested_sha256": requested_sha256(settings),
            **facts,
        }
        for line in notes_on(checked.inputs, settings.style, settings.content):
            _log.info("%s", line)
        checked = replace(checked, settings=with_values(settings, {"style": _listed(settings.style)}))
        load_tensorflow()
        from nst_tf.recorded_run import recorded_run

        checked.timings.lap("tensorflow")
        return recorded_run(checked, folder_path, facts, quiet=quiet, sweep=sweep, batch=batch)


def _listed(style: Any) -> Any:
    """The pictures of folders by name: what the folder holds later is another matter."""
    names = style_names(style)
    return style if names in ([style], style) else names


def resume(folder: Path, quiet: bool = False, steps: int | None = None) -> FinishedRun:
    """Go on with the unfinished run in ``folder`` from its last checkpoint; as ``run`` otherwise.

    A completed run whose last state was kept goes on until its last size has had ``steps``.

    It ends as it would have ended, bit for bit on the same machine and versions. A run that has no checkpoint
    yet begins again in its folder; one whose last checkpoint is damaged goes on from the previous one, and
    says so. Raises InputError for a run that is completed or whose pictures are not what they were.
    """
    with alone_in(folder):
        timings = Timings()
        settings, inputs, files = resumable(folder, steps)
        check_own_classes(settings)
        if not quiet:
            announce(f"going on in {folder}: {announcement(settings, inputs)}")
        loggers = loggers_of(settings)
        timings.lap("pictures")
        load_tensorflow()
        from nst_tf.recorded_run import recorded_run

        timings.lap("tensorflow")
        with also_logged_to(folder / LOG):
            checkpoint, damage = last_checkpoint(folder) if has_checkpoint(folder) else (None, None)
            facts: dict[str, Any] = {"damage": damage} if damage else {}
            if damage:
                _log.warning("%s", damage)
            if steps is not None:
                settings = with_steps(settings, folder, checkpoint, steps)
                words = [*(read_summary(folder).get("overrides") or ()), f"steps={steps}"]
                facts |= {"overrides": words, "requested_sha256": requested_sha256(settings)}
            checked = CheckedRun(settings, inputs, loggers, files, (), timings)
            return recorded_run(checked, folder, facts, checkpoint, is_resumed=True, quiet=quiet)
