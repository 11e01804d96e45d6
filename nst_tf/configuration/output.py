"""The colour profile of the result, found and checked before any work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig

from nst_tf.configuration.named_files import check_there
from nst_tf.configuration.places import user_path
from nst_tf.images.output_profile import SRGB, OutputProfile, profile_from_file, profile_of_picture
from nst_tf.images.read import Picture

PROFILES = ("srgb", "content")
"""The words of ``record.profile`` that are no files."""


def output_profile(record: DictConfig, content: Picture, files: Mapping[str, Path]) -> OutputProfile:
    """The profile that ``record.profile`` names; ``files`` are read in the place of configured names.

    Raises InputError for one that no result could be converted into.
    """
    name = record.profile
    if name == "srgb":
        return SRGB
    if name == "content":
        profile = profile_of_picture(content.file)
    elif name in files:
        profile = profile_from_file(files[name], name)
    else:
        check_there(name)
        profile = profile_from_file(user_path(name), name)
    profile.check(record.bits)
    return profile
