"""Which mask files a configuration names, and other names in their places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig, ListConfig


def mask_names(settings: DictConfig) -> list[str | None]:
    """Of the content, then of the styles, None where one has none; an empty list without guidance."""
    content, styles = (settings.guidance.get(key) for key in ("content", "styles"))
    if not isinstance(content, str):
        return []
    listed = [styles] if isinstance(styles, str) else list(styles) if isinstance(styles, ListConfig) else []
    return [content, *(name if isinstance(name, str) else None for name in listed)]


def rename_masks(settings: DictConfig, renamed: Callable[[str], str]) -> None:
    """Give every mask file that the settings name the name that ``renamed`` has for it."""
    names: list[Any] = [None if name is None else renamed(name) for name in mask_names(settings)]
    if not names:
        return
    settings.guidance.content = names[0]
    if isinstance(settings.guidance.styles, str):
        settings.guidance.styles = names[1]
    elif names[1:]:
        settings.guidance.styles = names[1:]
