"""The library: ``stylize`` takes pictures in and gives a picture out, with the words of the command line."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.version import VersionBase
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from PIL import Image

from nst_tf.announcement import transparent
from nst_tf.check_before_run import (
    CheckedRun,
    check_own_classes,
    check_run_folder,
    make_run_folder,
    missing_of,
    sentence_for_disk,
)
from nst_tf.config.experiment_files import with_experiment_files
from nst_tf.config.inputs import canvas, inputs_of, video_of
from nst_tf.config.messages import sentence_for, sentence_for_bare_error
from nst_tf.config.overrides import (
    Overrides,
    explicit_keys,
    spelled_as_keys,
    typed,
    with_quoted_files,
    words_of,
)
from nst_tf.config.pictures import (
    NATIVE_SIZE,
    check_no_address,
    left_out_of,
    several_pictures,
    stands_for_several,
    style_names,
)
from nst_tf.config.schema import (
    CONF_FOLDER,
    Settings,
    as_settings,
    picture_path,
    register_schema,
    user_path,
    with_values,
)
from nst_tf.config.trust import trusting, with_trust
from nst_tf.config.validate import validate
from nst_tf.errors import InputError
from nst_tf.images.pixels import levels_of, over_white
from nst_tf.images.read import (
    Picture,
    picture_from_array,
    picture_from_bytes,
    picture_from_pillow,
    read_picture,
)
from nst_tf.images.write import png_of
from nst_tf.loggers import loggers_of
from nst_tf.run import run as run_in
from nst_tf.runs.folder import CONFIG_YAML, LOG, also_logged_to, remove_empty_run
from nst_tf.runs.memory import check_memory
from nst_tf.tensorflow_setup import load_tensorflow, settings_kept

if TYPE_CHECKING:
    from nst_tf.experiment import Experiment
    from nst_tf.optim.loop import Solver
    from nst_tf.pyramid import Scale
    from nst_tf.report import Report


_log = logging.getLogger(__name__)

_ONE_AT_A_TIME = threading.RLock()  # the states of Hydra, of Keras and of TensorFlow are of the whole process

PictureLike = str | Path | Image.Image | np.ndarray


@dataclass(frozen=True)
class Stylized:
    """The result: ``pixels`` [H, W, 3] in [0, 1], rounded to ``record.bits``, and what ``loss`` it has.

    ``alpha`` [H, W] is the opacity of the content picture at this size, None if it is opaque, or if
    ``record.alpha=flatten``; the loss is then that of the picture laid over white. ``parts`` sum to
    ``loss``; ``history`` has a report for every step; ``configuration`` is the complete configuration as
    YAML. ``diverged`` says what went wrong if the loss became infinite or undefined, in which case the
    picture is the best one seen before. ``file`` is the picture in the run's folder, None without one.
    """

    pixels: np.ndarray
    loss: float
    parts: dict[str, float]
    history: list[Report]
    configuration: str
    diverged: str | None = None
    alpha: np.ndarray | None = None
    file: Path | None = None

    @property
    def image(self) -> Image.Image:
        """The picture as an 8-bit Pillow image, RGB or RGBA."""
        colors = levels_of(self.pixels)
        return Image.fromarray(colors if self.alpha is None else np.dstack([colors, levels_of(self.alpha)]))


def stylize(
    content: PictureLike | None,
    style: PictureLike | Sequence[PictureLike],
    overrides: Overrides = (),
    *,
    callbacks: Sequence[Callable[[Report, Solver], object]] = (),
    progress: bool = False,
    folder: str | Path | None = None,
) -> Stylized:
    """Stylize ``content`` with one or several styles: the main job, for scripts and notebooks.

    Threads may call it at once: they wait for each other, for one picture takes all processors and the memory
    there is, and each gets what it would get alone.

    Method: Gatys, Ecker, Bethge, "Image style transfer using convolutional neural networks", CVPR 2016.

    Args:
        content: a path, a Pillow image, or an array (height, width[, channels]) of uint8 or of floats in
            [0, 1]. None is a texture, with the overrides of ``experiment=texture``.
        style: one such picture, or several; a folder is all of its pictures, a glob all that it matches.
        overrides: what the command line would say, ``["image.size=256", "optimizer=adam"]`` or
            ``{"image.size": 256, "optimizer": "adam"}``. They may name classes of your own
            (docs/extending.md).
        callbacks: each is called after every step as ``callback(report, solver)``: ``report`` has ``step``,
            ``size``, ``loss``, ``parts`` and ``seconds``, ``solver.picture`` is the picture so far, [H, W, 3]
            in [0, 1]. One that raises StopIteration, as in SciPy, ends the run with what it has by then.
        progress: show on standard error how far it is, as the command does.
        folder: where to keep a run, as the command keeps it, for ``nst-compare`` and ``nst-rerun``; it holds
            no run yet. Pictures that come from no file are kept in it as PNG, and used as they are there.

    Raises:
        InputError: whatever the command line would refuse.
    """
    if not (isinstance(callbacks, Sequence) and all(map(callable, callbacks))):
        raise InputError(f"callbacks are a list of functions of a report and a solver, but are {callbacks!r}")
    with _ONE_AT_A_TIME:
        words, trust = with_trust(words_of(overrides))
        with trusting(trust):
            run, choices = _checked(content, style, words, keeps_folder=folder is not None)
            history: list[Report] = []
            told = (lambda report, _: history.append(report), *callbacks)
            run = replace(run, callbacks=tuple(map(_Told, told)), follows_each_step=bool(callbacks))
            with settings_kept():
                check_own_classes(run.settings)
                if folder is None:
                    return _stylized(run, history, progress)
                return _recorded(run, choices, words, Path(folder), history, progress)


def build_experiment(
    content: PictureLike | None, style: PictureLike | Sequence[PictureLike], overrides: Overrides = ()
) -> Experiment:
    """The experiment that ``stylize`` would optimize, ready to be stepped by hand: see docs/library.md.

    Raises InputError for whatever ``stylize`` would refuse.
    """
    with _ONE_AT_A_TIME:
        words, trust = with_trust(words_of(overrides))
        with trusting(trust):
            run, _ = _checked(content, style, words)
            load_tensorflow()
            from nst_tf.set_up import set_up

            check_own_classes(run.settings)
            return set_up(run).experiment


def _checked(
    content: PictureLike | None,
    style: PictureLike | Sequence[PictureLike],
    words: Sequence[str],
    keeps_folder: bool = False,
) -> tuple[CheckedRun, dict[str, str]]:
    """The run with its pictures, and the option chosen of each group; InputError for what can't be one."""
    settings, choices = composed(words)
    given = [style] if isinstance(style, (str, Path, Image.Image, np.ndarray)) else list(style)
    styles = [picture for one in given for picture in _pictures_of(one)]
    if settings.logger and not keeps_folder:
        raise InputError("stylize tells a logger only of a run that it keeps: give folder=..., or no logger=")
    if not styles:
        raise InputError("style is an empty list: give at least one picture")
    read = None if content is None else _picture(content)
    if keeps_folder:
        _check_copied(settings, [*styles, *([] if read is None else [read])])
        read = read and _in_a_file(read, "content.png")
        styles = [
            _in_a_file(one, "style.png" if len(styles) == 1 else f"style-{number}.png")
            for number, one in enumerate(styles)
        ]
    names = [one.name for one in styles]
    named: dict[str, Any] = {
        "content": read and read.name,
        "style": names[0] if len(names) == 1 else names,
    }
    image: Any = OmegaConf.to_container(cast("DictConfig", settings.image), resolve=False)
    if read is not None and image["size"] == NATIVE_SIZE:
        named["image.size"] = max(read.picture.height, read.picture.width)
    settings = with_values(settings, named)
    try:
        validate(settings, choices)
    except OmegaConfBaseException as error:  # a value that refers to another one is read only here
        raise InputError(sentence_for(error)) from error
    if video_of(settings).takes_frames:
        raise InputError("stylize makes one picture: run nst for an animation, or leave out video=...")
    pictures = tuple(one.picture for one in styles)
    inputs = inputs_of(settings, read.picture if read else canvas(settings), pictures)
    explicit = explicit_keys(words)
    check_memory(settings, inputs, explicit)
    for line in (
        *left_out_of(str(one) for one in given if isinstance(one, (str, Path))),
        *transparent(pictures),
    ):
        _log.info("%s", line)
    return CheckedRun(settings, inputs, loggers_of(settings), explicit=explicit), choices


def composed(words: Sequence[str]) -> tuple[Settings, dict[str, str]]:
    """The settings that the words select, and the option chosen of each group; InputError if refused."""
    register_schema()
    words = with_quoted_files(with_experiment_files(spelled_as_keys(words)))
    try:
        with _hydra_of_ours(), initialize_config_dir(str(CONF_FOLDER), version_base="1.3"):
            settings = compose("config", words, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(sentence_for(error)) from error
    except Exception as error:
        message = sentence_for_bare_error(error, words)
        if message is None:
            raise
        raise InputError(message) from error
    choices = dict(settings.hydra.runtime.choices)
    with open_dict(settings):
        del settings["hydra"]
    return as_settings(settings), choices


@contextmanager
def _hydra_of_ours() -> Iterator[None]:
    """A process has one of Hydra's states: ours for now, then again that of a program that has one."""
    with _ONE_AT_A_TIME:
        theirs, their_version = GlobalHydra.instance().hydra, VersionBase.instance().getbase()
        GlobalHydra.instance().clear()
        try:
            yield
        finally:
            GlobalHydra.instance().hydra = theirs  # composing has put another instance there
            VersionBase.instance().version_base = their_version


def _stylized(run: CheckedRun, history: list[Report], progress: bool) -> Stylized:
    # TensorFlow is loaded
    from nst_tf.callbacks import Display
    from nst_tf.recorded_run import cut_out
    from nst_tf.set_up import set_up
    from nst_tf.style_transfer import optimize

    ready = set_up(run)
    with Display(ready.experiment.scales, quiet=not progress) as display:
        outcome = optimize(ready.experiment, (display, *run.callbacks))
    if outcome.untouched_note:
        _log.warning("%s", outcome.untouched_note)
    pixels, alpha = cut_out(run.settings, run.inputs, outcome.pixels)
    loss, parts = outcome.loss, outcome.parts
    if alpha is not None:
        loss, parts = outcome.score(over_white(pixels, alpha))
    configuration = OmegaConf.to_yaml(ready.settings, resolve=True)
    return Stylized(pixels, loss, parts, history, configuration, outcome.diverged, alpha)


def _recorded(
    run: CheckedRun,
    choices: Mapping[str, str],
    words: Sequence[str],
    folder: Path,
    history: list[Report],
    progress: bool,
) -> Stylized:
    """As the command makes it, in a folder; of a run that is refused nothing is left there."""
    from nst_tf.recorded_run import RunDiverged, cut_out

    folder = Path.cwd() / user_path(str(folder))
    check_run_folder(folder)
    created = missing_of(folder)
    make_run_folder(folder)
    settings = run.settings
    pictures = [f"content={typed(settings.content)}", f"style={typed(settings.style)}"]
    try:
        with also_logged_to(folder / LOG):
            finished = run_in(settings, choices, folder, [*pictures, *words], quiet=not progress, checked=run)
    except RunDiverged as error:
        finished = error.finished
    except InputError:
        remove_empty_run(folder, created)
        raise
    except OSError as error:
        remove_empty_run(folder, created)
        raise InputError(sentence_for_disk(error, folder)) from error
    pixels, alpha = cut_out(settings, run.inputs, finished.outcome.pixels)
    configuration = (folder / CONFIG_YAML).read_text(encoding="utf-8")
    loss, parts, diverged = finished.loss, finished.parts, finished.outcome.diverged
    return Stylized(pixels, loss, parts, history, configuration, diverged, alpha, finished.file)


@dataclass(frozen=True)
class _Told:
    """A function that is told of each step, as a callback."""

    function: Callable[[Report, Solver], object]

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        pass

    def on_report(self, report: Report, solver: Solver) -> None:
        self.function(report, solver)


class _Named(NamedTuple):
    """A picture, and the name by which the configuration has it."""

    name: str
    picture: Picture


def _pictures_of(style: PictureLike) -> list[_Named]:
    """A picture, or all that are in a folder or that a glob matches."""
    if not isinstance(style, (str, Path)):
        return [_picture(style)]
    name = str(style)
    is_glob = stands_for_several(name) and not picture_path(name).is_dir()
    return [_picture(one) for one in (several_pictures(name) if is_glob else style_names(name))]


def _picture(picture: PictureLike) -> _Named:
    if isinstance(picture, (str, Path)):
        check_no_address(str(picture))
        return _Named(str(picture), read_picture(picture_path(str(picture))))
    if isinstance(picture, Image.Image):
        return _Named("image", picture_from_pillow(picture))
    if isinstance(picture, np.ndarray):
        return _Named("array", picture_from_array(picture))
    raise InputError(
        f"a picture must be a path, a Pillow image or an array, but is a {type(picture).__name__}"
    )


def _check_copied(settings: Settings, pictures: Iterable[_Named]) -> None:
    if not settings.record.copy_inputs and not all(one.picture.file for one in pictures):
        raise InputError(
            "record.copy_inputs=false keeps no copy of a picture that is in no file: give its path, or leave"
            " record.copy_inputs out"
        )


def _in_a_file(one: _Named, name: str) -> _Named:
    """The picture as a file has it: its own, or else a PNG called ``name``, which the run's folder keeps."""
    if one.picture.file:
        return one
    return _Named(name, picture_from_bytes(png_of(one.picture.pixels, one.picture.alpha), name, name))
