"""Which decoders of Pillow may look at a file, and what is missing where one is not there."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageFile, features

from nst_tf.errors import InputError
from nst_tf.images.kinds import is_avif, is_heif

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")
"""The formats always read. Pillow knows more, among them EPS, which would run Ghostscript on the file."""

AVIF, HEIF = "AVIF", "HEIF"
"""Formats that are read where Pillow has the decoder, and where the extra ``heic`` is installed."""


def opened_image(content: bytes, name: str | Path) -> ImageFile.ImageFile:
    """The image in these bytes of a file, with its header read and its pixels not yet.

    Raises InputError where it needs a decoder that is not installed, and nearly anything for damaged data.
    """
    return Image.open(BytesIO(content), formats=formats_of(content, name))


def formats_of(beginning: bytes, name: str | Path) -> tuple[str, ...]:
    """The decoders for a file that begins so, whatever it is called.

    Raises InputError where they are not installed; ``name`` stands in the message.
    """
    if is_avif(beginning):
        if "avif" not in features.modules or not features.check("avif"):
            raise InputError(
                f"{name} is an AVIF picture, and this Pillow can't read those: pip install -U 'pillow>=11.3',"
                " or export it as JPEG or PNG"
            )
        return (AVIF,)
    if is_heif(beginning):
        try:
            import_module("pillow_heif").register_heif_opener()
        except ImportError:
            raise InputError(
                f"{name} is an HEIC picture, as phones save them: pip install 'nst_tf[heic]' to have it read,"
                " or export it as JPEG"
            ) from None
        return (HEIF,)
    return FORMATS
