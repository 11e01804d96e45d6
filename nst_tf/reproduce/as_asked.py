"""Of what a run chose for its machine, what somebody had asked for: that alone is part of a study."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from nst_tf.configuration.choices import EXPERIMENT, is_option
from nst_tf.errors import InputError
from nst_tf.reproduce.composition import composition
from nst_tf.run.saved_run import SavedRun
from nst_tf.run.sweep.other_configuration import as_asked

_CHOSEN = {"precision": "auto", "memory": "auto", "tile_size": None}
"""What a run writes into its configuration, and what stood there unless somebody fixed it."""


def forget_the_machine(saved: SavedRun, settings: DictConfig) -> None:
    """Set precision and memory of ``settings``, those of the run, to what was asked for: mostly auto.

    Words of the command line fix them, and so do the recipes of papers, which are in float32. Of an
    experiment file that is not ours, the hash of what was asked for tells.
    """
    for key, free in _CHOSEN.items():
        if not _is_fixed(saved, key, free):
            OmegaConf.update(settings, key, free)


def _is_fixed(saved: SavedRun, key: str, free: Any) -> bool:
    words = [word.lstrip("+").partition("=") for word in saved.overrides]
    said = [value for name, _, value in words if name == key]
    if said:
        return said[-1] not in ("auto", "null")
    studies = [value.strip("[]") for name, _, value in words if name == EXPERIMENT]
    if not studies or studies[-1] == "null":
        return False
    if all(is_option(EXPERIMENT, name) for name in studies[-1].split(",")):
        try:
            theirs = OmegaConf.select(composition((f"{EXPERIMENT}=[{studies[-1]}]",))[0], key)
        except InputError:
            return True
        return getattr(theirs, "name", theirs) != free
    here: Any = OmegaConf.to_container(saved.settings, enum_to_str=True)
    return as_asked(here, saved.summary.get("requested_sha256"))[key] != free
