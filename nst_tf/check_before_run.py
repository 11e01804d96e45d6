"""What is checked before a run writes anything, so that bad input leaves nothing behind."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from hydra.experimental.callback import Callback as HydraCallback
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from nst_tf.announcement import announce, announcement
from nst_tf.config.build import own_targets
from nst_tf.config.inputs import NO_FILES, Files, Inputs, read_inputs
from nst_tf.config.overrides import ExplicitKeys, explicit_keys, overrides_of
from nst_tf.config.schema import Settings, as_settings
from nst_tf.config.trust import check_own_class
from nst_tf.config.validate import validate
from nst_tf.errors import InputError, Stop
from nst_tf.files import obstacle_to_writing
from nst_tf.loggers import Loggers, loggers_of
from nst_tf.runs.folder import RUN_JSON, SWEEP, check_holds_no_run, claim, resume_hint
from nst_tf.runs.memory import check_memory
from nst_tf.runs.provenance import Timings
from nst_tf.tensorflow_setup import load_tensorflow

if TYPE_CHECKING:
    from nst_tf.style_transfer import Callback


@dataclass(frozen=True)
class CheckedRun:
    """Settings that a run can use, the pictures that they name, and what watches it; nothing is written yet.

    ``files`` are read in the place of configured names. A precision or mode of memory that is not
    ``explicit``, because it stands in a saved configuration, gives way where it is impossible here.
    ``callbacks`` follow it beside the loggers.
    """

    settings: Settings
    inputs: Inputs
    loggers: Loggers = field(default_factory=lambda: Loggers({}))
    files: Files = field(default_factory=lambda: NO_FILES)
    explicit: ExplicitKeys = None
    timings: Timings = field(default_factory=Timings)
    callbacks: tuple[Callback, ...] = ()
    follows_each_step: bool = False
    """Whether the callbacks look at the picture after every step, which is then a call of its own."""


def checked_run(
    settings: Settings,
    choices: Mapping[str, str] | None,
    files: Files = NO_FILES,
    explicit: ExplicitKeys = None,
) -> CheckedRun:
    """Check every setting and read the pictures; raises InputError for a run that could not succeed.

    ``choices`` are the options of the groups, as ``validate`` takes them.
    """
    timings = Timings()
    validate(settings, choices, files)
    check_own_classes(settings)
    inputs = read_inputs(settings, files)
    check_memory(settings, inputs, explicit)
    loggers = loggers_of(settings)
    timings.lap("pictures")
    return CheckedRun(settings, inputs, loggers, files, explicit, timings)


def check_own_classes(settings: Settings) -> None:
    """Import the classes of somebody's own that the settings name; raises InputError for what is none.

    TensorFlow, which they may import, is loaded as this package needs it first.
    """
    if own := own_targets(OmegaConf.to_container(cast("DictConfig", settings), resolve=True)):
        load_tensorflow()
        for target in own:
            check_own_class(target)


class CheckBeforeRun(HydraCallback):
    """Checks settings, pictures and the folder of a single run before Hydra makes the folder."""

    checked: ClassVar[CheckedRun | None] = None
    """The run of this process; None of one that is resumed, whose folder has its settings."""

    created_folders: ClassVar[tuple[Path, ...]] = ()
    """The folders that the run made: its own and those above it, innermost first."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Raise Stop, from the InputError or OmegaConf's own, for a run that could not succeed."""
        try:
            folder = Path.cwd() / config.hydra.run.dir
            check_run_folder(folder)
            CheckBeforeRun.created_folders = missing_of(folder)
            choices: Any = OmegaConf.to_container(config.hydra.runtime.choices)
            without_hydra = config.copy()
            with open_dict(without_hydra):
                del without_hydra["hydra"]
            settings = as_settings(without_hydra)
            CheckBeforeRun.checked = line = None
            if settings.resume is None:
                explicit = explicit_keys(overrides_of(config.hydra))
                CheckBeforeRun.checked = checked_run(settings, choices, explicit=explicit)
                line = announcement(settings, CheckBeforeRun.checked.inputs)
            else:
                validate(settings, choices)
            make_run_folder(folder)  # before Hydra writes into it
            if line is not None:
                announce(line)
        except (InputError, OmegaConfBaseException) as error:
            raise Stop from error


def missing_of(folder: Path) -> tuple[Path, ...]:
    """Of the folder and those that it is in, the ones that are not there, innermost first."""
    return tuple(path for path in (folder, *folder.parents) if not path.exists())


def make_run_folder(folder: Path) -> None:
    """Make the folder for a run, and hold it for this process; raises InputError where it can't be one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(sentence_for_disk(error)) from error
    claim(folder)
    check_run_folder(folder)  # a run of another process may have come to its end meanwhile


def check_run_folder(folder: Path) -> None:
    """Raise InputError if the folder holds a run or a sweep already, or could not be made or written."""
    check_holds_no_run(folder)
    if (folder / SWEEP).exists():
        raise InputError(
            f"the folder {folder} holds a sweep, whose jobs a single run would hide: choose another with"
            " hydra.run.dir"
        )
    check_writable(folder)


def check_writable(folder: Path) -> None:
    """Raise InputError if the folder could not be made or written."""
    if obstacle := obstacle_to_writing(folder):
        choose = "; choose another" if obstacle.endswith("writable") else ""
        raise InputError(f"can't write to the folder {folder}: {obstacle}{choose}")


# ---- One sentence for what a disk, or whoever else uses it, can do to a run ----

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def sentence_for_disk(error: OSError, folder: Path | None = None) -> str:
    """What happened to the file of ``error``, and the way on for the run in ``folder``, if there is one."""
    where = error.filename or folder or "the run's folder"
    if folder is not None and not folder.exists() and error.errno == errno.ENOENT:
        return (
            f"the run's folder {folder} is gone: somebody took it away while the run went on; begin it anew"
        )
    if error.errno in _FULL:
        go_on = _how_to_go_on(folder)
        return f"there is no room on the disk for {where} ({error.strerror}): free some, then {go_on}"
    return f"can't write to {where} ({error.strerror or error}): choose another folder with hydra.run.dir"


def cause_on_disk(error: BaseException) -> OSError | None:
    """The full disk, or the like, behind an error; None if there is none."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return cause
        cause = cause.__cause__
    return None


def _how_to_go_on(folder: Path | None) -> str:
    if folder is None or not (folder / RUN_JSON).exists():
        return "run it again, or choose another folder with hydra.run.dir"
    return next(iter(resume_hint(folder)), "run it again in another folder")
