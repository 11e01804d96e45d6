"""Jobs that share a machine, and processes that are gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from nst_tf.config.messages import sentence_for
from nst_tf.config.schema import CONF_FOLDER, register_schema
from nst_tf.machine import Process
from nst_tf.sweep import plan as machine
from nst_tf.sweep.plan import GRID, Plan, set_up_launcher, take_one_gpu
from nst_tf.sweep.state import JobRecord, Sweep, is_being_run, read_records, write_record

JOBLIB = "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher"
SUBMITIT = "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher"
SLURM = "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher"
RAY = "hydra_plugins.hydra_ray_launcher.ray_launcher.RayLauncher"
BASIC = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A driver that lists so many GPUs; TensorFlow is not yet loaded."""

    def arranged(count: int) -> None:
        program = tmp_path / "nvidia-smi"
        lines = "\n".join(f"echo 'GPU-{index}, NVIDIA, 80000, Disabled'" for index in range(count))
        program.write_text(f"#!/bin/sh\n{lines}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")

    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    return arranged


@pytest.mark.parametrize("launcher", [JOBLIB, SUBMITIT, RAY])
@pytest.mark.parametrize(
    ("count", "allowed", "number", "expected"),
    [
        (2, None, 0, "0"),
        (2, None, 1, "1"),
        (2, None, 5, "1"),
        (1, None, 5, None),
        (0, None, 5, None),
        (8, "4,6,7", 4, "6"),
        (8, "GPU-a, GPU-b", 3, "GPU-b"),
        (8, "3", 5, "3"),
        (8, "", 5, ""),
        (8, "4,6,-1,7", 5, "6"),  # CUDA sees nothing behind what is no GPU
    ],
)
def test_one_gpu_a_job(launcher, count, allowed, number, expected, gpus) -> None:
    gpus(count)
    environment = {} if allowed is None else {"CUDA_VISIBLE_DEVICES": allowed}
    take_one_gpu(number, launcher, environment)
    assert environment.get("CUDA_VISIBLE_DEVICES") == expected


def test_every_gpu_where_jobs_do_not_share_the_machine(gpus, monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(4)
    for launcher in (BASIC, SLURM):
        environment: dict[str, str] = {}
        take_one_gpu(1, launcher, environment)
        assert environment == {}
    monkeypatch.setitem(sys.modules, "tensorflow", json)  # what is loaded has its devices
    take_one_gpu(1, JOBLIB, environment)
    assert environment == {}


def config(launcher: dict, sweeper: dict):
    return OmegaConf.create({"hydra": {"launcher": launcher, "sweeper": {"_target_": GRID, **sweeper}}})


@pytest.mark.parametrize(
    ("cores", "devices", "launcher", "sweeper", "expected"),
    [
        (2, 0, {}, None, 1),
        (16, 0, {}, None, 4),
        (16, 0, {"cpus_per_task": 2}, None, 8),
        (16, 2, {}, None, 2),
        (16, 2, {}, 7, 7),
    ],
)
def test_submitit_gets_as_many_jobs_as_the_machine_can_take(
    cores, devices, launcher, sweeper, expected, gpus, monkeypatch
) -> None:
    gpus(devices)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: cores)
    asked = config({"_target_": SUBMITIT, **launcher}, {"max_batch_size": sweeper})
    set_up_launcher(asked)
    assert asked.hydra.sweeper.max_batch_size == expected
    assert asked.hydra.launcher.get("gpus_per_node") == (devices or None)  # none are seen without
    for other in (JOBLIB, SLURM, BASIC):
        asked = config({"_target_": other}, {"max_batch_size": None})
        set_up_launcher(asked)
        assert asked.hydra.sweeper.max_batch_size is None


@pytest.mark.parametrize(("devices", "asked", "expected"), [(2, -1, 2), (0, -1, -1), (2, 5, 5)])
def test_joblib_runs_one_job_a_gpu_unless_told_otherwise(devices, asked, expected, gpus) -> None:
    gpus(devices)
    arranged = config({"_target_": JOBLIB, "n_jobs": asked}, {})
    set_up_launcher(arranged)
    assert arranged.hydra.launcher.n_jobs == expected


def test_ray_keeps_still_unless_told_otherwise() -> None:
    asked = config({"_target_": RAY, "ray": {"init": {"address": None, "log_to_driver": True}}}, {})
    set_up_launcher(asked)
    assert asked.hydra.launcher.ray.init == {
        "address": None,
        "log_to_driver": True,
        "logging_level": "ERROR",
        "include_dashboard": False,
    }
    asked = config({"_target_": RAY, "ray": {"init": {"address": "auto"}}}, {})
    set_up_launcher(asked)
    assert (
        "include_dashboard" not in asked.hydra.launcher.ray.init
    )  # Ray refuses it for a cluster that exists


def test_processes() -> None:
    own = Process.this()
    assert own.is_alive
    assert not replace(own, host="elsewhere").is_alive
    assert not replace(own, host="elsewhere").is_of_this_host
    with subprocess.Popen(["sleep", "60"]) as other:
        process = Process.numbered(other.pid)
        assert process.is_alive
        if process.began is not None:  # the number was given to another process since
            assert not replace(process, began=process.began - 1).is_alive
        other.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 10
        while process.is_alive and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not process.is_alive  # though nobody has waited for it yet
    assert not process.is_alive
    assert not replace(process, began=None).is_alive


@pytest.fixture
def running(tmp_path: Path):
    """A sweep whose job 0 was run by a process that is gone, and job 1 by one that is there."""

    class Planned:
        jobs, count, overrides, fixed = None, 2, ("steps=1,2",), frozenset()

    with subprocess.Popen(["true"]) as other:
        gone = Process(other.pid, Process.this().host, 1)
    sweep = Sweep(tmp_path, Planned())  # type: ignore[arg-type]
    sweep.begin()
    with subprocess.Popen(["sleep", "60"]) as there:
        for number, process in enumerate((gone, Process.numbered(there.pid))):
            (tmp_path / str(number)).mkdir()
            facts = {"status": "running", "process": process.number, "seed": 3}
            (tmp_path / str(number) / "run.json").write_text(json.dumps(facts))
            write_record(
                tmp_path, JobRecord(number, str(number), (f"steps={number + 1}",), "running", process)
            )
        yield sweep
        there.kill()


@pytest.mark.parametrize(("interrupted", "status"), [(False, "failed"), (True, "interrupted")])
def test_job_whose_process_is_gone(running: Sweep, interrupted: bool, status: str) -> None:
    assert running.end(interrupted) == status
    jobs = json.loads((running.folder / "sweep.json").read_text())["jobs"]
    assert [job["status"] for job in jobs] == [status, "running"]
    run, other = (json.loads((running.folder / str(job) / "run.json").read_text()) for job in (0, 1))
    assert (run["status"], run["seed"]) == (status, 3)
    assert ("its process was killed" in run.get("error", "")) is not interrupted
    assert other["status"] == "running"
    assert read_records(running.folder)  # they tell the next call which process is still at it


def test_process_on_another_machine_is_known_by_what_it_writes(running: Sweep) -> None:
    far = replace(read_records(running.folder)[1], process=Process(1, "elsewhere", 5))
    write_record(running.folder, far)
    assert is_being_run(running.folder, far)
    old = time.time() - 3600
    for path in (running.folder / ".jobs" / "1.json", running.folder / "1" / "run.json"):
        os.utime(path, (old, old))
    assert not is_being_run(running.folder, far)
    (running.folder / "1" / "metrics.jsonl").touch()
    assert is_being_run(running.folder, far)
    assert not is_being_run(running.folder, replace(far, status="completed"))


def test_records_survive_being_written_in_part(running: Sweep) -> None:
    records = running.folder / ".jobs"
    for number, text in enumerate(("", "{", "[]", '{"number": 5}', '{"process": 3, "overrides": []}')):
        (records / f"{number + 5}.json").write_text(text)
    assert list(read_records(running.folder)) == [0, 1]
    assert read_records(running.folder)[1].process.is_alive


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["steps=1,2", "seed=3,4,5"], 6),
        (["steps=1,2", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=20"], 20),
        (
            ["steps=1,2", "seed=3,4,5", "hydra/sweeper=optuna", "hydra/sweeper/sampler=grid"]
            + ["hydra.sweeper.n_trials=20"],
            6,
        ),
    ],
)
def test_number_of_jobs_is_known_beforehand(words: list[str], count: int) -> None:
    if "hydra/sweeper=optuna" in words:
        pytest.importorskip("optuna")
    register_schema()
    with initialize_config_dir(str(CONF_FOLDER), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        assert Plan(loader.load_configuration("config", words, RunMode.MULTIRUN), loader).count == count


@pytest.mark.parametrize(
    ("choice", "extra"),
    [
        ("hydra/launcher/joblib", "joblib"),
        ("hydra/launcher/submitit_slurm", "submitit"),
        ("hydra/launcher/ray", "ray"),
        ("hydra/sweeper/optuna", "optuna"),
    ],
)
def test_extra_that_is_not_installed_is_named(choice: str, extra: str) -> None:
    group = choice.rpartition("/")[0]
    error = ValueError(f"Could not find '{choice}'\n\nAvailable options in '{group}':\n\tbasic\n")
    assert sentence_for(error).endswith(f"is not installed: pip install 'nst_tf[{extra}]'")
