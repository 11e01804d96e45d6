"""The whole command against real servers that answer wrongly: one sentence, and nothing left behind."""

from __future__ import annotations

import http.server
from pathlib import Path

import pytest
from cli.lying_networks import real_names, refused, serving

__all__ = ["real_names"]  # a fixture

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


def test_a_proxy_that_answers_with_a_page(real_names: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(_Page) as proxy:
        for name in ("https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY", "PIP_PROXY"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("PIP_INDEX_URL", f"{proxy}/simple")
        assert "storage.googleapis.com gives nothing" in refused(real_names)
