"""The folder of a run as it stands when the run begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tensorflow as tf
from omegaconf import DictConfig, OmegaConf

from nst_tf.processes import Process
from nst_tf.record import RunFolder, provenance
from nst_tf.vgg.convolution import way_to_convolve
from nst_tf.weights import ConvolutionWeights


def begun(
    settings: DictConfig,
    path: Path,
    weights: ConvolutionWeights,
    asked: Mapping[str, Any],
) -> RunFolder:
    """The folder with the configuration and what the result depends on besides."""
    folder = RunFolder(path)
    folder.begin(
        OmegaConf.to_yaml(settings, resolve=True),
        seed=settings.seed,
        device=_device(),
        precision=settings.precision.name,
        convolutions=way_to_convolve(settings.precision.name),
        deterministic=settings.deterministic,
        weights={"source": weights.source, "sha256": weights.sha256},
        process=asdict(Process.this()),
        **provenance(),
        **({"working_folder": str(Path.cwd())} | dict(asked)),
    )
    return folder


def _device() -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
