"""What words compose to, remembered: exporting asks for the same ones again and again."""

from __future__ import annotations

from functools import lru_cache

from omegaconf import DictConfig

from nst_tf.reproduce.leaves import KeyPath, leaves
from nst_tf.run.library import composed

_MOST = 64  # compositions of some KB: those of one sweep, mostly


@lru_cache(_MOST)
def composition(words: tuple[str, ...]) -> tuple[DictConfig, dict[str, str], dict[KeyPath, object]]:
    """The settings that the words select, the option of each group, and the leaves; none is to be changed.

    For words that name no file, whose content may change.
    """
    settings, choices = composed(words)
    return settings, choices, leaves(settings)
