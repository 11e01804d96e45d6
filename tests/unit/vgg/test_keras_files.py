from __future__ import annotations

import hashlib
import logging
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from misbehaving_hosts import SIGN_IN_PAGE, host_that, serving, silence
from unit.vgg.hand_made_weights import sha256, write_keras2_file

from nst_tf.vgg import weights as keras_files
from nst_tf.vgg.layers import ARCHITECTURES
from nst_tf.vgg.weight_files import Unavailable
from nst_tf.vgg.weights import KERAS_FILES, KerasFile, Patience, from_keras_cache, from_keras_host

VGG16 = ARCHITECTURES["vgg16"]
FILE_NAME = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
REAL_GETADDRINFO = socket.getaddrinfo


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("keras") / "vgg16.h5"
    write_keras2_file(path, "vgg16", first=3)
    return path.read_bytes()


@pytest.fixture
def cached(no_places: Path) -> Path:
    return no_places / "keras" / "models" / FILE_NAME


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_files, "PATIENCE_WITH_KERAS", Patience(first_byte=0.3, stall=0.3))


def say_file(monkeypatch: pytest.MonkeyPatch, url: str, content: bytes) -> None:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    monkeypatch.setitem(KERAS_FILES, "vgg16", KerasFile(FILE_NAME, url, md5))


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_names_addresses_and_hashes_are_those_in_keras(name: str) -> None:
    keras = pytest.importorskip("keras")
    source = (Path(keras.__file__).parent / "src" / "applications" / f"{name}.py").read_text()
    joined = "".join(source.split()).replace('""', "")
    file = KERAS_FILES[name]
    assert f'WEIGHTS_PATH_NO_TOP=("{file.url}")' in joined
    assert f'"{file.name}",WEIGHTS_PATH_NO_TOP,cache_subdir="models",file_hash="{file.md5}"' in joined


def test_cached_file_is_read(cached: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    say_file(monkeypatch, "http://nowhere.invalid", content)
    cached.parent.mkdir(parents=True)
    cached.write_bytes(content)
    weights = from_keras_cache(VGG16)
    for i, layer in enumerate(VGG16.channels):
        assert np.all(weights.kernels[layer] == 3 + i)
        assert np.all(weights.biases[layer] == -3 - i)
    assert weights.sha256 == sha256(content)
    assert weights.source == f"Keras' cache {cached}"


def test_keras_home_defaults_to_the_home_directory(
    no_places: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_file(monkeypatch, "http://nowhere.invalid", content)
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(no_places))
    monkeypatch.setenv("USERPROFILE", str(no_places))
    cached = no_places / ".keras" / "models" / FILE_NAME
    cached.parent.mkdir(parents=True)
    cached.write_bytes(content)
    assert from_keras_cache(VGG16).source == f"Keras' cache {cached}"


def test_cached_file_of_another_hash_is_a_surprise_and_its_absence_is_none(
    cached: Path, content: bytes
) -> None:
    with pytest.raises(Unavailable, match="no file") as absent:
        from_keras_cache(VGG16)
    assert not absent.value.surprising
    cached.parent.mkdir(parents=True)
    cached.write_bytes(content)
    with pytest.raises(Unavailable, match=r"has MD5 [0-9a-f]{32} and not 6d6bbae1") as damaged:
        from_keras_cache(VGG16)
    assert damaged.value.surprising


def test_download_is_kept_in_keras_cache(
    cached: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", REAL_GETADDRINFO)
    with host_that(serving(content)) as host:
        say_file(monkeypatch, f"http://{host}/vgg16.h5", content)
        downloaded = from_keras_host(VGG16)
    assert downloaded.source == f"Keras' download http://{host}/vgg16.h5"
    assert [path.name for path in cached.parent.iterdir()] == [FILE_NAME]
    kept = from_keras_cache(VGG16)
    assert kept.sha256 == downloaded.sha256 == sha256(content)
    np.testing.assert_array_equal(kept.kernels["block5_conv3"], downloaded.kernels["block5_conv3"])


def test_a_cache_that_cannot_be_written_only_costs_a_warning(
    cached: Path, content: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", REAL_GETADDRINFO)
    cached.parent.parent.write_text("a file where the folder should be")
    with host_that(serving(content)) as host:
        say_file(monkeypatch, f"http://{host}/vgg16.h5", content)
        assert from_keras_host(VGG16).sha256 == sha256(content)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "could not be kept" in caplog.text


def test_a_download_of_another_hash_is_not_kept(
    cached: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", REAL_GETADDRINFO)
    with host_that(serving(content + b"x")) as host:
        say_file(monkeypatch, f"http://{host}/vgg16.h5", content)
        with pytest.raises(Unavailable, match="gave a file of MD5"):
            from_keras_host(VGG16)
    assert not cached.exists()


@pytest.mark.parametrize("through", ["a proxy", "the host itself"])
def test_a_page_is_not_taken_for_the_file(
    no_places: Path, monkeypatch: pytest.MonkeyPatch, through: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", REAL_GETADDRINFO)
    with host_that(SIGN_IN_PAGE) as host:
        if through == "a proxy":
            monkeypatch.setenv("https_proxy", f"http://{host}")
        else:
            say_file(monkeypatch, f"http://{host}/vgg16.h5", b"")
        # The page breaks the encrypted tunnel asked of a proxy; without one its own bytes are looked at.
        reason = "SSL" if through == "a proxy" else "the answer is not an HDF5 file"
        started = time.monotonic()
        with pytest.raises(Unavailable, match=reason):
            from_keras_host(VGG16)
    assert time.monotonic() - started < 3


@pytest.mark.usefixtures("little_patience")
def test_a_proxy_that_hangs_is_left_soon(no_places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", REAL_GETADDRINFO)
    with host_that(silence) as host:
        monkeypatch.setenv("https_proxy", f"http://{host}")
        with pytest.raises(Unavailable, match=r"no answer within 0\.3 s"):
            from_keras_host(VGG16)


@pytest.mark.usefixtures("little_patience")
def test_a_name_server_that_hangs_is_left_soon(no_places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        time.sleep(2)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"no answer within 0\.3 s"):
        from_keras_host(VGG16)
    assert time.monotonic() - started < 1.5


@pytest.mark.usefixtures("little_patience")
def test_a_transfer_that_stops_or_drips_is_left(
    no_places: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 80000000\r\n\r\n" + content[: 1 << 14])
        for _ in range(200):  # four seconds of drops, 60 kB in all
            time.sleep(0.02)
            connection.sendall(b"x" * 300)

    monkeypatch.setattr(socket, "getaddrinfo", REAL_GETADDRINFO)
    with host_that(drip) as host:
        say_file(monkeypatch, f"http://{host}/vgg16.h5", content)
        started = time.monotonic()
        with pytest.raises(Unavailable, match=r"stalled for 0\.3 s after \d+ bytes"):
            from_keras_host(VGG16)
        assert time.monotonic() - started < 3


def test_nobody_waits_longer_than_ten_seconds_for_a_first_answer() -> None:
    assert keras_files.PATIENCE_WITH_KERAS.first_byte < 10
