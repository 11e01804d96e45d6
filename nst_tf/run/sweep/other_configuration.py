"""What differs between the run in a job's folder and the one that is asked for there, in words."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from nst_tf.configuration.foreign_yaml import read_foreign_yaml
from nst_tf.errors import InputError
from nst_tf.loggers.flat_settings import FlatSettings, flat_settings
from nst_tf.run.job import NOT_OF_A_RUN, requested_sha256

_MOST = 3  # what is named; a sentence is no table
_LONGEST = 80  # letters of a value; of a longer one, as a list of layers may be, both ends are shown
# a run writes what became of them
_MEASURED = {"precision": "auto", "memory": "auto", "tile_size": None, "balance.calibration": None}
_HYDRA = "hydra/"


def what_differs(
    file: Path,
    summary: Mapping[str, Any],
    settings: DictConfig,
    choices: Mapping[str, Any],
    words: Iterable[str] = (),
) -> str:
    """Such as "steps: was 4, now 5; seed: was 0, now 1; and 2 more"; empty where it can't be told.

    ``file`` and ``summary`` are the configuration and run.json of the run that is there, ``words`` those
    that ask for the other one. Settings that words name come first, then options of groups, which stand
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
    said = (*words, *map(str, summary.get("overrides", ())))
    named = [_key(word) for word in said if _key(word) in differing]
    groups = sorted((key for key in differing if key in _groups(choices)), key=lambda key: key.count("."))
    told: list[str] = []
    for key in (*named, *groups, *differing):
        explained = any(key.startswith(f"{group}.") for group in told if group in groups)
        if key not in told and (key in named or not explained):
            told.append(key)
    parts = [f"{key}: was {_shown(was, key)}, now {_shown(now, key)}" for key in told[:_MOST]]
    return "; ".join([*parts, *([f"and {len(told) - _MOST} more"] if len(told) > _MOST else [])])


def as_asked(saved: dict[str, Any], sha256: Any) -> dict[str, Any]:
    """The saved configuration with what was asked for, where the run wrote what was measured or chosen.

    ``sha256`` is that of what was asked for; without a match, the configuration comes back as it is.
    """
    for keys in itertools.product((False, True), repeat=len(_MEASURED)):
        asked = OmegaConf.create(saved)
        for (key, value), put in zip(_MEASURED.items(), keys, strict=True):
            if put and OmegaConf.select(asked, key) is not None:
                OmegaConf.update(asked, key, value)
        if requested_sha256(asked) == sha256:
            return cast("dict[str, Any]", OmegaConf.to_container(asked))
    return saved


def _flat(settings: Mapping[str, Any], choices: Mapping[str, Any]) -> FlatSettings:
    groups = {group: option for group, option in choices.items() if not group.startswith(_HYDRA)}
    known = {str(group): str(option) for group, option in groups.items() if option is not None}
    return flat_settings({key: one for key, one in settings.items() if key not in NOT_OF_A_RUN}, known)


def _groups(choices: Mapping[str, Any]) -> set[str]:
    return {group.replace("/", ".") for group in choices if not group.startswith(_HYDRA)}


def _key(word: str) -> str:
    return word.lstrip("+~").partition("=")[0].partition("@")[0].replace("/", ".")


def _shown(settings: FlatSettings, key: str) -> str:
    if key not in settings:
        return "absent"
    value = settings[key]
    text = value if isinstance(value, str) else json.dumps(value)
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]}...{text[-half:]}"
