"""Which experiment file named a picture, for the sentence that says that it is not there."""

from __future__ import annotations

import os
from pathlib import Path

from nst_tf.configuration.addresses import check_no_address
from nst_tf.configuration.places import is_there, picture_path, user_path
from nst_tf.errors import InputError

_NAMED_IN: dict[str, Path] = {}  # of this process, as Hydra's store of the experiments is


def note_name(name: str, experiment: Path) -> None:
    """Remember that the experiment file names this picture or these weights."""
    _NAMED_IN[name] = experiment


def check_there(name: str) -> None:
    """Raise InputError for an address, and if there is no such file and an experiment file named it.

    The sentence then says where it was sought.
    """
    check_no_address(name)
    experiment = _NAMED_IN.get(name)
    if experiment is None or is_there(picture_path(name)):
        return
    where = "which does not exist"
    if not user_path(name).is_absolute():
        beside = os.path.abspath(experiment.parent / name)  # noqa: PTH100  (keeps links as they are named)
        where = f"which is neither beside it ({beside}) nor in the present folder"
    raise InputError(f"{experiment} names {name}, {where}: take the file and its pictures along together")
