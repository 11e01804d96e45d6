"""What MLflow holds of a run and of a sweep, by its own client and in its database."""

from __future__ import annotations

import json
import logging
import sqlite3
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cli.command_line import SMALL, nst
from unit.loggers.recorded_run import SUMMARY, pixels, recorded_run

pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
pytest.importorskip("filelock", reason="the extra mlflow is not installed")

from nst_tf.api import composed
from nst_tf.config.inputs import Inputs
from nst_tf.images.read import picture_from_array, read_picture
from nst_tf.loggers import Loggers
from nst_tf.loggers.mlflow import MLflow, mlflow_store

SQLITE = "sqlite:///outputs/mlflow.db"


def rows(database: Path, query: str) -> list[tuple]:
    """What the database says, without MLflow."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        answer = connection.execute(query).fetchall()
    connection.close()
    return answer


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A sweep of two jobs and both loggers; what MLflow's own client finds of it."""
    folder = tmp_path_factory.mktemp("sweep")
    words = ["optimizer=adam,lbfgs", "record.image_every=1", "logger=[tensorboard,mlflow]"]
    answer = nst(folder, "-m", *SMALL, "hydra.sweep.dir=swept", *words)
    with (
        pytest.MonkeyPatch.context() as patch,
        mlflow_store(f"sqlite:///{folder}/outputs/mlflow.db") as client,
    ):
        patch.chdir(folder)
        experiment = client.get_experiment_by_name("nst_tf")
        found = client.search_runs([experiment.experiment_id])
        history = {run.info.run_id: client.get_metric_history(run.info.run_id, "loss") for run in found}
    parents = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    jobs = {
        Path(run.data.tags["nst_tf.folder"]).name: run
        for run in found
        if run.info.run_id != parents[0].info.run_id
    }
    return SimpleNamespace(
        folder=folder, answer=answer, experiment=experiment, parents=parents, jobs=jobs, history=history
    )


def test_a_sweep_is_one_parent_with_its_jobs(sweep: SimpleNamespace) -> None:
    (parent,) = sweep.parents
    assert parent.info.run_name.endswith("/swept")
    assert parent.info.status == "FINISHED"
    assert sorted(sweep.jobs) == ["0", "1"]
    for job in sweep.jobs.values():
        assert job.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert job.info.status == "FINISHED"
    assert "optimizer=adam" in sweep.jobs["0"].info.run_name
    assert "logger" not in sweep.jobs["0"].info.run_name


@pytest.mark.parametrize(("number", "optimizer"), [("0", "adam"), ("1", "lbfgs")])
def test_a_job_has_its_settings_metrics_and_pictures(
    sweep: SimpleNamespace, number: str, optimizer: str
) -> None:
    job, folder = sweep.jobs[number], sweep.folder / "swept" / number
    summary = json.loads((folder / "run.json").read_text())
    logged = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert job.data.params["optimizer"] == optimizer
    assert job.data.params["image.size"] == "32"
    assert job.data.params["layers.style"] == '["block1_conv1", "block2_conv1"]'
    told = [(metric.step, metric.value) for metric in sweep.history[job.info.run_id]]
    assert told == [(row["step"], row["loss"]) for row in logged]
    metrics = job.data.metrics
    assert metrics["as_saved/loss"] == pytest.approx(summary["loss_of_saved_picture"])
    assert metrics["content/block2_conv2"] == logged[-1]["content/block2_conv2"]
    assert metrics["seconds/steps"] == summary["seconds"]["steps"]
    artifacts = Path(job.info.artifact_uri.removeprefix("file://"))
    assert sweep.folder / "outputs" / "mlflow_artifacts" in artifacts.parents
    assert (artifacts / "image.png").read_bytes() == (folder / "image.png").read_bytes()
    assert (artifacts / "progress" / "step-000001.png").is_file()
    assert max(read_picture(artifacts / "inputs" / "style.png").pixels.shape) == 32


def test_both_loggers_were_told_of_every_job(sweep: SimpleNamespace) -> None:
    for number in ("0", "1"):
        assert len(list((sweep.folder / "swept" / number / "tensorboard").glob("events.*"))) == 1


def test_nothing_of_mlflow_is_said(sweep: SimpleNamespace) -> None:
    said = (sweep.answer.out + sweep.answer.err).lower()
    assert sweep.answer.status == 0
    for word in ("alembic", "mlflow.store", "tables", "warning", "http", "left out"):
        assert word not in said
    assert not (sweep.folder / "mlruns").exists()


def finished(run, uri: str, status: str, artifacts: Path) -> None:
    logger = MLflow(uri, "study", str(artifacts))
    logger.begin(run)
    logger.finish(status, SUMMARY | {"status": status}, run.folder / "image.png")


def test_a_run_that_goes_on_takes_the_place_of_what_was_told_of_it(
    sweep: SimpleNamespace, tmp_path: Path
) -> None:
    """In the database of the sweep, for to make one takes MLflow seconds."""
    database, artifacts = sweep.folder / "outputs" / "mlflow.db", tmp_path / "pictures"
    uri = f"sqlite:///{database}"
    finished(recorded_run(tmp_path / "run", 2), uri, "interrupted", artifacts)
    long = {"text": "x" * 7000} | {f"key{number}": number for number in range(150)}
    run = replace(recorded_run(tmp_path / "run", 1200), settings=long, pictures={"content": pixels(0.5)})
    finished(run, uri, "completed", artifacts)
    study = "experiment_id = (select experiment_id from experiments where name = 'study')"
    assert sorted(rows(database, f"select lifecycle_stage, status from runs where {study}")) == [
        ("active", "FINISHED"),
        ("deleted", "KILLED"),
    ]
    active = f"join runs using (run_uuid) where {study} and lifecycle_stage = 'active'"
    told = rows(database, f"select step, timestamp from metrics {active} and key = 'loss' order by step")
    steps, moments = zip(*told, strict=True)
    assert steps == tuple(range(1200))
    np.testing.assert_allclose(np.diff(moments), 500, atol=1)  # half a second each, in milliseconds
    assert rows(database, f"select count(*), max(length(value)) from params {active}") == [(151, 6000)]
    ((run_id,),) = rows(database, f"select run_uuid from runs where {study} and lifecycle_stage = 'active'")
    assert json.loads((run.folder / "mlflow.json").read_text())["run_id"] == run_id
    content = artifacts / run_id / "artifacts" / "inputs" / "content.png"
    assert read_picture(content).pixels == pytest.approx(128 / 255)


def test_a_server_that_is_gone_does_not_harm_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run = recorded_run(tmp_path / "run")
    logger = MLflow("http://127.0.0.1:9", "study")  # port 9 is "discard", where nobody listens
    loggers = Loggers({"mlflow": logger})
    loggers.begin(run.folder, composed([])[0], Inputs(picture_from_array(pixels(0.5)), (), ()))
    with caplog.at_level(logging.WARNING):
        loggers.finish()
    (said,) = [message for message in caplog.messages if message.startswith("logger=")]
    assert said.startswith("logger=mlflow failed and is left out, the run is not affected: ")
    assert "\n" not in said
    assert json.loads((run.folder / "run.json").read_text())["status"] == "completed"
