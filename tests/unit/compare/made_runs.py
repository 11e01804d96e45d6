"""Run folders made by hand, as ``nst`` writes them, without running anything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

CONFIGURATION: dict[str, Any] = {
    "content": "content.png",
    "style": "style.png",
    "style_weights": None,
    "objective": {
        "style": {"_target_": "nst_tf.losses.StyleLoss", "weight": 20.0, "layers": ["block1_conv1"]}
    },
    "layers": {"style": ["block1_conv1"]},
    "optimizer": {"_target_": "nst_tf.optim.LBFGS", "history_size": 20},
    "steps": 60,
    "seed": 0,
    "record": {"picture": "image.png", "image_every": 50},
}
CHOICES = {
    "optimizer": "lbfgs",
    "objective": "relative",
    "objective/style": "gram_relative",
    "experiment": None,
}


def save(path: Path, pixels: np.ndarray) -> Path:
    """Float pixels [H, W, 3] in [0, 1] to an 8-bit file."""
    Image.fromarray(np.rint(255 * pixels).astype(np.uint8)).save(path)
    return path


def waves(height: int, width: int, seed: int) -> np.ndarray:
    """A smooth picture [H, W, 3] in [0, 1]."""
    random = np.random.default_rng(seed)
    down, across = np.mgrid[0:height, 0:width][..., np.newaxis]
    phase, turn = random.uniform(0, 6, 3), random.uniform(0.1, 0.5, (2, 3))
    return 0.5 + 0.45 * np.sin(turn[0] * down + turn[1] * across + phase)


def made_run(
    folder: Path,
    settings: Mapping[str, Any] | None = None,
    *,
    overrides: Sequence[str] = (),
    choices: Mapping[str, Any] | None = None,
    pixels: np.ndarray | None = None,
    content: Path | None = None,
    styles: Sequence[Path] = (),
    **summary: Any,
) -> Path:
    """A run's folder, with flat ``settings`` over a small configuration; no ``pixels``, no picture."""
    folder.mkdir(parents=True)
    configuration = json.loads(json.dumps(CONFIGURATION))
    for name, value in (settings or {}).items():
        node = configuration
        *parents, last = name.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    if content:
        configuration["content"] = str(content)
    if styles:
        configuration["style"] = [str(style) for style in styles]
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration, sort_keys=False))
    facts: dict[str, Any] = {
        "status": "completed",
        "overrides": list(overrides),
        "choices": {**CHOICES, **(choices or {})},
        "inputs": {
            "content": {"file": str(content), "sha256": sha256(content)} if content else {},
            "styles": [{"file": style.name, "sha256": sha256(style)} for style in styles],
        },
        "working_folder": str(folder.parent),
        "seconds": {"tensorflow": 6.0, "steps": 2.5},
        "steps": 60,
        "peak_memory_bytes": 10**9,
    }
    if pixels is not None:
        save(folder / "image.png", pixels)
        facts |= {"picture": "image.png", "size": {"height": pixels.shape[0], "width": pixels.shape[1]}}
    (folder / "run.json").write_text(json.dumps({**facts, **summary}))
    rows = [{"step": step, "size": 32, "seconds": step / 10, "loss": 2.0 - step} for step in range(2)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
