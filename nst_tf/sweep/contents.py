"""``content=photos/`` and ``style=each:paintings/``: one run a picture, as a sweep over the pictures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from nst_tf.api import composed
from nst_tf.config.inputs import video_of
from nst_tf.config.overrides import check_no_addresses, names_between_commas, quoted
from nst_tf.config.pictures import check_no_address, left_out_of, several_pictures, stands_for_several
from nst_tf.config.schema import is_there, user_path
from nst_tf.errors import InputError, printable
from nst_tf.sweep.state import earlier_jobs

_CONTENT, _STYLE, _SWEEP_FOLDER = "content=", "style=", "hydra.sweep.dir="
_EACH = "each:"
"""Before the name of a folder of styles, all of which one run would mix."""
_SWEEPS = ("-m", "--multirun")
# flags with which Hydra tells of the configuration and runs nothing
_TELLS = ("-h", "--help", "--hydra-help", "--version", "-c", "--cfg", "-i", "--info", "-sc")
# groups that decide whether a folder holds the frames of one animation, and files that may choose of them
_OF_FRAMES = ("video=", "experiment=")


def with_many_pictures(arguments: Sequence[str]) -> list[str]:
    """The arguments with all pictures of ``content=FOLDER`` and ``style=each:FOLDER``, and ``-m``.

    They are the outermost choices of a sweep, the content before the style. A folder may be a glob as well,
    and a name with commas is a list of names, each of which may be either. In the folder of an earlier
    sweep, pictures that it had come first, in its order, so that only new ones are new jobs. Where an
    animation is asked for (``video=``), which takes the contents for its frames, these are only quoted.

    Raises InputError for an empty folder, for a glob without a match, and for an address.
    """
    check_no_addresses(arguments)
    if any(one in _TELLS for one in arguments):
        return list(arguments)
    arguments = list(arguments)
    choices: list[str] = []
    for key, each in ((_CONTENT, ""), (_STYLE, _EACH)):
        at = next((at for at, one in enumerate(arguments) if one.startswith(key)), None)
        if at is None:
            continue
        said = _unquoted(arguments[at].removeprefix(key))
        if not said.startswith(each) or (each and is_there(user_path(said))):
            continue
        said = said.removeprefix(each)
        names = _names_of_each(said) if each else _names(said)
        if names is None:
            continue
        if key == _CONTENT and _is_of_frames(arguments):
            arguments[at] = f"{_CONTENT}{quoted(said)}"
            continue
        for line in left_out_of(names_between_commas(said)):
            print(f"nst: {printable(line)}", file=sys.stderr)  # noqa: T201  (Hydra's logging has not begun)
        found = _in_earlier_order(key, [quoted(name) for name in dict.fromkeys(names)], arguments)
        choices.append(f"{key}{','.join(found)}")
        del arguments[at]
    if not choices:
        return arguments
    flag = [] if any(one in _SWEEPS for one in arguments) else ["-m"]
    # before all others: then their values change most slowly, and more pictures are more jobs at the end
    is_override = ["=" in one and not one.startswith("-") for one in arguments]
    first = is_override.index(True) if True in is_override else len(arguments)
    return [*flag, *arguments[:first], *choices, *arguments[first:]]


def _names_of_each(value: str) -> list[str]:
    """Every picture that the value behind ``each:`` stands for, be it one."""
    if not value:
        raise InputError(
            f"{_STYLE}{_EACH} names no pictures: say {_STYLE}{_EACH}FOLDER, a glob, or several names"
        )
    for name in names_between_commas(value):
        check_no_address(name, "style")
    return _names(value) or ([value] if is_there(user_path(value)) else list(names_between_commas(value)))


def _names(value: str) -> list[str] | None:
    """Every picture that the value stands for; None if it names pictures in no such way."""
    if stands_for_several(value):
        try:
            return several_pictures(value)
        except InputError:
            if "," not in value:
                raise
    items = [] if is_there(user_path(value)) else names_between_commas(value)
    if not any(stands_for_several(item) for item in items):
        return None
    return [
        name for item in items for name in (several_pictures(item) if stands_for_several(item) else [item])
    ]


def _unquoted(value: str) -> str:
    """Without the quotes that Hydra would take away."""
    if len(value) > 2 and value[0] == value[-1] and value[0] in "'\"" and value[0] not in value[1:-1]:
        return value[1:-1]
    return value


def _is_of_frames(arguments: Sequence[str]) -> bool:
    """Whether any of the options that the arguments choose makes an animation of the pictures."""
    said = [one.lstrip("+").partition("=") for one in arguments if one.lstrip("+").startswith(_OF_FRAMES)]
    if any(key == "video" for key, _, _ in said):
        said = [one for one in said if one[0] == "video"]
    return any(_takes_frames(f"{key}={option}") for key, _, options in said for option in options.split(","))


def _takes_frames(argument: str) -> bool:
    try:
        settings, _ = composed([argument])
    except InputError:  # told when the whole of the arguments is read
        return False
    return video_of(settings).takes_frames


def _in_earlier_order(key: str, choices: list[str], arguments: Sequence[str]) -> list[str]:
    folder = next(
        (one.removeprefix(_SWEEP_FOLDER) for one in arguments if one.startswith(_SWEEP_FOLDER)), None
    )
    if folder is None:
        return choices
    earlier = [
        str(one).removeprefix(key)
        for job in earlier_jobs(Path(_unquoted(folder)))
        for one in job.get("overrides", ())
        if str(one).startswith(key)
    ]
    known = [one for one in dict.fromkeys(earlier) if one in choices]
    return [*known, *(one for one in choices if one not in known)]
