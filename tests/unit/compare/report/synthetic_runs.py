"""Runs as a comparison would have read them, made without any network: tinted samples and closed forms."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nst_tf.compare.reading import ComparedRun

SAMPLES = Path(__file__).parents[4] / "nst_tf" / "samples"
CONTENT, STYLE = SAMPLES / "landscape.jpg", SAMPLES / "mosaic.jpg"
VARYING = ("optimizer", "objective.style.weight")


def mixed_picture(path: Path, share: float, tint: float, width: int = 256) -> Path:
    """The content mixed with ``share`` of the style and tinted: a picture that differs from all others."""
    content, style = _samples(width)
    mixed = (1 - share) * content + share * style
    mixed = mixed * np.array([1 - 0.4 * tint, 1 - 0.15 * abs(tint), 1 + 0.3 * tint])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mixed.clip(0, 255).astype(np.uint8)).save(path)
    return path


@lru_cache(maxsize=8)
def _samples(width: int) -> list[np.ndarray]:
    size = (width, round(width * 0.6875))
    with Image.open(CONTENT) as content, Image.open(STYLE) as style:
        return [np.asarray(one.convert("RGB").resize(size), np.float32) for one in (content, style)]


def synthetic_run(
    folder: Path, optimizer: str, weight: float, number: int, *, steps: int = 60, width: int = 256
) -> ComparedRun:
    """A completed run number ``number``: more weight of style, more style in the picture."""
    share = min(0.9, 0.15 + 0.2 * math.log10(1 + weight))
    adam = optimizer == "adam"
    picture = mixed_picture(folder / "image.png", share, (0.5 if adam else -0.3) + 0.002 * number, width)
    metrics = tuple(
        {"step": step, "size": 256, "seconds": 0.3 * step * (1 + adam), "loss": weight * value + 2,
         "content/block4_conv2": 2.0, "style/block1_conv1": weight * value}
        for step in range(steps)
        for value in [math.exp(-step / (9 + 12 * adam)) + 0.02]
    )  # fmt: skip
    style = 1 / (1 + weight) ** 0.3 * (1.2 if adam else 1) + 0.01 * (number % 7)
    return ComparedRun(
        folder=folder,
        name=str(number),
        status="completed",
        summary={
            "seconds": {"tensorflow": 6.5, "steps": 20.0 + number},
            "steps": steps,
            "peak_memory_bytes": 1_288_744_960,
            "working_folder": "/home/ada/pictures",
        },
        settings={
            "optimizer": optimizer,
            "optimizer.learning_rate": 0.02 if adam else None,
            "objective.style.weight": weight,
            "image.size": 256,
            "seed": 0,
        },
        overrides=(f"optimizer={optimizer}", f"objective.style.weight={weight:g}", "content=my photo.jpg"),
        picture=picture,
        content=CONTENT,
        styles=(STYLE,),
        metrics=metrics,
        yardstick={
            "content_distance": share + 0.05 * adam,
            "style_distance": style,
            "style_distance/block1_conv1": style / 2,
            "sliced_wasserstein": style * 3,
            "total_variation": 0.03,
            "ssim": 1 - share,
            "colour_distance": 0.4 - share / 4,
        },
    )


def eight_runs(folder: Path) -> list[ComparedRun]:
    """Two optimizers by four weights."""
    pairs = [(optimizer, weight) for optimizer in ("lbfgs", "adam") for weight in (1.0, 10.0, 100.0, 1000.0)]
    return [synthetic_run(folder / str(number), *pair, number) for number, pair in enumerate(pairs)]


def failed_run(folder: Path, name: str = "failed one", **changed: Any) -> ComparedRun:
    """A run that left nothing but a sentence."""
    facts: dict[str, Any] = {
        "status": "failed",
        "summary": {},
        "settings": {"optimizer": "adam", "objective.style.weight": 1e30},
        "overrides": ("optimizer=adam",),
        "error": "InputError: objective.style.weight must be at most 1e20, received 1e+30",
    }
    return ComparedRun(folder=folder, name=name, picture=None, content=None, styles=(), **(facts | changed))
