"""Choosing loggers, and that none of them can harm a run."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from nst_tf.api import composed, stylize
from nst_tf.config.schema import CONF_FOLDER
from nst_tf.config.validate import validate
from nst_tf.errors import InputError
from nst_tf.loggers import Loggers, loggers_of, mlflow, tensorboard
from nst_tf.loggers import loggers as extra

SQLITE = "sqlite:///outputs/mlflow.db"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choosing is the same whether or not the packages are there."""
    monkeypatch.setattr(extra, "find_spec", lambda module: object())


LOGGERS = ", ".join(sorted(path.stem for path in (CONF_FOLDER / "logger").glob("*.yaml")))


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], []),
        (["logger=[]"], []),
        (["logger=tensorboard"], ["tensorboard"]),
        (["+logger=tensorboard"], ["tensorboard"]),
        (["logger=[mlflow]"], ["mlflow"]),
        (["logger=[tensorboard,mlflow]"], ["tensorboard", "mlflow"]),
        (["experiment=one"], ["mlflow"]),
        (["experiment=both"], ["tensorboard", "mlflow"]),
        (["experiment=both", "logger=tensorboard"], ["tensorboard"]),
        (["experiment=one", "logger=[tensorboard,mlflow]"], ["tensorboard", "mlflow"]),
    ],
)
def test_one_or_several_by_command_line_or_experiment(
    words: list[str],
    names: list[str],
    tmp_path: Path,
    installed: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "experiment").mkdir()
    for experiment, chosen in (("one", "mlflow"), ("both", "[tensorboard, mlflow]")):
        (tmp_path / "experiment" / f"{experiment}.yaml").write_text(
            f"# @package _global_\ndefaults:\n  - override /logger: {chosen}\n"
        )
    settings, choices = composed([*words, f"hydra.searchpath=[file://{tmp_path}]"])
    validate(settings, choices)
    assert list(settings.logger) == names
    told: list[str] = []
    for name, logger in (("tensorboard", tensorboard.TensorBoard), ("mlflow", mlflow.MLflow)):
        monkeypatch.setattr(logger, "on_report", lambda self, *_, name=name: told.append(name))
    loggers_of(settings).on_report(None, None)  # type: ignore[arg-type]
    assert told == names


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["logger=wandb"], f"unknown option logger=wandb: choose one of {LOGGERS}"),
        (["logger=[mlflow,wandb]"], "unknown option logger=wandb"),
        (["logger=mlflow", "logger.mlflow.tracking_uri=outputs/mlruns"], "'outputs/mlruns' is not possible"),
        (
            ["logger=mlflow", "logger.mlflow.tracking_uri=file:///tmp/runs"],
            "is not possible: give a database",
        ),
        (["logger=mlflow", "logger.mlflow.tracking_uri='sqlite:///'"], "is not possible: give a database"),
        (["logger=mlflow", "logger.mlflow.tracking_uri=5000"], "tracking_uri='5000' is not possible"),
        (["logger=mlflow", "logger.mlflow.experiment=''"], "logger.mlflow.experiment is ''"),
        (["logger=mlflow", "logger.mlflow.experiment=null"], "logger.mlflow.experiment is None"),
        (["logger=tensorboard", "+logger.tensorboard.color=1"], "logger.tensorboard can't be built"),
        (["+logger.mine=3"], "logger.mine is no logger, for its _target_ is None"),
        (["+logger.mine._target_=nst_tf.pyramid.SingleScale"], "logger.mine is no logger"),
    ],
)
def test_what_can_not_work_is_refused_in_one_sentence(
    words: list[str], sentence: str, installed: None
) -> None:
    def choose() -> None:
        settings, choices = composed(words)
        validate(settings, choices)
        loggers_of(settings)

    with pytest.raises(InputError) as refused:
        choose()
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_library_has_no_loggers_without_a_folder() -> None:
    with pytest.raises(InputError, match=r"give folder=\.\.\., or no logger="):
        stylize("samples/landscape.jpg", "samples/mosaic.jpg", ["logger=tensorboard"])


def test_a_constructor_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: None
) -> None:
    monkeypatch.chdir(tmp_path)
    mlflow.MLflow(SQLITE, "study")
    assert list(tmp_path.iterdir()) == []


def test_a_logger_that_fails_is_left_out_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[str, int]] = []

    class Telling:
        def __init__(self, name: str, fails_at: int) -> None:
            self._name, self._fails_at = name, fails_at

        def on_report(self, report, solver) -> None:
            told.append((self._name, report))
            if report == self._fails_at:
                raise ConnectionError("the server is gone\nand more")

    loggers = Loggers({"bad": Telling("bad", 1), "good": Telling("good", 99)})  # type: ignore[dict-item]
    with caplog.at_level(logging.WARNING):
        for step in range(3):
            loggers.on_report(step, None)  # type: ignore[arg-type]
    assert told == [("bad", 0), ("good", 0), ("bad", 1), ("good", 1), ("good", 2)]
    assert caplog.messages == [
        "logger=bad failed and is left out, the run is not affected: the server is gone"
    ]
