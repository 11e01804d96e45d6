"""Keras' own weights files: in its cache, or from its host."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

from nst_tf.files import written_atomically
from nst_tf.weights.architecture import Architecture
from nst_tf.weights.convolutions import ConvolutionWeights, checked
from nst_tf.weights.failure import Unavailable
from nst_tf.weights.hdf5 import SIGNATURE, read_hdf5
from nst_tf.weights.patience import Patience

logger = logging.getLogger(__name__)

_HOST = "https://storage.googleapis.com/tensorflow/keras-applications"
_BLOCK = 1 << 14  # bytes read at a time; small, so that a slow line shows its progress
_MOST_BYTES = 1 << 27  # the larger file has 80,134,624 bytes: far more is not that file

# Six seconds cover a name look-up, a proxy and a TLS handshake on a slow line; whoever has no network
# waits them once. A stall of 20 s is longer than any hiccup that heals by itself.
_PATIENCE = Patience(first_byte=6, stall=20)


@dataclass(frozen=True)
class KerasFile:
    """Name, address and MD5 of a file, as written in Keras' applications."""

    name: str
    url: str
    md5: str


# WEIGHTS_PATH_NO_TOP and file_hash in keras/src/applications/vgg16.py and vgg19.py (Keras 3.15).
KERAS_FILES: Mapping[str, KerasFile] = {
    "vgg16": KerasFile(
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        f"{_HOST}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
    ),
    "vgg19": KerasFile(
        "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        f"{_HOST}/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "253f8cb515780f3b799900260a226db6",
    ),
}


def from_keras_cache(vgg: Architecture) -> ConvolutionWeights:
    """Weights from the file that ``keras.applications`` has downloaded; raises Unavailable."""
    path = _cached_path(vgg)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise Unavailable(f"no file {path}") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read ({error.strerror})", surprising=True) from error
    if (md5 := _md5(content)) != (right := KERAS_FILES[vgg.name].md5):
        raise Unavailable(f"{path} has MD5 {md5} and not {right}", surprising=True)
    return _read(vgg, content, f"Keras' cache {path}")


def from_keras_host(vgg: Architecture) -> ConvolutionWeights:
    """Weights from Keras' host, kept in Keras' cache; raises Unavailable.

    ``keras.utils.get_file`` is not used: it waits for ever on a silent host, and writes into the cache
    as it goes, so that another process can find a part. Proxies are those of the environment
    (https_proxy, no_proxy).
    """
    wanted = KERAS_FILES[vgg.name]
    content = _download(wanted.url)
    if (md5 := _md5(content)) != wanted.md5:
        raise Unavailable(f"{wanted.url} gave a file of MD5 {md5}, not {wanted.md5}", surprising=True)
    path = _cached_path(vgg)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_atomically(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        logger.warning("Keras' file could not be kept at %s (%s)", path, error.strerror)
    return _read(vgg, content, f"Keras' download {wanted.url}")


def _cached_path(vgg: Architecture) -> Path:
    # As keras/src/backend/config.py finds its home, but for its last resort in the temporary folder.
    home = os.environ.get("KERAS_HOME") or Path("~") / ".keras"
    return Path(home).expanduser() / "models" / KERAS_FILES[vgg.name].name


def _md5(content: bytes) -> str:
    # Keras publishes only MD5. Nobody can make a second file for a given MD5 yet, so it still serves.
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _read(vgg: Architecture, content: bytes, source: str) -> ConvolutionWeights:
    # Parsed from the bytes that were hashed, not from a file that may have changed since.
    return checked(vgg, read_hdf5(BytesIO(content)), source, hashlib.sha256(content).hexdigest())


def _download(url: str) -> bytes:
    transfer = _Transfer(url)
    transfer.start()
    try:
        _PATIENCE.wait(transfer.over.wait, lambda: transfer.received)
    finally:
        transfer.abandoned = True
    if transfer.problem is not None:
        raise Unavailable(f"{urlsplit(url).netloc} gives nothing ({transfer.problem})")
    return b"".join(transfer.blocks)


class _Transfer(threading.Thread):
    """A download that can be left behind: a hanging name server cannot be interrupted otherwise."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.blocks: list[bytes] = []
        self.received = 0
        self.problem: str | None = None
        self.abandoned = False
        self.over = threading.Event()

    def run(self) -> None:
        try:
            self._transfer()
        except (OSError, HTTPException, ValueError) as error:  # ValueError: a proxy that is no address
            reason = getattr(error, "reason", error)  # urllib wraps what it met
            self.problem = " ".join(str(reason).split()) or type(error).__name__
        finally:
            self.over.set()

    def _transfer(self) -> None:
        opener = urllib.request.build_opener()  # urlopen's would keep the proxies of the first call
        with opener.open(self.url, timeout=_PATIENCE.stall) as answer:
            while not self.abandoned and (block := answer.read(_BLOCK)):
                if not self.blocks and not block.startswith(SIGNATURE):
                    # A captive portal or a proxy answers with a page of its own.
                    raise OSError("the answer is not an HDF5 file")
                self.blocks.append(block)
                self.received += len(block)
                if self.received > _MOST_BYTES:
                    raise OSError(f"the answer has more than {_MOST_BYTES} bytes")
