"""The library: ``stylize`` takes pictures in and gives a picture out, with the words of the command line."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.version import VersionBase
from omegaconf import OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from PIL import Image

from nst_tf.announcement import transparent
from nst_tf.check_before_run import CheckedRun, check_own_classes
from nst_tf.config.experiment_files import with_experiment_files
from nst_tf.config.inputs import canvas, inputs_of, video_of
from nst_tf.config.messages import sentence_for, sentence_for_bare_error
from nst_tf.config.overrides import explicit_keys, spelled_as_keys, with_quoted_files
from nst_tf.config.pictures import (
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
    with_values,
)
from nst_tf.config.trust import trusting, with_trust
from nst_tf.config.validate import validate
from nst_tf.errors import InputError
from nst_tf.images.pixels import levels_of, over_white
from nst_tf.images.read import Picture, picture_from_array, picture_from_pillow, read_picture
from nst_tf.runs.memory import check_memory
from nst_tf.tensorflow_setup import settings_kept

if TYPE_CHECKING:
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
    picture is the best one seen before.
    """

    pixels: np.ndarray
    loss: float
    parts: dict[str, float]
    history: list[Report]
    configuration: str
    diverged: str | None = None
    alpha: np.ndarray | None = None

    @property
    def image(self) -> Image.Image:
        """The picture as an 8-bit Pillow image, RGB or RGBA."""
        colors = levels_of(self.pixels)
        return Image.fromarray(colors if self.alpha is None else np.dstack([colors, levels_of(self.alpha)]))


def stylize(
    content: PictureLike | None,
    style: PictureLike | Sequence[PictureLike],
    words: Sequence[str] = (),
) -> Stylized:
    """Stylize ``content`` with one or several styles: the main job, without a folder.

    Pictures are paths, Pillow images or arrays (height, width[, channels]) of uint8 or of floats in
    [0, 1]; as a style, a folder is all of its pictures, and a glob all that it matches. ``content`` None is
    a texture, with the words of ``experiment=texture``. ``words`` are those of the command line, such as
    ``["image.size=256", "optimizer=adam"]``; they may name classes of your own (docs/extending.md).
    Raises InputError for whatever the command line would refuse.
    Threads may call it at once: they wait for each other, for one picture takes all processors and the memory
    there is, and each gets what it would get alone.

    Method: Gatys, Ecker, Bethge, "Image style transfer using convolutional neural networks", CVPR 2016.
    """
    with _ONE_AT_A_TIME:
        words, trust = with_trust(words)
        with trusting(trust):
            return _stylize(content, style, words)


def _stylize(
    content: PictureLike | None, style: PictureLike | Sequence[PictureLike], words: Sequence[str]
) -> Stylized:
    settings, choices = composed(words)
    given = [style] if isinstance(style, (str, Path, Image.Image, np.ndarray)) else list(style)
    styles = [picture for one in given for picture in _pictures_of(one)]
    if settings.logger:
        raise InputError("stylize keeps no folder and tells no logger: leave out logger=..., or run nst")
    if not styles:
        raise InputError("style is an empty list: give at least one picture")
    read = None if content is None else _picture(content)
    names = [picture.name for picture in styles]
    settings = with_values(settings, {"content": read and read.name, "style": names})
    try:
        validate(settings, choices)
    except OmegaConfBaseException as error:  # a value that refers to another one is read only here
        raise InputError(sentence_for(error)) from error
    if video_of(settings).takes_frames:
        raise InputError("stylize makes one picture: run nst for an animation, or leave out video=...")
    inputs = inputs_of(settings, read or canvas(settings), tuple(styles))
    explicit = explicit_keys(words)
    check_memory(settings, inputs, explicit)
    for line in (
        *left_out_of(str(one) for one in given if isinstance(one, (str, Path))),
        *transparent(styles),
    ):
        _log.info("%s", line)
    with settings_kept():
        check_own_classes(settings)
        return _stylized(CheckedRun(settings, inputs, explicit=explicit))


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


def _stylized(run: CheckedRun) -> Stylized:
    # TensorFlow is loaded
    from nst_tf.recorded_run import cut_out
    from nst_tf.set_up import set_up
    from nst_tf.style_transfer import optimize

    ready = set_up(run)
    history: list[Report] = []

    class History:
        def on_scale(self, scale, height: int, width: int) -> None:
            pass

        def on_report(self, report: Report, solver) -> None:
            history.append(report)

    outcome = optimize(ready.experiment, (History(),))
    if outcome.untouched_note:
        _log.warning("%s", outcome.untouched_note)
    configuration = OmegaConf.to_yaml(ready.settings, resolve=True)
    pixels, alpha = cut_out(run.settings, run.inputs, outcome.pixels)
    loss, parts_of_loss = outcome.loss, outcome.parts
    if alpha is not None:
        loss, parts_of_loss = outcome.score(over_white(pixels, alpha))
    return Stylized(pixels, loss, parts_of_loss, history, configuration, outcome.diverged, alpha)


def _pictures_of(style: PictureLike) -> list[Picture]:
    """A picture, or all that are in a folder or that a glob matches."""
    if not isinstance(style, (str, Path)):
        return [_picture(style)]
    name = str(style)
    is_glob = stands_for_several(name) and not picture_path(name).is_dir()
    return [_picture(one) for one in (several_pictures(name) if is_glob else style_names(name))]


def _picture(picture: PictureLike) -> Picture:
    if isinstance(picture, (str, Path)):
        check_no_address(str(picture))
        return read_picture(picture_path(str(picture)))
    if isinstance(picture, Image.Image):
        return picture_from_pillow(picture)
    if isinstance(picture, np.ndarray):
        return picture_from_array(picture)
    raise InputError(
        f"a picture must be a path, a Pillow image or an array, but is a {type(picture).__name__}"
    )
