"""What ``run.json`` says of the pictures of a run, and their copies beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from nst_tf.configuration.checks import Inputs
from nst_tf.configuration.mask_names import mask_names
from nst_tf.configuration.output import PROFILES
from nst_tf.files import sha256_of_file, written_atomically
from nst_tf.images.frame_archive import write_archive
from nst_tf.images.frames import Frames
from nst_tf.images.read import Picture
from nst_tf.record.input_copies import INPUTS, copy_input
from nst_tf.run.start_from_file import FileStart
from nst_tf.start import Start

_ARCHIVE = "frames.tar"


def record_inputs(
    settings: DictConfig, inputs: Inputs, start: Start, folder: Path, sweep: Path | None = None
) -> dict[str, Any]:
    """The entry ``inputs``: of each picture the ``file`` as configured, ``sha256`` and, if copied, ``copy``.

    Frames in files of their own have an entry ``frames`` besides, for all of them in one archive.
    Copies are written to ``folder``, sharing files through ``sweep``, unless ``record.copy_inputs`` is off.
    """

    def entry(stem: str, name: str, picture: Picture) -> dict[str, str]:
        return entry_of(stem, name, picture.sha256, picture.file)

    def entry_of(stem: str, name: str, sha256: str, content: bytes) -> dict[str, str]:
        facts = {"file": name, "sha256": sha256}
        if settings.record.copy_inputs:
            facts["copy"] = copy_input(folder, stem, name, content, sweep)
        return facts

    names: Sequence[str] = [settings.style] if isinstance(settings.style, str) else settings.style
    entries: dict[str, Any] = {
        "content": None if inputs.is_texture else entry("content", settings.content, inputs.content),
        "styles": [
            entry(f"style-{index}", name, picture)
            for index, (name, picture) in enumerate(zip(names, inputs.styles, strict=True))
        ],
    }
    if inputs.frames and (inputs.frames.files or inputs.frames.archive):
        entries["frames"] = _entry_of_frames(settings, inputs.frames, folder)
        # what is a picture by itself: the first frame, for those who look at one picture
        first = f"content{Path(inputs.content.name).suffix}"
        entries["content"] = entry("content", first, inputs.content) | {"file": settings.content}
    if inputs.masks:
        entries["masks"] = [
            None
            if picture is None or name is None
            else entry("mask" if index == 0 else f"mask-{index - 1}", name, picture)
            for index, (name, picture) in enumerate(zip(mask_names(settings), inputs.masks, strict=True))
        ]
    if isinstance(start, FileStart):
        entries["init"] = entry("init", settings.init.path, start.picture)
    if settings.record.profile not in PROFILES:
        icc = inputs.profile.icc
        entries["profile"] = entry_of(
            "profile", settings.record.profile, hashlib.sha256(icc).hexdigest(), icc
        )
    return entries


def _entry_of_frames(settings: DictConfig, frames: Frames, folder: Path) -> dict[str, str]:
    """Of frames in files of their own, or in an archive: one archive, and its hash."""
    facts = {"file": settings.content}
    if not settings.record.copy_inputs:
        sha256 = sha256_of_file(frames.archive) if frames.archive else write_archive(frames.files)
        return facts | {"sha256": sha256}
    target = folder / INPUTS / _ARCHIVE
    target.parent.mkdir(exist_ok=True)
    with written_atomically(target) as temporary:
        if frames.archive:
            temporary.write_bytes(frames.archive.read_bytes())
            sha256 = sha256_of_file(temporary)
        else:
            sha256 = write_archive(frames.files, temporary)
    return facts | {"sha256": sha256, "copy": f"{INPUTS}/{_ARCHIVE}"}
