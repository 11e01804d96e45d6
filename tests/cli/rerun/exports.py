"""Runs exported as experiment files, and what these say."""

from __future__ import annotations

import copy
from pathlib import Path

import yaml
from cli.rerun.rerun_command import Told, nst_rerun
from cli.rerun.saved_folders import once_composed, saved_folder
from omegaconf import OmegaConf

from nst_tf.api import composed


def plain(words: list[str]) -> dict:
    return OmegaConf.to_container(composed(words)[0], resolve=True, enum_to_str=True)


def once(words: list[str]) -> dict:
    settings = copy.deepcopy(once_composed(tuple(words))[0])
    return OmegaConf.to_container(settings, resolve=True, enum_to_str=True)


def export(folder: Path, run: Path, name: str = "my_study.yaml") -> Told:
    told = nst_rerun(folder, run, "--export", name)
    assert told.status == 0, told.err
    assert told.out == f"nst experiment={name}\n"
    return told


def check_round_trip(folder: Path, words: list[str]) -> dict:
    """The file's content; its configuration is that of the words, as the schema and Hydra compose both."""
    run = saved_folder(folder / "run", words)
    export(folder, run)
    target = folder / "my_study.yaml"
    assert plain([f"experiment={target}"]) == once(words)
    content = yaml.safe_load(target.read_text())
    target.unlink()
    return content
