"""What a run leaves that does not come to its end: the picture so far, and how to go on."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.errors import InputError
from nst_tf.record import RunFolder
from nst_tf.run.interruption import Interruption
from nst_tf.run.recording import Recording
from nst_tf.run.saved_run import has_checkpoint
from nst_tf.run.timings import Timings


class BreakingOff:
    """Ends one run early, in its own thread or from the one that can't wait for it."""

    def __init__(
        self,
        folder: RunFolder,
        recording: Recording,
        interruption: Interruption,
        timings: Timings,
        save: Callable[[np.ndarray], Path],
        quiet: bool,
    ) -> None:
        """``save`` writes an image [H, W, 3] as the run's picture; ``quiet`` says nothing in ``leave``."""
        self._folder = folder
        self._recording = recording
        self._interruption = interruption
        self._timings = timings
        self._save = save
        self._quiet = quiet

    def tell(self, error: BaseException) -> None:
        """Write how the run ended; interrupted, and not urgently, also the picture so far."""
        interrupted = isinstance(error, KeyboardInterrupt)
        facts: dict[str, Any] = {}
        if interrupted and not self._interruption.is_urgent:
            facts = self._picture_so_far()
        self._folder.finish(
            "interrupted" if interrupted else "failed",
            error=f"{type(error).__name__}: {error}",
            seconds=self._timings.seconds,
            **facts,
        )

    def leave(self, number: int, at_once: bool) -> None:
        """As ``tell``, while the run's own thread is in the middle of a step; the last checkpoint stays."""
        facts = {} if at_once else self._picture_so_far()
        self._folder.break_off(error=f"signal {number} came during a step", **facts)
        if not self._quiet:
            sentence = "; ".join(["nst: interrupted", *how_to_go_on(self._folder.path)])
            print(sentence, file=sys.stderr, flush=True)  # noqa: T201

    def _picture_so_far(self) -> dict[str, Any]:
        if self._recording.picture_so_far is None:
            return {}
        steps, image = self._recording.picture_so_far
        try:
            picture = self._save(image)
        except (InputError, OSError):  # a full disk, or no numbers: how the run ended is still to be told
            return {}
        return {"steps": steps, "picture": picture.name}


def how_to_go_on(folder: Path) -> tuple[str, ...]:
    """The command, if the folder has a checkpoint."""
    if not has_checkpoint(folder):
        return ()
    with suppress(ValueError):
        folder = folder.absolute().relative_to(Path.cwd())
    return (f"go on with: nst resume={shlex.quote(str(folder))}",)
