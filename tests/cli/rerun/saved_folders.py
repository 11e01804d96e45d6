"""Run folders without runs: what reading one back needs, written in milliseconds and without TensorFlow."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from omegaconf import OmegaConf
from PIL import Image

from nst_tf.api import composed
from nst_tf.config.schema import picture_path
from nst_tf.runs.provenance import requested_sha256

once_composed = cache(composed)


def saved_folder(folder: Path, words: Sequence[str] = (), status: str = "completed") -> Path:
    """The folder that a run of these words would leave; its result is black."""
    settings, choices = copy.deepcopy(once_composed(tuple(words)))
    requested = requested_sha256(settings)
    for key, chosen in {"precision": "float32", "memory": "plain"}.items():
        if settings[key].name == "auto":
            settings[key] = chosen
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(settings, resolve=True))
    styles = [settings.style] if isinstance(settings.style, str) else list(settings.style)

    def entry(name: str) -> dict[str, str]:
        return {"file": name, "sha256": hashlib.sha256(picture_path(name).read_bytes()).hexdigest()}

    content = None if settings.content is None else entry(settings.content)
    inputs: dict[str, object] = {"content": content, "styles": [entry(one) for one in styles]}
    if settings.init.get("path"):
        inputs["init"] = entry(settings.init.path)
    summary = {
        "status": status,
        "overrides": list(words),
        "choices": {group: option for group, option in choices.items() if not group.startswith("hydra/")},
        "inputs": inputs,
        "requested_sha256": requested,
        "working_folder": str(Path.cwd()),
        "versions": {"tensorflow": "2.21.0"},
        "machine": {"processor": "a processor"},
        "loss_of_saved_picture": 1.25,
    }
    Image.new("RGB", (32, 32)).save(folder / "image.png")
    (folder / "run.json").write_text(json.dumps(summary))
    return folder
