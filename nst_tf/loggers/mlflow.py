"""MLflow: the whole run in one go, when it ends."""

# an extra: it may not be installed where this is checked
# pyright: reportMissingImports=false

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nst_tf.errors import InputError
from nst_tf.files import write_text_atomically
from nst_tf.images.write import write_picture
from nst_tf.loggers.extra import check_extra
from nst_tf.loggers.flat_settings import overridden
from nst_tf.loggers.logger import LoggedRun
from nst_tf.loggers.mlflow_store import check_tracking_uri, experiment_id, locked, mlflow_store
from nst_tf.loggers.saved_losses import saved_losses

if TYPE_CHECKING:  # importing them takes seconds
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

    from nst_tf.pyramid import Scale
    from nst_tf.solver import Report, Solver

LINK = "mlflow.json"
"""In the folder of a run or of a sweep: which MLflow run is its own."""

# the names of nst_tf.record, which imports TensorFlow
_METRICS, _PROGRESS, _FILES = "metrics.jsonl", "progress", ("config.yaml", "run.json")

# of mlflow.utils.validation
_PARAMETERS_A_BATCH, _METRICS_A_BATCH = 100, 1000
_LONGEST_PARAMETER, _LONGEST_TAG, _LONGEST_NAME = 6000, 8000, 250

_STATUS = {"completed": "FINISHED", "interrupted": "KILLED", "diverged": "FAILED", "failed": "FAILED"}


class MLflow:
    """Parameters, metrics of every step, and pictures; the jobs of a sweep have one parent run.

    Nothing is sent while the run goes on: it is read from the run's folder at the end. So many processes may
    start on a database that does not exist yet, a killed run leaves nothing half-told, and a resumed one
    is told whole, in place of what was told of it before.
    """

    def __init__(self, tracking_uri: str, experiment: str | int, artifacts: str | None = None) -> None:
        """Raise InputError for an address that is none, or if a package is not installed."""
        check_extra("mlflow", "mlflow", "filelock")
        check_tracking_uri(str(tracking_uri))
        if experiment is None or experiment == "":
            raise InputError(f"logger.mlflow.experiment is {experiment!r}: give the experiment a name")
        self._uri = str(tracking_uri)
        self._experiment = str(experiment)  # 2026 may well be a name
        self._artifacts = None if artifacts is None else str(artifacts)

    def begin(self, run: LoggedRun) -> None:
        """Remember what the run's folder does not hold."""
        self._run = run

    def on_scale(self, scale: Scale, height: int, width: int) -> None:
        """Nothing: sizes are in the rows of the metrics."""

    def on_report(self, report: Report, solver: Solver) -> None:
        """Nothing: the rows of the metrics are read at the end."""

    def finish(self, status: str, summary: Mapping[str, Any], picture: Path | None) -> None:
        """Tell everything."""
        run = self._run
        ended = time.time()
        rows = _rows(run.folder)
        began = ended - (rows[-1]["seconds"] if rows else 0.0)
        with mlflow_store(self._uri) as client:
            experiment = experiment_id(client, self._experiment, self._artifacts)
            tags = _tags(run, status, summary)
            if run.sweep is not None:
                tags["mlflow.parentRunId"] = self._parent(client, experiment, run.sweep, ended)
            before = self._linked(client, run.folder, experiment)
            if before is not None:
                client.delete_run(before)
            asked = [f"{key}={value}" for key, value in overridden(run.settings, run.overrides).items()]
            name = " ".join(asked) or run.folder.name
            created = client.create_run(experiment, round(began * 1000), tags, name[:_LONGEST_NAME])
            run_id = created.info.run_id
            self._link(run.folder, experiment, run_id)
            try:
                _tell_parameters(client, run_id, run)
                _tell_metrics(client, run_id, rows, began, summary)
                _tell_files(client, run_id, run, picture)
            finally:
                client.set_terminated(run_id, _STATUS[status], round(ended * 1000))

    def _parent(self, client: MlflowClient, experiment: str, sweep: Path, ended: float) -> str:
        """The run of the whole sweep, made by the job that comes first; it ends when its last job does."""
        with locked(sweep / LINK):
            parent = self._linked(client, sweep, experiment)
            if parent is None:
                name = f"{sweep.parent.name}/{sweep.name}"
                tags = {"nst_tf.folder": str(sweep), "mlflow.source.name": "nst -m"}
                parent = client.create_run(experiment, None, tags, name[:_LONGEST_NAME]).info.run_id
                self._link(sweep, experiment, parent)
            client.set_terminated(parent, "FINISHED", round(ended * 1000))
        return parent

    def _linked(self, client: MlflowClient, folder: Path, experiment: str) -> str | None:
        """The MLflow run that the folder names, if it is in this store and not thrown away."""
        from mlflow.exceptions import MlflowException

        try:
            link = json.loads((folder / LINK).read_text(encoding="utf-8"))
            found = client.get_run(link["run_id"]).info
        except (OSError, ValueError, KeyError, TypeError, MlflowException):
            return None
        alive = found.lifecycle_stage == "active" and found.experiment_id == experiment
        return found.run_id if alive else None

    def _link(self, folder: Path, experiment: str, run_id: str) -> None:
        link = {"tracking_uri": self._uri, "experiment_id": experiment, "run_id": run_id}
        write_text_atomically(folder / LINK, json.dumps(link, indent=2) + "\n")


def _rows(folder: Path) -> list[dict[str, float]]:
    metrics = folder / _METRICS
    lines = metrics.read_text(encoding="utf-8").splitlines() if metrics.exists() else []
    return [json.loads(line) for line in lines]


def _tags(run: LoggedRun, status: str, summary: Mapping[str, Any]) -> dict[str, str]:
    command = " ".join(("nst", *run.overrides))
    tags = {
        "mlflow.source.name": "nst",
        "mlflow.note.content": command + (f"\n\n{summary['error']}" if "error" in summary else ""),
        "nst_tf.folder": str(run.folder),
        "nst_tf.status": status,
        "mlflow.source.git.commit": str(summary.get("git_commit") or ""),
    }
    return {name: value[:_LONGEST_TAG] for name, value in tags.items() if value}


def _tell_parameters(client: MlflowClient, run_id: str, run: LoggedRun) -> None:
    from mlflow.entities import Param

    values = {name: str(value)[:_LONGEST_PARAMETER] for name, value in run.settings.items()}
    parameters = iter([Param(name, value) for name, value in values.items()])
    while batch := list(islice(parameters, _PARAMETERS_A_BATCH)):
        client.log_batch(run_id, params=batch)


def _tell_metrics(
    client: MlflowClient, run_id: str, rows: list[dict[str, float]], began: float, summary: Mapping[str, Any]
) -> None:
    """The rows with their own times, and what is known of the whole run at its last step."""
    from mlflow.entities import Metric

    def metrics() -> Iterator[Metric]:
        for row in rows:
            moment = round((began + row["seconds"]) * 1000)
            for name, value in row.items():
                if name not in ("step", "seconds"):
                    yield Metric("run/size" if name == "size" else name, value, moment, int(row["step"]))
        seconds = {f"seconds/{name}": value for name, value in summary.get("seconds", {}).items()}
        memory = {name: summary[name] for name in ("peak_memory_bytes",) if summary.get(name)}
        for name, value in {**saved_losses(summary), **seconds, **memory}.items():
            yield Metric(name, value, round(time.time() * 1000), len(rows))

    told = metrics()
    while batch := list(islice(told, _METRICS_A_BATCH)):
        client.log_batch(run_id, metrics=batch)


def _tell_files(client: MlflowClient, run_id: str, run: LoggedRun, picture: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, pixels in run.pictures.items():
            write_picture(Path(folder) / f"{name}.png", pixels)
        client.log_artifacts(run_id, folder, "inputs")
    if (run.folder / _PROGRESS).is_dir():
        client.log_artifacts(run_id, str(run.folder / _PROGRESS), _PROGRESS)
    for file in [*(run.folder / name for name in _FILES), *([picture] if picture else [])]:
        client.log_artifact(run_id, str(file))
