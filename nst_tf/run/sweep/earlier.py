"""What an earlier call left in the folder of a job, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from nst_tf.configuration.places import picture_path
from nst_tf.configuration.styles import style_names
from nst_tf.errors import InputError
from nst_tf.files import remove_unfinished, sha256_of_file
from nst_tf.run.job import requested_sha256
from nst_tf.run.saved_run import CHECKPOINTS, has_checkpoint
from nst_tf.run.sweep.notes import SUMMARY, read_object
from nst_tf.run.sweep.other_configuration import what_differs

# the names are those of nst_tf.record, which imports TensorFlow; the last is the cache of nst_tf.compare
_PROGRESS, _FRAMES, _CONFIGURATION = "progress", "frames", "config.yaml"
_OLD_FILES = ("metrics.jsonl", "loss.svg", "yardstick.json", *CHECKPOINTS, _CONFIGURATION)


class Earlier(Enum):
    """What to do with a job's folder."""

    BEGIN = auto()
    """Nothing was run there."""
    COMPLETED = auto()
    """The same run is completed there."""
    GO_ON = auto()
    """The same run was cut short after a checkpoint."""
    ANEW = auto()
    """The same run ended without a result, and without a checkpoint that leads to one."""


def earlier_run(
    folder: Path, settings: DictConfig, choices: Mapping[str, Any], words: Sequence[str] = ()
) -> Earlier:
    """What the folder holds of the run that ``settings`` describe.

    Raises InputError if it holds a run with another configuration, saying how it differs (``choices`` are
    the options of groups, ``words`` those that asked for them), or of other pictures.
    """
    if not (folder / SUMMARY).exists():
        return Earlier.BEGIN
    summary = read_object(folder / SUMMARY)
    if summary is not None and summary.get("status") == "failed" and "requested_sha256" not in summary:
        return Earlier.ANEW  # it failed of a value that could not even be resolved
    if summary is None or summary.get("requested_sha256") != requested_sha256(settings):
        said = what_differs(folder / _CONFIGURATION, summary or {}, settings, choices, words)
        said = said or " ".join(map(str, (summary or {}).get("overrides", ())))
        raise InputError(
            f"the folder {folder} holds a run with another configuration{f' ({said})' if said else ''}:"
            " choose another with hydra.sweep.dir, or repeat the words of that sweep"
        )
    _check_pictures(folder, summary.get("inputs"), settings)
    status, picture = summary.get("status"), str(summary.get("picture", settings.record.picture))
    if status == "completed" and (folder / picture).is_file():
        return Earlier.COMPLETED
    # from the checkpoint of a run that diverged, the same steps lead to the same end
    goes_on = status in ("running", "interrupted", "failed") and has_checkpoint(folder)
    return Earlier.GO_ON if goes_on else Earlier.ANEW


def take_away(folder: Path, picture: str) -> None:
    """Take away what an unfinished run left; the summary goes last, so that the folder stays known as its.

    Hydra's own files, the log and whatever else is there stay.
    """
    for file in (folder / picture, *(folder / name for name in _OLD_FILES)):
        file.unlink(missing_ok=True)
    for place in (folder, folder / _PROGRESS):
        remove_unfinished(place)
    for file in (folder / _PROGRESS).glob("step-*.png"):
        file.unlink()
    if (folder / _PROGRESS).is_dir() and not any((folder / _PROGRESS).iterdir()):
        (folder / _PROGRESS).rmdir()
    for file in (folder / _FRAMES).glob("[0-9]*.png"):
        file.unlink()
    (folder / SUMMARY).unlink(missing_ok=True)


def _check_pictures(folder: Path, inputs: Any, settings: DictConfig) -> None:
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
