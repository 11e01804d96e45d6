"""Animations out: the pictures of a run's frames in one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from PIL import Image

from nst_tf.errors import InputError
from nst_tf.files import written_atomically

_FORMATS: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        # every frame with a palette of its own, without merging: a stylized frame changes everywhere
        ".gif": ("GIF", {"optimize": False}),
        ".webp": ("WEBP", {"quality": 90, "method": 4}),
        ".png": ("PNG", {}),
    }
)
_COLOURS = 256  # of a GIF's palette


def check_animation_suffix(name: str | None) -> None:
    """Raise InputError for a name that is not null, with a folder, or of a format that can't be written."""
    if name is None:
        return
    if Path(name).name != name or Path(name).suffix.lower() not in _FORMATS:
        raise InputError(
            f"record.animation must be null or a name that ends in {', '.join(_FORMATS)}, but is {name!r}"
        )


def write_animation(
    target: Path, frames: Sequence[Path], seconds: Sequence[float], loop: int | None = 0
) -> None:
    """Write the pictures ``frames``, each shown for so many ``seconds``, to ``target``, in one step.

    ``loop`` says how often the whole is repeated, 0 without end, None: shown once. A GIF has 256 colours a
    frame, dithered, and counts hundredths of a second; the others keep all colours. Pictures that are equal
    to the one before it may be stored once, for the time of both.
    """
    name, options = _FORMATS[target.suffix.lower()]
    read = _read(frames, name)
    milliseconds = [round(1000 * one) for one in seconds]
    repeated = {} if loop is None else {"loop": loop}
    if loop is None and name != "GIF":
        repeated = {"loop": 1}
    with written_atomically(target) as temporary:
        next(read).save(
            temporary, name, save_all=True, append_images=read, duration=milliseconds, **repeated, **options
        )


def _read(frames: Sequence[Path], name: str) -> Iterator[Image.Image]:
    for frame in frames:
        with Image.open(frame) as opened:
            image = opened.convert("RGB")
        # the median cut follows the colours of the frame better than the octree, which is faster
        yield image.quantize(_COLOURS, Image.Quantize.MEDIANCUT) if name == "GIF" else image
