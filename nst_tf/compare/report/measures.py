"""What is measured of every run, and how to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from nst_tf.compare.compared_run import ComparedRun
from nst_tf.compare.report.plain_json import plain


@dataclass(frozen=True)
class Measure:
    """A measure's name, what it means in a sentence, its unit, and whether more, or either, is better."""

    name: str
    meaning: str = ""
    unit: str = ""
    higher_is_better: bool = False
    neither_is_better: bool = False


_KNOWN = {
    one.name: one
    for one in (
        Measure("content_distance", "Distance to the content at block4_conv2, relative to its activations."),
        Measure("style_distance", "Relative distance of Gram matrices to the style, mean over the layers."),
        Measure("sliced_wasserstein", "Sliced Wasserstein distance of activations to the style's."),
        Measure("total_variation", "Mean difference of neighbouring pixels: roughness.",
                neither_is_better=True),
        Measure("ssim", "Structural similarity of luminance with the content picture; 1 is the same.",
                higher_is_better=True),
        Measure("colour_distance", "Distance of the picture's colours to the style's."),
        Measure("seconds", "Time of the whole run.", "s"),
        Measure("steps", "Evaluations of the objective."),
        Measure("peak_memory_bytes", "Largest memory of the run's process.", "bytes"),
    )
}  # fmt: skip
_FROM_SUMMARY = ("seconds", "steps", "peak_memory_bytes")


def measured(run: ComparedRun) -> dict[str, Any]:
    """The run's yardstick, and seconds, steps and peak memory from its summary, as plain JSON values.

    ``seconds`` of a summary may be one number or one for each phase, which are added up.
    """
    found: dict[str, Any] = {str(name): plain(value) for name, value in run.yardstick.items()}
    for name in _FROM_SUMMARY:
        value = run.summary.get(name)
        if isinstance(value, Mapping):
            numbers = [one for one in value.values() if _is_number(one)]
            value = round(sum(numbers), 3) if numbers else None
        if _is_number(value):
            found.setdefault(name, plain(value))
    return found


def described(names: Sequence[str]) -> list[dict[str, Any]]:
    """For each name what is known of it; of an unknown one, that less is better."""
    return [asdict(_KNOWN.get(name) or _layer_of(name)) for name in names]


def _layer_of(name: str) -> Measure:
    whole, _, layer = name.partition("/")
    known = _KNOWN.get(whole)
    if not (layer and known):
        return Measure(name)
    return replace(known, name=name, meaning=f"{known.meaning} Here at {layer} alone.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
