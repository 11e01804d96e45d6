"""Four processes that tell MLflow of their runs at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli.command_line import environment
from cli.test_mlflow import rows

pytest.importorskip("filelock", reason="the extra mlflow is not installed")

JOB = """
import sys, time
from pathlib import Path
from unit.loggers.recorded_run import SUMMARY, recorded_run
from nst_tf.loggers.mlflow import MLflow
import mlflow.tracking  # the slow part: all begin at the same moment

sweep, number = Path("swept").absolute(), sys.argv[1]
run = recorded_run(sweep / number, 50, sweep=sweep)
logger = MLflow("sqlite:///new/mlflow.db", "study")
logger.begin(run)
(sweep / f"ready-{number}").touch()
while len(list(sweep.glob("ready-*"))) < 4:
    time.sleep(0.005)
logger.finish("completed", SUMMARY, run.folder / "image.png")
"""


@pytest.mark.slow
def test_four_processes_at_once_on_a_new_database(tmp_path: Path) -> None:
    tests = Path(__file__).parents[1]
    paths = environment() | {"PYTHONPATH": f"{tests.parent}:{tests}"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", JOB, str(number)],
            cwd=tmp_path,
            env=paths,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(4)
    ]
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert said == [""] * 4
    assert [process.returncode for process in processes] == [0] * 4
    database = tmp_path / "new" / "mlflow.db"
    assert rows(database, "select name from experiments where name != 'Default'") == [("study",)]
    parents = rows(
        database, "select value, count(*) from tags where key = 'mlflow.parentRunId' group by value"
    )
    assert [count for _, count in parents] == [4]
    assert rows(database, "select count(*), min(status), max(status) from runs") == [
        (5, "FINISHED", "FINISHED")
    ]
    per_run = rows(database, "select count(*) from metrics where key = 'loss' group by run_uuid")
    assert per_run == [(50,)] * 4
    link = json.loads((tmp_path / "swept" / "mlflow.json").read_text())
    assert link["run_id"] == parents[0][0]
