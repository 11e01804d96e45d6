"""How pictures go through the network, and what it saw in those that were shown to it before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from nst_tf.bounded_cache import BoundedCache
from nst_tf.vgg.network import FeatureExtractor, Reading, read_whole

Targets = Mapping[str, Any]
"""What an image is compared with: tensors, or structures of them, by the name of a term."""


class Evaluation(Protocol):
    """How an objective takes from the network what it needs: ``WholePicture`` or ``Tiles``.

    Two that are equal compile to the same.
    """

    @property
    def on_host(self) -> bool:
        """Whether it compiles what it runs itself, and can't be part of another compiled function."""
        ...

    def see(
        self, extractor: FeatureExtractor | None, pixels: np.ndarray, readings: Sequence[Reading]
    ) -> list[Any]:
        """A picture [H, W, 3] -> what each reading takes of it, for a target."""
        ...


@dataclass(frozen=True)
class WholePicture:
    """The whole picture at once; ``read`` is ``read_whole`` or ``read_recomputing``.

    ``jit_compile``: whoever compiles it asks XLA to.
    """

    read: Callable[[FeatureExtractor, tf.Tensor, Sequence[Reading]], list[Any]] = read_whole
    on_host: bool = False
    jit_compile: bool = False

    def see(
        self, extractor: FeatureExtractor | None, pixels: np.ndarray, readings: Sequence[Reading]
    ) -> list[Any]:
        if extractor is None:
            return []
        return self.read(extractor, tf.constant(pixels[np.newaxis], tf.float32), readings)


# ---- pictures that were seen -----------------------------------------------

# of a 512 x 512 picture block4_conv2 has 8 MB and the five Gram matrices have 2.4 MB
_MOST_BYTES = 1 << 29
# a sweep of that many pictures at one size, before the first ones are computed again
_MOST_PICTURES = 256


@dataclass(frozen=True)
class SeenPicture:
    """Activations [1, h, w, C] by content layer, and statistics by part of the style loss, one a region."""

    features: dict[str, tf.Tensor]
    statistics: dict[str, list[Any]]


class KnownPictures:
    """Pictures that were seen, by extractor, layers, statistic and content; bounded."""

    def __init__(self) -> None:
        self._seen: BoundedCache[SeenPicture] = BoundedCache(_MOST_BYTES, _MOST_PICTURES)

    def get(self, key: Hashable) -> SeenPicture | None:
        return self._seen.get(key)

    def put(self, key: Hashable, seen: SeenPicture) -> None:
        """Keep it as long as there is room."""
        tensors = tf.nest.flatten((seen.features, seen.statistics))
        size = sum(int(np.prod(tensor.shape)) * tensor.dtype.size for tensor in tensors)
        self._seen.put(key, seen, size)

    @property
    def bytes(self) -> int:
        return self._seen.bytes

    def clear(self) -> None:
        self._seen.clear()


def digest_of(pixels: np.ndarray) -> bytes:
    """The identity of an array: of its shape, type and numbers."""
    hashed = hashlib.sha256(f"{pixels.dtype} {pixels.shape}".encode())
    hashed.update(np.ascontiguousarray(pixels).data)
    return hashed.digest()
