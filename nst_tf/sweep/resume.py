"""What the folder of a job holds from an earlier call, and what is to be done: skip, resume or run it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf

from nst_tf.config.foreign import read_foreign_yaml
from nst_tf.config.pictures import style_names
from nst_tf.config.schema import Settings, as_settings, picture_path
from nst_tf.errors import InputError
from nst_tf.files import remove_empty, remove_unfinished, sha256_of_file
from nst_tf.loggers.loggers import FlatSettings, flat_key, flat_settings
from nst_tf.runs.folder import (
    CHECKPOINT,
    CONFIG_YAML,
    FRAMES,
    METRICS,
    PLOT,
    PREVIOUS_CHECKPOINT,
    PROGRESS,
    RUN_JSON,
    YARDSTICK,
    can_go_on,
    read_object,
)
from nst_tf.runs.provenance import NOT_OF_A_RUN, SETTLED_BY_A_RUN, requested_sha256

_OLD_FILES = (METRICS, PLOT, YARDSTICK, CHECKPOINT, PREVIOUS_CHECKPOINT, CONFIG_YAML)


class Action(Enum):
    """What to do with a job."""

    RUN = auto()
    """Nothing was run there."""
    SKIP = auto()
    """The same run is completed there."""
    RESUME = auto()
    """The same run was cut short after a checkpoint."""
    RESTART = auto()
    """The same run ended without a result, and without a checkpoint that leads to one."""


def next_action(
    folder: Path, settings: Settings, choices: Mapping[str, Any], overrides: Sequence[str]
) -> Action:
    """What to do for the run that ``settings`` describe, given what its folder holds.

    Raises InputError if that is a run with another configuration, saying how it differs (``choices`` are
    the options of groups, ``overrides`` those that asked for them), or of other pictures.
    """
    if not (folder / RUN_JSON).exists():
        return Action.RUN
    summary = read_object(folder / RUN_JSON)
    if summary is not None and summary.get("status") == "failed" and "requested_sha256" not in summary:
        return Action.RESTART  # it failed of a value that could not even be resolved
    if summary is None or summary.get("requested_sha256") != requested_sha256(settings):
        said = what_differs(folder / CONFIG_YAML, summary or {}, settings, choices, overrides)
        said = said or " ".join(map(str, (summary or {}).get("overrides", ())))
        raise InputError(
            f"the folder {folder} holds a run with another configuration{f' ({said})' if said else ''}:"
            " choose another with hydra.sweep.dir, or repeat the words of that sweep"
        )
    _check_pictures(folder, summary.get("inputs"), settings)
    status, picture = summary.get("status"), str(summary.get("picture", settings.record.picture))
    if status == "completed" and (folder / picture).is_file():
        return Action.SKIP
    return Action.RESUME if can_go_on(folder, status) else Action.RESTART


def clear(folder: Path, picture: str) -> None:
    """Take away what an unfinished run left; the summary goes last, so that the folder stays known as its.

    Hydra's own files, the log and whatever else is there stay.
    """
    remove_unfinished(folder)
    remove_unfinished(folder / PROGRESS)
    old = [folder / name for name in (picture, *_OLD_FILES)]
    old += [*(folder / PROGRESS).glob("step-*.png"), *(folder / FRAMES).glob("[0-9]*.png"), folder / RUN_JSON]
    for file in old:
        file.unlink(missing_ok=True)
    remove_empty([folder / PROGRESS])


def _check_pictures(folder: Path, inputs: Any, settings: Settings) -> None:
    """Raise InputError if a picture is not what it was; what can't be read now is told by others."""
    if not isinstance(inputs, Mapping):  # it failed before it read them
        return
    recorded = [*([inputs["content"]] if inputs.get("content") else []), *inputs.get("styles", [])]
    names = [*([settings.content] if settings.content else []), *style_names(settings.style)]
    if len(names) != len(recorded):
        raise InputError(
            f"the folder {folder} holds a run of {len(recorded)} pictures, and now there are {len(names)}:"
            " choose another folder with hydra.sweep.dir"
        )
    for name, known in zip(names, recorded, strict=True):
        path = picture_path(name)
        if path.is_file() and sha256_of_file(path) != known.get("sha256"):
            raise InputError(
                f"the folder {folder} holds a run of another picture: {name} is not what it was;"
                " choose another folder with hydra.sweep.dir"
            )


# ---- How the run that is there differs from the one that is asked for, in words ----

_MOST = 3  # what is named; a sentence is no table
_LONGEST = 80  # letters of a value; of a longer one, as a list of layers may be, both ends are shown
_HYDRA = "hydra/"


def what_differs(
    file: Path,
    summary: Mapping[str, Any],
    settings: Settings,
    choices: Mapping[str, Any],
    overrides: Iterable[str],
) -> str:
    """Such as "steps: was 4, now 5; seed: was 0, now 1; and 2 more"; empty where it can't be told.

    ``file`` and ``summary`` are the configuration and run.json of the run that is there, ``overrides`` those
    that ask for the other one. Settings that overrides name come first, then options of groups, which stand
    for the values they bring.
    """
    try:
        saved = as_asked(read_foreign_yaml(file), summary.get("requested_sha256"))
    except InputError:
        return ""
    asked: Any = OmegaConf.to_container(settings, resolve=True, enum_to_str=True)
    known = summary.get("choices")
    was, now = _flat(saved, known if isinstance(known, dict) else {}), _flat(asked, choices)
    differing = [key for key in dict.fromkeys((*now, *was)) if was.get(key) != now.get(key)]
    said = (*overrides, *map(str, summary.get("overrides", ())))
    named = [key for key in map(flat_key, said) if key in differing]
    known_groups = {group.replace("/", ".") for group in choices if not group.startswith(_HYDRA)}
    groups = sorted((key for key in differing if key in known_groups), key=lambda key: key.count("."))

    def comes_with_group(key: str) -> bool:
        return any(key.startswith(f"{group}.") for group in groups)

    others = [key for key in (*groups, *differing) if not comes_with_group(key)]
    told = list(dict.fromkeys([*named, *others]))
    parts = [f"{key}: was {_shown(was, key)}, now {_shown(now, key)}" for key in told[:_MOST]]
    return "; ".join([*parts, *([f"and {len(told) - _MOST} more"] if len(told) > _MOST else [])])


def as_asked(saved: dict[str, Any], sha256: Any) -> dict[str, Any]:
    """The saved configuration with what was asked for, where the run wrote what was measured or chosen.

    ``sha256`` is that of what was asked for; without a match, the configuration comes back as it is.
    """
    for keys in itertools.product((False, True), repeat=len(SETTLED_BY_A_RUN)):
        asked = OmegaConf.create(saved)
        for (key, value), put in zip(SETTLED_BY_A_RUN.items(), keys, strict=True):
            if put and OmegaConf.select(asked, key) is not None:
                OmegaConf.update(asked, key, value)
        if requested_sha256(as_settings(asked)) == sha256:
            return cast("dict[str, Any]", OmegaConf.to_container(asked))
    return saved


def _flat(settings: Mapping[str, Any], choices: Mapping[str, Any]) -> FlatSettings:
    groups = {group: option for group, option in choices.items() if not group.startswith(_HYDRA)}
    known = {str(group): str(option) for group, option in groups.items() if option is not None}
    return flat_settings({key: one for key, one in settings.items() if key not in NOT_OF_A_RUN}, known)


def _shown(settings: FlatSettings, key: str) -> str:
    if key not in settings:
        return "absent"
    value = settings[key]
    text = value if isinstance(value, str) else json.dumps(value)
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]}...{text[-half:]}"
