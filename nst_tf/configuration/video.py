"""What a configuration says of animations, and the frames of the one that it names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig

from nst_tf.configuration.made import made
from nst_tf.configuration.named_files import check_there
from nst_tf.configuration.places import is_there, picture_path
from nst_tf.configuration.several_pictures import several_pictures, stands_for_several
from nst_tf.errors import InputError
from nst_tf.files import sha256_of_file
from nst_tf.images.frame_archive import write_archive
from nst_tf.images.frames import Frames, frames_of_file, frames_of_files
from nst_tf.video import Still, Video


def video_of(settings: DictConfig) -> Video:
    """How the frames of an animation are made; ``Still`` where there is nothing to say (older runs).

    Raises InputError for values that no run could use, and where a needed package is not installed.
    """
    return made("video", settings.video) if settings.video else Still()


def frames_named(name: str, file: Path | None = None) -> Frames:
    """The frames of the animation that is configured as ``name``, read from ``file`` if that is given.

    A name is an animated file, a folder, a glob, a pattern such as frames/%04d.png, or the archive of frames
    that a run keeps. Raises InputError if it holds fewer than two frames, or frames of different sizes.
    """
    if file is not None and file.is_file():
        return frames_of_file(file)
    name = name if file is None else str(file)
    if stands_for_several(name):
        return frames_of_files(name, [picture_path(one) for one in several_pictures(name)])
    return frames_of_file(picture_path(name))


def frames_of(settings: DictConfig, files: Mapping[str, Path]) -> Frames | None:
    """The frames of a run's content; None where it is one picture, or nothing.

    ``files`` are read in the place of configured names. Raises InputError for a folder or glob where one
    picture is wanted, and for an animation of nothing.
    """
    name = settings.content
    if video_of(settings).takes_frames:
        if name is None:
            raise InputError("video needs an animation: say content=FILE, or leave out video=...")
        check_there(name)
        return frames_named(name, files.get(name))
    if name is not None and name not in files and stands_for_several(name):
        raise InputError(
            f"content={name} names several pictures: say so on the command line of nst for one run each, or"
            " video=flow if they are the frames of an animation"
        )
    return None


def is_source(path: Path) -> bool:
    """Whether there is such a file, or such frames."""
    return (is_there(path) and path.is_file()) or bool(_frames_at(path))


def sha256_of_source(path: Path) -> str:
    """Of a file, or of the archive that frames make."""
    return sha256_of_file(path) if path.is_file() else write_archive(_frames_at(path))


def _frames_at(path: Path) -> list[Path]:
    try:
        return [Path(one) for one in several_pictures(str(path))] if stands_for_several(str(path)) else []
    except InputError:
        return []
