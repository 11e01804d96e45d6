"""From the image that was optimized to the picture that is handed over: its transparency and its file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from omegaconf import DictConfig

from nst_tf.configuration.checks import Inputs
from nst_tf.images.alpha import alpha_at, without_white
from nst_tf.images.exif import carried_exif
from nst_tf.images.levels import rounded
from nst_tf.images.read import read_picture
from nst_tf.images.write import FileForm, holds_alpha

if TYPE_CHECKING:  # importing it brings TensorFlow
    from nst_tf.run.outcome import Outcome

_log = logging.getLogger(__name__)


def file_form(settings: DictConfig, inputs: Inputs) -> FileForm:
    """Depth, colour profile and EXIF data of the result's file."""
    form = FileForm(settings.record.bits, inputs.profile)
    content = inputs.content
    if settings.record.exif and content.file:
        return FileForm(
            form.bits, form.profile, carried_exif(content.file, content.name, settings.record.exif_place)
        )
    return form


def cut_out(settings: DictConfig, inputs: Inputs, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The optimized image, [H, W, 3], as it is saved, and its opacity [H, W], None if it is opaque.

    The opacity is that of the content picture; colours are freed of the white that it was laid over. Both
    are rounded to the depth of the file.
    """
    alpha = inputs.content.alpha
    if alpha is None or settings.record.alpha.name == "flatten":
        return pixels, None
    alpha = alpha_at(alpha, *pixels.shape[:2])
    if not holds_alpha(settings.record.picture):
        _log.warning(
            "%s holds no transparency: the result is laid over white (.png, .webp and .tif keep it)",
            settings.record.picture,
        )
    bits = settings.record.bits
    return rounded(without_white(pixels, alpha), bits), rounded(alpha, bits)


def score_of_file(picture: Path, outcome: Outcome) -> tuple[float, dict[str, float]]:
    """Loss and parts of what is in the file; a lossless one holds what was scored already."""
    pixels = read_picture(picture).pixels
    if np.array_equal(pixels, outcome.pixels):
        return outcome.loss, outcome.parts
    return outcome.score(pixels)
