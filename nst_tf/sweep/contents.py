"""``content=photos/``: one run a picture, as a sweep over the pictures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from nst_tf.api import composed
from nst_tf.config.inputs import video_of
from nst_tf.config.overrides import check_no_addresses, names_between_commas, quoted
from nst_tf.config.pictures import left_out_of, several_pictures, stands_for_several
from nst_tf.config.schema import is_there, user_path
from nst_tf.errors import InputError, printable
from nst_tf.sweep.state import earlier_jobs

_CONTENT, _SWEEP_FOLDER = "content=", "hydra.sweep.dir="
_SWEEPS = ("-m", "--multirun")
# flags with which Hydra tells of the configuration and runs nothing
_TELLS = ("-h", "--help", "--hydra-help", "--version", "-c", "--cfg", "-i", "--info", "-sc")
# groups that decide whether a folder holds the frames of one animation, and files that may choose of them
_OF_FRAMES = ("video=", "experiment=")


def with_many_contents(words: Sequence[str]) -> list[str]:
    """The words, with a folder or glob in ``content=`` as a choice of all its pictures, and ``-m``.

    It is the outermost of the choices of a sweep. A name with commas is a list of names, each of which may
    be a folder or a glob. In the folder of an earlier sweep, pictures that it had come first, in its
    order, so that only new ones are new jobs. Where an animation is asked for (``video=``), which takes the
    pictures for its frames, the word is only quoted.

    Raises InputError for an empty folder, for a glob without a match, and for an address.
    """
    check_no_addresses(words)
    place = next((place for place, word in enumerate(words) if word.startswith(_CONTENT)), None)
    if place is None or any(word in _TELLS for word in words):
        return list(words)
    said = _unquoted(words[place].removeprefix(_CONTENT))
    names = _names(said)
    if names is None:
        return list(words)
    if _is_of_frames(words):
        return [*words[:place], f"{_CONTENT}{quoted(said)}", *words[place + 1 :]]
    for line in left_out_of(names_between_commas(said)):
        print(f"nst: {printable(line)}", file=sys.stderr)  # noqa: T201  (Hydra's logging has not begun)
    choices = _in_earlier_order([quoted(name) for name in dict.fromkeys(names)], words)
    flag = [] if any(word in _SWEEPS for word in words) else ["-m"]
    # before all others: then its values change most slowly, and more pictures are more jobs at the end
    first = next(number for number, word in enumerate(words) if "=" in word and not word.startswith("-"))
    others = [*words[first:place], *words[place + 1 :]]
    return [*flag, *words[:first], f"{_CONTENT}{','.join(choices)}", *others]


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


def _is_of_frames(words: Sequence[str]) -> bool:
    """Whether any of the options that the words choose makes an animation of the pictures."""
    said = [word.lstrip("+").partition("=") for word in words if word.lstrip("+").startswith(_OF_FRAMES)]
    if any(key == "video" for key, _, _ in said):
        said = [one for one in said if one[0] == "video"]
    return any(_takes_frames(f"{key}={option}") for key, _, options in said for option in options.split(","))


def _takes_frames(word: str) -> bool:
    try:
        settings, _ = composed([word])
    except InputError:  # told when the whole of the words is read
        return False
    return video_of(settings).takes_frames


def _in_earlier_order(choices: list[str], words: Sequence[str]) -> list[str]:
    folder = next(
        (word.removeprefix(_SWEEP_FOLDER) for word in words if word.startswith(_SWEEP_FOLDER)), None
    )
    if folder is None:
        return choices
    earlier = [
        str(word).removeprefix(_CONTENT)
        for job in earlier_jobs(Path(_unquoted(folder)))
        for word in job.get("overrides", ())
        if str(word).startswith(_CONTENT)
    ]
    known = [one for one in dict.fromkeys(earlier) if one in choices]
    return [*known, *(one for one in choices if one not in known)]
