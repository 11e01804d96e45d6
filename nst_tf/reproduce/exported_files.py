"""How an experiment file names the pictures of the run that it comes from."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from nst_tf.configuration.mask_names import rename_masks
from nst_tf.configuration.places import SAMPLES, picture_path
from nst_tf.errors import InputError
from nst_tf.files import sha256_of_file
from nst_tf.reproduce.as_asked import forget_the_machine
from nst_tf.run.saved_run import SavedRun

FILE_LEAVES = (
    *(("content",), ("style",), ("init", "path"), ("model", "weights"), ("record", "profile")),
    *(("guidance", "content"), ("guidance", "styles")),
)
"""The leaves of a configuration that name files."""


def with_files_named(saved: SavedRun, known: MutableMapping[str, str] | None = None) -> DictConfig:
    """The settings of the run with absolute paths of its files: the copies in its folder, if there are.

    Precision and memory are as they were asked for, so that each machine chooses its own.
    ``known`` has names of files by their SHA-256, and gets those of this run: the jobs of a sweep have a copy
    each of the same picture, which is one picture with one name. Bundled pictures keep their names, which
    mean the same everywhere. Raises InputError for a file that is missing or not what it was, and for values
    that no run could use.
    """
    located = saved.located()
    if located.missing:
        raise InputError(located.put_back(saved.working_folder))
    for name in located.changed:
        raise InputError(f"{located.what(name)} is not what it was when the run was made: put it back")
    saved.checked(located.files)
    known = {} if known is None else known
    names = {}
    for one in saved.inputs:
        if _is_bundled(one.name, one.sha256):
            names[one.name] = one.name
            continue
        path = os.path.abspath(located.files[one.name])  # noqa: PTH100  (keeps links as they are named)
        names[one.name] = known.setdefault(one.sha256, path) if one.sha256 else path
    settings = copy.deepcopy(saved.settings)
    settings.logger = {}  # whom to tell is not part of a study: whoever runs it chooses
    forget_the_machine(saved, settings)
    if settings.content is not None:
        settings.content = names[settings.content]
    if isinstance(settings.style, str):
        settings.style = names[settings.style]
    else:
        settings.style = [names[style] for style in settings.style]
    if settings.init.get("path") in names:
        settings.init.path = names[settings.init.path]
    rename_masks(settings, lambda name: names[name])
    settings.record.profile = names.get(settings.record.profile, settings.record.profile)
    settings.model.weights = names.get(settings.model.weights, settings.model.weights)
    return settings


def relative_files(own: Mapping[tuple[str, ...], Any], folder: Path) -> dict[tuple[str, ...], Any]:
    """The leaves, with the path of each file that lies in ``folder`` or below it relative to ``folder``."""

    def shortened(name: Any) -> Any:
        if not isinstance(name, str) or not Path(name).is_absolute():
            return name
        path, start = Path(name), Path(os.path.abspath(folder))  # noqa: PTH100
        return path.relative_to(start).as_posix() if path.is_relative_to(start) else name

    short = dict(own)
    for path in FILE_LEAVES:
        if path in short:
            given = short[path]
            short[path] = [shortened(name) for name in given] if isinstance(given, list) else shortened(given)
    return short


def _is_bundled(name: str, sha256: str | None) -> bool:
    path = picture_path(name)
    return path.is_relative_to(SAMPLES) and path.is_file() and sha256_of_file(path) == sha256
