"""A run that the memory turned out to be too small for, told in one sentence with the size that fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

from omegaconf import DictConfig

from nst_tf.configuration.checks import Inputs
from nst_tf.errors import InputError
from nst_tf.files import write_text_atomically
from nst_tf.images.resize import smallest_size
from nst_tf.run.memory import estimated_bytes, largest_within

_SUMMARY = "run.json"  # as nst_tf.record.folder has it, which imports TensorFlow
_GIB = 2**30
_LESS = 0.8  # of what was too much: memory comes in pieces, of which the last ones fit nothing

_Others = ParamSpec("_Others")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, NumPy or TensorFlow could not get the memory that it asked for."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def sentence_for_memory(settings: DictConfig, inputs: Inputs) -> str:
    """What to change: the largest size whose estimate is a fifth less, of what depends on the size at all.

    ``settings`` with precision and memory resolved: see ``nst_tf.run.memory``.
    """
    needed = estimated_bytes(settings, inputs, settings.image.size)
    smallest = max(smallest_size(one.height, one.width) for one in (inputs.content, *inputs.styles))
    try:
        least = estimated_bytes(settings, inputs, min(smallest, settings.image.size))
    except InputError:  # a style that is scaled down would be too small at that size
        least = 0
    largest = largest_within(settings, inputs, round(least + _LESS * (needed - least)))
    said = (
        f"there was not enough memory for image.size={settings.image.size}, which needs about"
        f" {needed / _GIB:.2g} GiB:"
    )
    return f"{said} try {largest}" if largest else f"{said} no smaller size helps, free some memory"


def memory_told(
    function: Callable[Concatenate[DictConfig, Inputs, Path, _Others], Path],
) -> Callable[Concatenate[DictConfig, Inputs, Path, _Others], Path]:
    """A decorator of what runs ``settings`` with ``inputs`` in a folder: too little memory is an InputError.

    The folder's summary, if there is one, then has the sentence as its error.
    """

    @wraps(function)
    def told(
        settings: DictConfig, inputs: Inputs, folder: Path, *arguments: _Others.args, **others: _Others.kwargs
    ) -> Path:
        try:
            return function(settings, inputs, folder, *arguments, **others)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            sentence = sentence_for_memory(settings, inputs)
            _write(folder / _SUMMARY, sentence)
            raise InputError(sentence) from error

    return told


def _write(summary: Path, sentence: str) -> None:
    try:
        facts = json.loads(summary.read_text(encoding="utf-8"))
        write_text_atomically(summary, json.dumps(facts | {"error": sentence}, indent=2) + "\n")
    except (OSError, ValueError):  # it did not come as far as to have one
        return
