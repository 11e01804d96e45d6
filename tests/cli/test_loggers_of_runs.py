"""A logger from the command line whose package is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.command_line import SMALL, nst

from nst_tf.loggers import loggers as extra


@pytest.mark.parametrize("logger", ["tensorboard", "mlflow"])
def test_one_that_is_not_installed_is_named_before_any_work(
    logger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda module: None)
    answer = nst(tmp_path, *SMALL, f"logger={logger}")
    assert answer.status == 2
    assert answer.err == (
        f"nst: logger={logger} needs the package {logger}, which is not installed:"
        f" pip install 'nst_tf[{logger}]'\n"
    )
    assert list(tmp_path.iterdir()) == []
