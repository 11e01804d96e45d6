"""What the network saw in a picture, kept for the next objective that asks."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.bounded_cache import BoundedCache

# of a 512 x 512 picture block4_conv2 has 8 MB and the five Gram matrices have 2.4 MB
_MOST_BYTES = 1 << 29
# a sweep of that many pictures at one size, before the first ones are computed again
_MOST_PICTURES = 256


@dataclass(frozen=True)
class SeenPicture:
    """Activations [1, h, w, C] by content layer, and the statistics of each style layer, one a region."""

    features: dict[str, tf.Tensor]
    description: dict[str, list[Any]]


class KnownPictures:
    """Pictures that were seen, by extractor, layers, statistic and content; bounded."""

    def __init__(self) -> None:
        """None yet."""
        self._seen: BoundedCache[SeenPicture] = BoundedCache(_MOST_BYTES, _MOST_PICTURES)

    def get(self, key: Hashable) -> SeenPicture | None:
        """What was seen, or None."""
        return self._seen.get(key)

    def put(self, key: Hashable, seen: SeenPicture) -> None:
        """Keep it as long as there is room."""
        tensors = tf.nest.flatten((seen.features, seen.description))
        size = sum(int(np.prod(tensor.shape)) * tensor.dtype.size for tensor in tensors)
        self._seen.put(key, seen, size)

    @property
    def bytes(self) -> int:
        """What they take."""
        return self._seen.bytes

    def clear(self) -> None:
        """Free them all."""
        self._seen.clear()


def digest_of(pixels: np.ndarray) -> bytes:
    """The identity of an array: of its shape, type and numbers."""
    hashed = hashlib.sha256(f"{pixels.dtype} {pixels.shape}".encode())
    hashed.update(np.ascontiguousarray(pixels).data)
    return hashed.digest()
