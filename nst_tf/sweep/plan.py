"""The jobs of a sweep, known before any of them starts, and how they share the machine."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from nst_tf.check_before_run import check_own_classes
from nst_tf.config.inputs import read_inputs
from nst_tf.config.messages import sentence_for
from nst_tf.config.overrides import ExplicitKeys, explicit_keys, overrides_of
from nst_tf.config.schema import Settings, as_settings
from nst_tf.config.validate import validate
from nst_tf.errors import InputError
from nst_tf.machine import allowed_gpus, visible_gpus
from nst_tf.runs.memory import check_memory
from nst_tf.runs.sizes import check_sizes

GRID = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
"""The sweeper whose jobs are known beforehand: every combination of the values given."""

_ON_THIS_MACHINE = ("basic_launcher", "hydra_joblib_launcher", "submitit_launcher.LocalLauncher")


@dataclass(frozen=True)
class PlannedJob:
    """The overrides of one job, without those of Hydra; ``folder`` is within the folder of the sweep."""

    number: int
    overrides: tuple[str, ...]
    folder: str


class Plan:
    """What the overrides of a sweep stand for.

    ``jobs`` are those of a grid; a search decides as it goes, and then ``jobs`` is None and ``count``
    the number of its trials, where its sweeper says one.
    """

    def __init__(self, config: DictConfig, loader: ConfigLoader) -> None:
        """Read the overrides; raises one of Hydra's exceptions for overrides that can't be read."""
        self._config, self._loader = config, loader
        self.overrides: list[str] = overrides_of(config.hydra)
        params = config.hydra.sweeper.get("params") or {}
        self._parsed = OverridesParser.create(config_loader=loader).parse_overrides(
            [f"{key}={value}" for key, value in params.items()] + self.overrides
        )
        self._by_key = {override.get_key_element(): override for override in self._parsed}
        self.fixed = frozenset(
            f"{key}={override.get_value_element_as_str()}"
            for key, override in self._by_key.items()
            if not override.is_sweep_override()
        )
        """The overrides that all jobs have."""
        self.jobs = self._jobs() if config.hydra.sweeper._target_ == GRID else None
        self.count: int | None = self._trials() if self.jobs is None else len(self.jobs)

    def settings(self, overrides: Sequence[str], number: int = 0) -> tuple[Settings, Mapping[str, Any]]:
        """The configuration of one job, and the option chosen of each group."""
        composed = self._composed(overrides, number)
        choices: Any = OmegaConf.to_container(composed.hydra.runtime.choices)
        with open_dict(composed):
            del composed["hydra"]
        return as_settings(composed), choices

    def explicit(self, overrides: Sequence[str]) -> ExplicitKeys:
        """The keys of a job's overrides that are not an experiment file's."""
        return explicit_keys(overrides, self._config.hydra.sweeper.get("params") or ())

    def check(self) -> None:
        """Raise InputError if no job could succeed: every one of a grid is wrong, or both ends of a search.

        Stops at the first job that is right. The pictures of a job are read only after its settings.
        """
        every = [list(job.overrides) for job in self.jobs] if self.jobs is not None else self._ends()
        # else the jobs will not have the memory that is seen here
        on_this_machine = any(name in self._config.hydra.launcher._target_ for name in _ON_THIS_MACHINE)
        sentences: list[str] = []
        for number, overrides in enumerate(every):
            try:
                settings, choices = self.settings(overrides, number)
                validate(settings, choices)
                check_own_classes(settings)
                if settings.resume is not None:
                    raise InputError(
                        "resume= goes on with one run: a sweep is gone on with by the same words and"
                        " hydra.sweep.dir=FOLDER"
                    )
                if on_this_machine:
                    check_memory(settings, read_inputs(settings), self.explicit(overrides))
                else:
                    check_sizes(settings, read_inputs(settings))
                return
            except InputError as error:
                sentences.append(str(error))
            except OmegaConfBaseException as error:
                sentences.append(sentence_for(error))
        if len(set(sentences)) == 1:
            raise InputError(sentences[0])
        if self.jobs is not None and sentences:
            raise InputError(
                f"none of the {len(sentences)} jobs of the sweep is possible; of the first: {sentences[0]}"
            )

    def _jobs(self) -> list[PlannedJob]:
        for override in self._parsed:
            if override.is_sweep_override() and not override.is_discrete_sweep():
                raise InputError(
                    f"{override.input_line} is for a search, hydra/sweeper=optuna: a grid takes values,"
                    f" such as {override.get_key_element()}=1,2,3"
                )
        (every,) = BasicSweeper.split_arguments(self._parsed, None)
        raw: Any = OmegaConf.to_container(self._config.hydra.sweep)
        plain = raw["subdir"] == "${hydra.job.num}"
        return [
            PlannedJob(
                number,
                tuple(one for one in overrides if not one.startswith("hydra.")),
                str(number) if plain else self._composed(overrides, number).hydra.sweep.subdir,
            )
            for number, overrides in enumerate(every)
        ]

    def _trials(self) -> int | None:
        """How many a search makes, at most; None if its sweeper does not say."""
        sweeper = self._config.hydra.sweeper
        trials = sweeper.get("n_trials")
        if trials is None or "GridSampler" not in str((sweeper.get("sampler") or {}).get("_target_")):
            return trials
        sizes = [
            len(list(override.sweep_string_iterator()))
            for override in self._by_key.values()
            if override.is_sweep_override() and override.is_discrete_sweep()
        ]
        return min(trials, math.prod(sizes))

    def _composed(self, overrides: Sequence[str], number: int) -> DictConfig:
        composed = self._loader.load_sweep_config(self._config, list(overrides))
        with open_dict(composed):
            composed.hydra.job.id = composed.hydra.job.num = number
        return composed

    def _ends(self) -> list[list[str]]:
        """The overrides of a search with the first, and with the last, of the values that each may take.

        To Optuna, a key that has one value somewhere has that value.
        """
        by_key: dict[str, Override] = {}
        for override in sorted(self._parsed, key=lambda one: not one.is_sweep_override()):
            by_key[override.get_key_element()] = override
        return [[f"{key}={_end(override, which)}" for key, override in by_key.items()] for which in (0, -1)]


def _end(override: Override, which: int) -> str:
    if not override.is_sweep_override():
        return override.get_value_element_as_str()
    if override.is_discrete_sweep():
        return list(override.sweep_string_iterator())[which]
    interval: Any = override.value()
    return str((interval.start, interval.end)[which])


# ---- Jobs that share a machine: how many at once, which GPU each, and launchers that keep still ----

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
    allowed = allowed_gpus(environment)
    gpus = [str(index) for index in range(len(visible_gpus()))] if allowed is None else allowed
    if len(gpus) > 1:
        environment["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]


def set_up_launcher(config: DictConfig) -> None:
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
