"""The loggers of a run: how they are built, what they are told, and what happens when one fails."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from omegaconf import OmegaConf

from nst_tf.config.build import build
from nst_tf.config.inputs import Inputs
from nst_tf.config.overrides import override_key
from nst_tf.config.schema import LABELS, Settings, flatten
from nst_tf.config.trust import is_trusted
from nst_tf.errors import InputError
from nst_tf.images.resize import fit_long_side, resize
from nst_tf.runs.folder import RUN_JSON, read_object

if TYPE_CHECKING:
    from nst_tf.optim.loop import Solver
    from nst_tf.pyramid import Scale
    from nst_tf.report import Report

_log = logging.getLogger(__name__)
_OURS = "nst_tf.loggers."

FlatSettings = Mapping[str, bool | int | float | str]
""""optimizer.learning_rate" -> 0.02; None is "null", a list its JSON text; "optimizer" -> "adam"."""


@dataclass(frozen=True)
class LoggedRun:
    """A run that begins or goes on, as its loggers see it."""

    folder: Path
    """Absolute; ``config.yaml`` and ``run.json`` are in it already."""
    settings: FlatSettings
    """The resolved configuration, and the option chosen of each group under the group's name."""
    overrides: tuple[str, ...]
    """The words that asked for it, such as ``optimizer=adam``."""
    pictures: Mapping[str, np.ndarray]
    """"content" and "style", or "style_1" and so on: [H, W, 3] in [0, 1], at most as large as the result."""
    image_every: int
    """Steps between progress pictures; 0 is none."""
    sweep: Path | None = None
    """The folder of the sweep that the run is a job of."""
    resumed_at: int = 0
    """Updates that were made before this process; what was told of later ones is void."""


class Logger(Protocol):
    """A watcher of the run that also hears how it begins and how it ends.

    Its constructor raises InputError for options that can't work or a package that is not installed, and
    touches nothing. Whatever its methods raise ends the logger, not the run.
    """

    def begin(self, run: LoggedRun) -> None:
        """The run begins, or goes on."""

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """A size begins, in pixels."""

    def on_report(self, report: Report, solver: Solver) -> None:
        """A step was made."""

    def finish(self, status: str, summary: Mapping[str, Any], picture: Path | None) -> None:
        """The run ended: completed, diverged, interrupted or failed; ``summary`` is its ``run.json``."""


class Loggers:
    """The loggers of one run as one; one that fails is left out from then on, with one line to say so."""

    def __init__(self, loggers: Mapping[str, Logger]) -> None:
        """``loggers`` are told everything in their order."""
        self._working = dict(loggers)
        self._folder = Path()

    def begin(self, folder: Path, settings: Settings, inputs: Inputs, resumed_at: int = 0) -> None:
        """The run in ``folder``, whose configuration and summary are written, begins or goes on."""
        self._folder = folder.absolute()
        if not self._working:
            return
        summary = read_object(folder / RUN_JSON) or {}
        run = LoggedRun(
            folder=self._folder,
            settings=flat_settings(settings, summary.get("choices", {})),
            overrides=tuple(summary.get("overrides", ())),
            pictures=_pictures(inputs, settings.image.size),
            image_every=settings.record.image_every,
            sweep=_sweep_of(self._folder),
            resumed_at=resumed_at,
        )
        self._tell("begin", run)

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        self._tell("on_scale", scale, height, width)

    def on_report(self, report: Report, solver: Solver) -> None:
        self._tell("on_report", report, solver)

    def finish(self) -> None:
        """The run ended, and its summary is written."""
        if not self._working:
            return
        summary = read_object(self._folder / RUN_JSON) or {}
        picture = self._folder / summary["picture"] if "picture" in summary else None
        self._tell("finish", summary["status"], summary, picture)

    def _tell(self, method: str, *facts: Any) -> None:
        for name, logger in list(self._working.items()):
            try:
                getattr(logger, method)(*facts)
            except Exception as error:  # whatever another program may raise
                del self._working[name]
                reason = (str(error).splitlines() or [""])[0] or type(error).__name__
                _log.warning("logger=%s failed and is left out, the run is not affected: %s", name, reason)


def loggers_of(settings: Settings) -> Loggers:
    """Build the loggers that the configuration names.

    Raises InputError for one that is none of ours, for options that can't work, and for a package that is
    not installed; nothing is written yet.
    """
    described: Any = OmegaConf.to_container(settings.logger, resolve=True)
    if not isinstance(described, dict):
        raise InputError(f"logger={described!r} is not possible: name one or several, logger=[tensorboard]")
    return Loggers({str(name): _built(str(name), description) for name, description in described.items()})


def _built(name: str, description: Any) -> Logger:
    target = description.get("_target_") if isinstance(description, dict) else None
    is_ours = isinstance(target, str) and target.startswith(_OURS)
    if not is_ours and not is_trusted(target):
        raise InputError(
            f"logger.{name} is no logger, for its _target_ is {target!r}: it must start with {_OURS}"
        )
    return build(f"logger.{name}", description)


def _pictures(inputs: Inputs, size: int) -> dict[str, np.ndarray]:
    """Content and styles by name, each at most as large as the result."""
    named = {} if inputs.is_texture else {"content": inputs.content}
    if len(inputs.styles) == 1:
        named["style"] = inputs.styles[0]
    else:
        named |= {f"style_{number}": style for number, style in enumerate(inputs.styles, start=1)}
    pictures = {}
    for name, picture in named.items():
        # those that are read are checked to fit this size
        height, width = fit_long_side(picture.height, picture.width, size)
        smaller = height < picture.height
        pictures[name] = resize(picture.pixels, height, width) if smaller else picture.pixels
    return pictures


def _sweep_of(folder: Path) -> Path | None:
    """The sweep's folder, from what Hydra left in the job's own: it holds for a resumed job as well."""
    try:
        left: Any = OmegaConf.to_container(OmegaConf.load(folder / ".hydra" / "hydra.yaml"), resolve=False)
        if left["hydra"]["mode"] != "MULTIRUN":
            return None
        return folder.parents[len(PurePath(left["hydra"]["sweep"]["subdir"]).parts) - 1]
    except Exception:  # no such file, or not Hydra's: then the run counts as one of its own
        return None


# ---- what the loggers share ----


def check_extra(logger: str, *modules: str) -> None:
    """Raise InputError if one of the modules is not installed; imports none of them."""
    for module in modules:
        if find_spec(module) is None:
            raise InputError(
                f"logger={logger} needs the package {module}, which is not installed:"
                f" pip install 'nst_tf[{logger}]'"
            )


def saved_losses(summary: Mapping[str, Any]) -> dict[str, float]:
    """``as_saved/loss`` and ``as_saved/PART``, from a run's summary; empty for a run without a picture.

    TensorBoard's table shows the metrics that come first in the alphabet.
    """
    if "loss_of_saved_picture" not in summary:
        return {}
    parts = {f"as_saved/{name}": value for name, value in summary["parts_of_saved_picture"].items()}
    return {"as_saved/loss": summary["loss_of_saved_picture"], **parts}


# ---- a configuration as a table of names and values, which is what loggers can store ----

# they change nothing in the picture
_NOT_OF_THE_RUN = ("hydra", "logger", "resume", "record", "profile", "sweep", *LABELS)


def flat_settings(settings: Settings | Mapping[str, Any], choices: Mapping[str, str | None]) -> FlatSettings:
    """The resolved configuration without its mappings, and the option chosen of each config group."""
    flat: dict[str, bool | int | float | str] = {
        group.replace("/", "."): option for group, option in choices.items() if option is not None
    }
    for path, value in flatten(settings).items():
        if isinstance(value, (bool, int, float, str)):
            flat[".".join(path)] = value
        elif not isinstance(value, Mapping):  # an empty one
            flat[".".join(path)] = json.dumps(value)
    return flat


def flat_key(override: str) -> str:
    """The key of an override as it stands in flat settings: "objective/style=gram" -> "objective.style"."""
    return override_key(override).replace("/", ".")


def overridden(settings: FlatSettings, overrides: Iterable[str]) -> FlatSettings:
    """The settings that ``overrides`` ask for and that matter for the picture.

    A value that is a mapping stays as it was typed; what was taken away (``~key``) has none.
    """
    asked: dict[str, bool | int | float | str] = {}
    for word in overrides:
        key = flat_key(word)
        if not word.startswith("~") and key.partition(".")[0] not in _NOT_OF_THE_RUN:
            asked[key] = settings.get(key, word.partition("=")[2])
    return asked
