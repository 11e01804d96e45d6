"""Options of config groups by name, as they exist in this version."""

from __future__ import annotations

import re
from typing import Any

from nst_tf.configuration.places import CONFIGURATION

EXPERIMENT = "experiment"
"""The group whose options are whole experiments; what one chose shows in the choices of the others."""

_NAME = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*")


def is_option(group: Any, option: Any) -> bool:
    """Whether ``group`` has the option, as a file of ours; a name that leaves the folder is no option."""
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in (group, option)):
        return False
    return (CONFIGURATION / group / f"{option}.yaml").is_file()


def options_in_folders(group: str) -> list[str]:
    """The options of ours that lie in folders of their group, which Hydra does not list: experiment's."""
    if group != EXPERIMENT:  # of another one, these are groups of their own
        return []
    top = CONFIGURATION / group
    return [path.relative_to(top).with_suffix("").as_posix() for path in sorted(top.glob("*/**/*.yaml"))]


def options_with(group: str, key: str) -> list[str]:
    """The options of a group whose files have the key at their top."""
    if not _NAME.fullmatch(group) or not key.isidentifier():
        return []
    files = sorted((CONFIGURATION / group).glob("*.yaml"))
    return [file.stem for file in files if re.search(rf"^{key}:", file.read_text(encoding="utf-8"), re.M)]


def known_choices(choices: Any) -> dict[str, str]:
    """Of recorded choices {group: option} those that exist here, without the experiment."""
    if not isinstance(choices, dict):
        return {}
    return {
        group: option for group, option in choices.items() if group != EXPERIMENT and is_option(group, option)
    }
