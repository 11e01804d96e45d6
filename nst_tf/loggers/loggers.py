"""All loggers of a run as one watcher, which none of them can harm."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from nst_tf.configuration.checks import Inputs
from nst_tf.errors import InputError
from nst_tf.images.resize import fit_long_side, resize
from nst_tf.loggers.flat_settings import flat_settings
from nst_tf.loggers.logger import LoggedRun, Logger

if TYPE_CHECKING:  # importing them brings TensorFlow
    from nst_tf.pyramid import Scale
    from nst_tf.solver import Report, Solver

_log = logging.getLogger(__name__)

_ROOM = "nst_tf.loggers."


class Loggers:
    """The loggers of one run, by name; one that fails is left out from then on, with one line to say so."""

    def __init__(self, loggers: Mapping[str, Logger]) -> None:
        """``loggers`` are told everything in their order."""
        self._working = dict(loggers)
        self._folder = Path()

    def begin(self, folder: Path, settings: DictConfig, inputs: Inputs, resumed_at: int = 0) -> None:
        """The run in ``folder``, whose configuration and summary are written, begins or goes on."""
        from nst_tf.record.folder import summary_of

        self._folder = folder.absolute()
        if not self._working:
            return
        summary = summary_of(folder)
        plain: Any = OmegaConf.to_container(settings, resolve=True, enum_to_str=True)
        run = LoggedRun(
            folder=self._folder,
            settings=flat_settings(plain, summary.get("choices", {})),
            overrides=tuple(summary.get("overrides", ())),
            pictures=_pictures(inputs, settings.image.size),
            image_every=settings.record.image_every,
            sweep=_sweep_of(self._folder),
            resumed_at=resumed_at,
        )
        self._tell("begin", run)

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """Pass it on."""
        self._tell("on_scale", scale, height, width)

    def on_report(self, report: Report, solver: Solver) -> None:
        """Pass it on."""
        self._tell("on_report", report, solver)

    def finish(self) -> None:
        """The run ended, and its summary is written."""
        from nst_tf.record.folder import summary_of

        if not self._working:
            return
        summary = summary_of(self._folder)
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


def loggers_of(settings: DictConfig) -> Loggers:
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
    if not isinstance(target, str) or not target.startswith(_ROOM):
        raise InputError(
            f"logger.{name} is no logger, for its _target_ is {target!r}: it must start with {_ROOM}"
        )
    try:
        return instantiate(description, _convert_="all")
    except Exception as error:  # Hydra's, around that of the constructor
        cause = error.__cause__ or error
        reason = (str(cause).splitlines() or [""])[0]
        raise InputError(
            reason if isinstance(cause, InputError) else f"logger.{name} can't be built: {reason}"
        ) from error


def _pictures(inputs: Inputs, size: int) -> dict[str, np.ndarray]:
    names = ["style"] if len(inputs.styles) == 1 else [f"style_{n + 1}" for n in range(len(inputs.styles))]
    pictures = {}
    of_styles = list(zip(names, inputs.styles, strict=True))
    of_content = [] if inputs.is_texture else [("content", inputs.content)]
    for name, picture in [*of_content, *of_styles]:
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
