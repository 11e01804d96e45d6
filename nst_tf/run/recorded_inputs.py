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
from nst_tf.images.read import Picture
from nst_tf.record.input_copies import copy_input
from nst_tf.run.start_from_file import FileStart
from nst_tf.start import Start


def record_inputs(
    settings: DictConfig, inputs: Inputs, start: Start, folder: Path, sweep: Path | None = None
) -> dict[str, Any]:
    """The entry ``inputs``: of each picture the ``file`` as configured, ``sha256`` and, if copied, ``copy``.

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
