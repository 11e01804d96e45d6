"""One job a GPU, through a real launcher: each lands wholly on the device that it was given.

Four devices are made of the CPU; a driver that lists two GPUs stands on the path. In the jobs, what CUDA does
is done to these devices: device 0 of a process is the one that CUDA_VISIBLE_DEVICES allows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli.command_line import environment
from cli.sweep.launchers import need

_IN_THE_JOBS = """
import json, os
from pathlib import Path
import nst_tf.tensorflow_setup as quiet

original, scopes = quiet.load_tensorflow, []

def load_tensorflow():
    import tensorflow as tf
    if scopes or "CUDA_VISIBLE_DEVICES" not in os.environ:
        return original()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
    loaded = original()
    scopes.append(tf.device("CPU:" + os.environ["CUDA_VISIBLE_DEVICES"]))
    scopes[0].__enter__()
    from nst_tf.optim.step import CompiledStep
    from tensorflow.python.eager import context
    advance = CompiledStep.__call__

    def noted(self, *given):
        context.enable_run_metadata()
        rows = advance(self, *given)
        graphs = context.export_run_metadata().function_graphs
        context.disable_run_metadata()
        places = [one.device if hasattr(one, "device") else one.value.device for one in self.state.variables]
        work = [node.device for one in graphs for graph in one.partition_graphs for node in graph.node
                if node.op in ("StatefulPartitionedCall", "PartitionedCall", "AssignVariableOp", "Sqrt")]
        found = sorted({place.rpartition(":")[2] for place in (*places, *work) if place})
        Path(os.environ["LANDED"], str(os.getpid())).write_text(json.dumps([int(self.seed_of_test), found]))
        return rows

    reset = CompiledStep.reset
    def marked(self, start, prototype):
        self.seed_of_test = round(100 * prototype.get_config()["learning_rate"])
        return reset(self, start, prototype)
    CompiledStep.reset, CompiledStep.__call__ = marked, noted
    return loaded

quiet.load_tensorflow = load_tensorflow
"""


@pytest.mark.slow
def test_jobs_land_on_the_devices_they_were_given(tmp_path: Path, small) -> None:
    need("submitit_local")
    fakes, landed = tmp_path / "fakes", tmp_path / "landed"
    fakes.mkdir(), landed.mkdir()
    (fakes / "sitecustomize.py").write_text(_IN_THE_JOBS)
    driver = fakes / "nvidia-smi"
    driver.write_text(
        "#!/bin/sh\necho 'GPU-0, NVIDIA, 80000, Disabled'\necho 'GPU-1, NVIDIA, 80000, Disabled'\n"
    )
    driver.chmod(0o755)
    words = [*small, "optimizer=adam", "sweep.compare=false", "hydra.sweep.dir=sweep"]
    words += ["hydra/launcher=submitit_local", "optimizer.learning_rate=0.01,0.02,0.03,0.04"]
    surroundings = environment() | {
        "PATH": f"{fakes}:{os.environ['PATH']}",
        "PYTHONPATH": f"{fakes}:{environment().get('PYTHONPATH', Path(__file__).parents[2])}",
        "LANDED": str(landed),
    }
    sweep = subprocess.run(
        [sys.executable, "-m", "nst_tf", "-m", *words],
        cwd=tmp_path,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert sweep.returncode == 0, sweep.stderr
    jobs = dict(json.loads(file.read_text()) for file in landed.iterdir())
    assert jobs == {1: ["0"], 2: ["1"], 3: ["0"], 4: ["1"]}
