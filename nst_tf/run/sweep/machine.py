"""Jobs that share a machine: how many at once, which GPU each, and launchers that keep still."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from typing import Any

from omegaconf import DictConfig, open_dict

from nst_tf.run.sweep.plan import GRID
from nst_tf.visible_gpus import allowed_words, visible_gpus

_SEVERAL_ON_A_MACHINE = ("hydra_joblib_launcher", "submitit_launcher.LocalLauncher", "hydra_ray_launcher")
_CORES_A_JOB = 4  # at 512 pixels, more than that waits for memory; a job holds some gigabytes
_AS_MANY_AS_CORES = -1  # joblib's own word and default


def take_one_gpu(number: int, launcher: str, environment: MutableMapping[str, str]) -> None:
    """Let job ``number`` see one GPU, if its launcher runs several jobs on a machine that has several GPUs.

    Job n gets GPU n modulo their number, of those that CUDA_VISIBLE_DEVICES allows. A process that has
    loaded TensorFlow keeps the one that it has: it can't change. The number of threads is left alone: with
    another one, the sums of the convolutions differ in the last bits, and so would the picture.
    """
    if "tensorflow" in sys.modules or not any(name in launcher for name in _SEVERAL_ON_A_MACHINE):
        return
    allowed = allowed_words(environment)
    gpus = [str(index) for index in range(len(visible_gpus()))] if allowed is None else allowed
    if len(gpus) > 1:
        environment["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]


def arrange(config: DictConfig) -> None:
    """Give the launcher and the sweeper what they lack, where the command says nothing about it.

    submitit starts all local jobs at once: the sweeper gives it no more at a time than there are GPUs, or
    four cores for each, and lets them see the GPUs. joblib runs as many at once as there are GPUs, if there
    are any. Ray leaves its dashboard away and doesn't repeat what its workers write.
    """
    launcher, sweeper = config.hydra.launcher, config.hydra.sweeper
    several = any(name in launcher._target_ for name in _SEVERAL_ON_A_MACHINE)
    gpus = len(visible_gpus()) if several else 0
    with open_dict(config):
        if "submitit_launcher.LocalLauncher" in launcher._target_ and sweeper._target_ == GRID:
            cores = launcher.get("cpus_per_task") or _CORES_A_JOB
            at_once = max(1, gpus or (os.cpu_count() or 1) // cores)
            sweeper.max_batch_size = sweeper.max_batch_size or at_once
        if "submitit_launcher.LocalLauncher" in launcher._target_ and gpus:
            # of which each job takes one; without a number submitit hides them all
            launcher.gpus_per_node = launcher.get("gpus_per_node") or gpus
        if "hydra_joblib_launcher" in launcher._target_ and launcher.get("n_jobs") == _AS_MANY_AS_CORES:
            launcher.n_jobs = gpus or _AS_MANY_AS_CORES
        if "hydra_ray_launcher" in launcher._target_ and "ray" in launcher:
            given: dict[str, Any] = dict(launcher.ray.init)
            quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
            if not given.get("address") and "RAY_ADDRESS" not in os.environ:  # a cluster of its own
                quiet["include_dashboard"] = False
            launcher.ray.init = quiet | given
