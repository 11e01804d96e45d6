"""What was different when a run was made again: versions, device, processor, pictures, weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nst_tf.reproduce.foreign_text import on_one_line

# entries of run.json on which the numbers may depend, as (path in it, what it is called)
_FACTS = (
    (("device",), "device"),
    (("machine", "processor"), "processor"),
    (("machine", "system"), "system"),
    (("precision",), "precision"),
    (("git_commit",), "commit of nst_tf"),
    (("weights", "sha256"), "SHA-256 of the weights"),
    (("inputs", "content", "sha256"), "SHA-256 of the content picture"),
    (("inputs", "init", "sha256"), "SHA-256 of the picture to start from"),
    (("inputs", "profile", "sha256"), "SHA-256 of the colour profile"),
)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """One line for each difference between two summaries (``run.json``), "NAME: A then, B now"."""
    lines = []
    for path, name in _FACTS:
        lines += _line(name, _at(before, path), _at(after, path))
    lines += _line("runs optimized at once", before.get("batch", 1), after.get("batch", 1))
    versions = [one if isinstance(one := _at(run, ("versions",)), dict) else {} for run in (before, after)]
    for name in sorted({str(key) for key in (*versions[0], *versions[1])}):
        lines += _line(name, versions[0].get(name), versions[1].get(name))
    styles = [
        one if isinstance(one := _at(run, ("inputs", "styles")), list) else [] for run in (before, after)
    ]
    for index, pair in enumerate(zip(*styles, strict=False)):
        lines += _line(f"SHA-256 of style picture {index}", *(_at(one, ("sha256",)) for one in pair))
    masks = [one if isinstance(one := _at(run, ("inputs", "masks")), list) else [] for run in (before, after)]
    for index, pair in enumerate(zip(*masks, strict=False)):
        lines += _line(f"SHA-256 of mask {index}", *(_at(one, ("sha256",)) for one in pair))
    return lines


def difference(name: str, then: Any, now: Any) -> str:
    """One line."""
    return f"{name}: {_shown(then)} then, {_shown(now)} now"


def _line(name: str, then: Any, now: Any) -> list[str]:
    return [] if then == now else [difference(name, then, now)]


def _shown(value: Any) -> str:
    return "unknown" if value is None else on_one_line(value)


def _at(node: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node
