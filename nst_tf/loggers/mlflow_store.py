"""Where MLflow keeps runs: its address, and the locks under which several processes write there."""

# an extra: it may not be installed where this is checked
# pyright: reportMissingImports=false

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nst_tf.errors import InputError

if TYPE_CHECKING:  # importing it takes seconds
    from mlflow.tracking import MlflowClient

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

    # they tell of every table that they make
    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=uri)
