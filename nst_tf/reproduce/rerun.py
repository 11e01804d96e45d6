"""One saved run, made again in a folder of its own, and what came of it."""

from __future__ import annotations

import copy
import json
import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from nst_tf.configuration.option_types import GROUPS_WITH_ONE_OPTION
from nst_tf.errors import InputError
from nst_tf.files import write_text_atomically
from nst_tf.images.read import read_picture
from nst_tf.reproduce.changed import changed, what_was_changed
from nst_tf.reproduce.circumstances import difference, differences
from nst_tf.reproduce.foreign_text import on_one_line
from nst_tf.reproduce.likeness import Likeness, likeness
from nst_tf.reproduce.unfinished import is_completed, not_repeated
from nst_tf.run.job import run
from nst_tf.run.saved_run import SUMMARY, Located, SavedRun, read_summary
from nst_tf.run.typed import typed_keys

_LOG = "nst.log"
# of these run.json, or the configuration of the run that was made, says what became of them
_RESOLVED = ("precision", "memory")
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"  # as conf/config.yaml has it


@dataclass(frozen=True)
class Verdict:
    """How a run that was made again compares with the first one.

    ``within`` says whether it is identical or at least ``tolerance`` dB alike; ``likeness`` is None, and
    ``error`` a sentence, if it came to no end that could be compared. ``picture`` is what came of it.
    """

    before: SavedRun
    folder: Path
    tolerance: float
    likeness: Likeness | None
    differences: list[str] = field(default_factory=list)
    located: Located = field(default_factory=Located)
    error: str | None = None
    seconds: float | None = None
    picture: Path | None = None

    @property
    def within(self) -> bool:
        """Whether the result is the same within the tolerance."""
        if self.likeness is None or self.likeness.psnr is None:
            return False
        return self.likeness.identical or self.likeness.psnr >= self.tolerance

    @property
    def result(self) -> str:
        """In a word or two."""
        if self.likeness is None:
            return "failed"
        if self.likeness.identical:
            return "bit-identical"
        return "within tolerance" if self.within else "different"

    def facts(self) -> dict[str, Any]:
        """What ``run.json`` of the new run says of it."""
        facts: dict[str, Any] = {"result": self.result, "within_tolerance": self.within}
        # null where it is infinite: JSON has no such number
        facts["tolerance_db"] = self.tolerance if math.isfinite(self.tolerance) else None
        if self.likeness is not None:
            decibels = self.likeness.psnr
            facts["identical_pixels"] = self.likeness.identical
            facts["identical_bytes"] = self.likeness.same_bytes
            # null where it is infinite, or has no meaning because the sizes differ
            facts["psnr_db"] = None if decibels is None or math.isinf(decibels) else round(decibels, 3)
        return facts | {"differences": self.differences, "changed_pictures": list(self.located.changed)}


def check_repeatable(saved: SavedRun, words: Sequence[str] = ()) -> tuple[SavedRun, Located]:
    """The run as it is to be made, with ``words`` after its own, and where its files are now.

    Raises InputError for a run that can't be made again or compared, and for words as ``changed`` does.
    """
    if not is_completed(saved.summary):
        raise InputError(not_repeated(saved.folder, saved.summary))
    _check_result(saved)
    wanted = changed(saved, words)
    located = wanted.located()
    if located.missing:
        raise InputError(located.put_back(saved.working_folder))
    wanted.checked(located.files, typed_keys(words))
    return wanted, located


def _check_result(saved: SavedRun) -> None:
    """Raise InputError if the saved picture is damaged, or has not the size that is recorded."""
    path = saved.picture
    picture = read_picture(path)
    size, recorded = {"height": picture.height, "width": picture.width}, saved.summary.get("size")
    if isinstance(recorded, dict) and recorded != size:
        then = " x ".join(on_one_line(recorded.get(side)) for side in size)
        raise InputError(
            f"{path} has {picture.height} x {picture.width} pixels (height x width), and had {then} when the"
            " run was made: put that picture back"
        )


def rerun(
    saved: SavedRun, folder: Path, tolerance: float, sweep: Path | None = None, words: Sequence[str] = ()
) -> Verdict:
    """Make the run again in the existing, empty ``folder``, by the same entry as ``nst`` does.

    Its ``run.json`` then has ``rerun_of``, the first folder, and ``verdict``. The first folder is only read.
    Loggers are left out: a foreign configuration may name a server that is to get the pictures.
    ``tolerance`` is a PSNR in dB. Of a sweep's runs, ``sweep`` is the folder of the new sweep. ``words`` come
    after those of the run. A precision or a mode of memory that the run has, this machine lacks and no word
    asks for gives way to what is possible: the log says so, and the verdict.

    Raises InputError, before anything is written, as ``check_repeatable``.
    """
    wanted, located = check_repeatable(saved, words)
    facts = {
        "rerun_of": str(saved.folder.resolve()),
        # configured paths keep their meaning
        "working_folder": str(saved.working_folder.resolve()),
    }
    asked = saved.summary.get("requested_sha256")
    if not words and isinstance(asked, str):  # it is asked for again, whatever became of it then
        facts["requested_sha256"] = asked
    settings = copy.deepcopy(wanted.settings)
    if not words:
        settings.logger = {}
    complete = all(group in wanted.choices for group in GROUPS_WITH_ONE_OPTION)
    error, alike, picture = None, None, None
    with _logged(folder / _LOG):
        try:
            picture = run(
                settings,
                wanted.choices if complete else None,
                folder,
                wanted.overrides,
                files=located.files,
                sweep=sweep,
                facts=facts,
                typed=typed_keys(words),
            )
            alike = likeness(saved.picture, picture)
        except FloatingPointError as diverged:
            error = str(diverged)
    summary = read_summary(folder)
    seconds = summary.get("seconds", {}).get("steps")
    verdict = Verdict(
        saved,
        folder,
        tolerance,
        alike,
        [
            *(difference(*one) for one in what_was_changed(saved, wanted, words) if one[0] not in _RESOLVED),
            *differences(saved.summary, summary),
            *_of_memory(saved.settings, settings),
        ],
        located,
        error,
        seconds,
        picture,
    )
    text = json.dumps(summary | {"verdict": verdict.facts()}, indent=2)
    write_text_atomically(folder / SUMMARY, text + "\n")
    return verdict


def _of_memory(before: DictConfig, after: DictConfig) -> list[str]:
    """Whether activations were held in another way: the gradient is the same, but for rounding."""
    then, now = (one.memory if isinstance(one.memory, str) else one.memory.name for one in (before, after))
    return [difference("memory", then, now)] if then != now else []


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """The log of the run, as Hydra keeps one of a run that it starts; warnings are also told at once."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter(_LOG_FORMAT))
    told = logging.StreamHandler()
    told.setLevel(logging.WARNING)
    told.setFormatter(logging.Formatter("nst-rerun: %(message)s"))
    logger = logging.getLogger("nst_tf")
    level = logger.level
    logger.addHandler(handler)
    logger.addHandler(told)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(told)
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
