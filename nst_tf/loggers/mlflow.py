"""MLflow: the whole run in one go, when it ends."""

# an extra: it may not be installed where this is checked
# pyright: reportMissingImports=false

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nst_tf.errors import InputError
from nst_tf.files import write_text_atomically
from nst_tf.images.write import write_picture
from nst_tf.loggers.loggers import LoggedRun, check_extra, overridden, saved_losses
from nst_tf.runs.folder import CONFIG_YAML, METRICS, PROGRESS, RUN_JSON

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

    from nst_tf.optim.loop import Solver
    from nst_tf.pyramid import Scale
    from nst_tf.report import Report

LINK = "mlflow.json"
"""In the folder of a run or of a sweep: which MLflow run is its own."""

# of mlflow.utils.validation
_PARAMETERS_A_BATCH, _METRICS_A_BATCH = 100, 1000
_LONGEST_PARAMETER, _LONGEST_TAG, _LONGEST_NAME = 6000, 8000, 250
_NO_NAME = "null"  # as flat settings have it

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
        run = self._run
        ended = time.time()
        metrics = run.folder / METRICS
        lines = metrics.read_text(encoding="utf-8").splitlines() if metrics.exists() else []
        rows = [json.loads(line) for line in lines]
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
            said = str(run.settings.get("name", _NO_NAME))
            name = " ".join(asked) or run.folder.name if said == _NO_NAME else said
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

    parameters = (Param(name, str(value)[:_LONGEST_PARAMETER]) for name, value in run.settings.items())
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
        memory = summary.get("peak_memory_bytes")
        memory = {"peak_memory_bytes": memory} if memory else {}
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
    if (run.folder / PROGRESS).is_dir():
        client.log_artifacts(run_id, str(run.folder / PROGRESS), PROGRESS)
    for file in (run.folder / CONFIG_YAML, run.folder / RUN_JSON, picture):
        if file is not None:
            client.log_artifact(run_id, str(file))


# ---- where MLflow keeps runs, and the locks under which several processes write there ----

_SQLITE = "sqlite:///"
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")  # those of MLflow's documentation of backend stores
_SERVERS = ("http", "https")
_ARTIFACTS = "mlflow_artifacts"  # beside the database

# each job holds the lock for a second or two: hundreds of jobs may end at once
_LOCK_SECONDS = 600

# before MLflow is imported. It would report its use over the network, print links to standard output, where
# nst prints the picture's path, and try a server that is gone for four minutes: 2 + 4 seconds instead
_ALWAYS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_UNLESS_SET = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}


def check_tracking_uri(uri: str) -> None:
    """Raise InputError unless ``uri`` is that of a database or of a server; MLflow's folders are not used."""
    scheme = urlsplit(uri).scheme.partition("+")[0]
    is_sqlite_file = uri.startswith(_SQLITE) and len(uri) > len(_SQLITE)
    if scheme not in (*_DATABASES, *_SERVERS) or (scheme == "sqlite" and not is_sqlite_file):
        raise InputError(
            f"logger.mlflow.tracking_uri={uri!r} is not possible: give a database, such as"
            " sqlite:///outputs/mlflow.db or postgresql://..., or a server, http://HOST:PORT"
        )


@contextmanager
def mlflow_store(uri: str) -> Iterator[MlflowClient]:
    """A client of the store at ``uri``.

    An SQLite file is made where there is none, and locked against our other processes meanwhile: neither
    its creation nor writing by many at once is safe.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of MLflow's own dependencies are nobody's here
        if not uri.startswith(_SQLITE):
            yield _client(uri)
            return
        database = Path(uri.removeprefix(_SQLITE)).absolute()
        database.parent.mkdir(parents=True, exist_ok=True)
        with locked(database):
            yield _client(f"{_SQLITE}{database}")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of that name among processes; it is let go if this one dies."""
    from filelock import FileLock

    with FileLock(path.with_name(f".{path.name}.lock"), timeout=_LOCK_SECONDS):
        yield


def experiment_id(client: MlflowClient, name: str, artifacts: str | None) -> str:
    """The experiment of that name, made with its place for ``artifacts`` if there is none yet."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name, _artifact_location(client.tracking_uri, artifacts))
        except MlflowException:  # another machine made it since, as a server lets it
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    return found.experiment_id


def _artifact_location(uri: str, artifacts: str | None) -> str | None:
    if artifacts is not None:
        return artifacts if "://" in artifacts else Path(artifacts).expanduser().absolute().as_uri()
    if uri.startswith(_SQLITE):
        return (Path(uri.removeprefix(_SQLITE)).parent / _ARTIFACTS).as_uri()
    return None


def _client(uri: str) -> MlflowClient:
    os.environ.update(_ALWAYS)
    for name, value in _UNLESS_SET.items():
        os.environ.setdefault(name, value)
    from mlflow.tracking import MlflowClient

    for name in ("alembic", "mlflow"):  # they tell of every table that they make
        logging.getLogger(name).setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=uri)
