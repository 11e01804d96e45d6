"""Networks that answer wrongly, and the one sentence that ``nst`` says of them."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli.command_line import SMALL, nst

from nst_tf import process_cache as warm

# these import Keras, which writes its settings before the folders are exchanged
from nst_tf import set_up


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def real_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches, that of this process and Keras' own settings too, but a network."""
    empty = warm.ProcessCache()
    monkeypatch.setattr(warm, "CACHE", empty)
    monkeypatch.setattr(set_up, "CACHE", empty)  # which has it by name
    for name in ("KERAS_HOME", "NST_TF_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("NST_TF_WEIGHTS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "work").mkdir()
    return tmp_path


def refused(folder: Path) -> str:
    answer = nst(folder / "work", *SMALL, "model.weights=auto", "hydra.run.dir=run")
    assert answer.status == 2, answer.err
    assert "Traceback" not in answer.err
    (sentence,) = [line for line in answer.err.splitlines() if line.startswith("nst: ")]
    assert "No VGG-19 weights are in reach" in sentence
    assert "model.weights=random" in sentence
    assert list((folder / "work").iterdir()) == []
    kept = [path for name in ("KERAS_HOME", "NST_TF_CACHE") for path in (folder / name).rglob("*")]
    assert [path for path in kept if path.is_file()] == []
    return sentence
