"""The folder of a run as it stands when the run begins, and when it goes on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tensorflow as tf
from omegaconf import DictConfig, OmegaConf

from nst_tf.printable import printable
from nst_tf.processes import Process
from nst_tf.record import RunFolder, provenance
from nst_tf.vgg.convolution import way_to_convolve
from nst_tf.weights import ConvolutionWeights

_MOST = 80  # letters of a processor's name, which stands in a file that may come from anybody

_log = logging.getLogger(__name__)


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


def gone_on(settings: DictConfig, folder: RunFolder, is_told: bool) -> None:
    """Note in ``run.json`` what a resumed run goes on with, and what it began with if that was another.

    Another processor, device or precision rounds in another way: a line says so, unless it ``is_told``.
    """
    summary = folder.summary
    now = {"device": _device(), "precision": settings.precision.name, "machine": provenance()["machine"]}
    before = {name: summary.get(name) for name in now}
    was, here = _computer(before), _computer(now)
    if was and was != here and not is_told:
        _log.warning("begun on %s, goes on on %s: bits will differ", was, here)
    if (was, before["precision"]) != (here, now["precision"]):
        folder.update(**now, begun_with=summary.get("begun_with", before))


def _computer(facts: Mapping[str, Any]) -> str:
    """The device that computes: a GPU by its name, else the processor; empty where that is not told."""
    machine = facts["machine"]
    processor = machine.get("processor") if isinstance(machine, Mapping) else None
    name = processor if facts["device"] == "CPU" else facts["device"]
    return printable(str(name or ""))[:_MOST]


def _device() -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
