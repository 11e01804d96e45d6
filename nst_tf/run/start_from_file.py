"""Starting from a picture in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nst_tf.configuration.named_files import check_there
from nst_tf.configuration.places import picture_path
from nst_tf.errors import InputError
from nst_tf.images.read import Picture, read_picture
from nst_tf.images.resize import resize


@dataclass(frozen=True)
class FileStart:
    """The picture at ``path``, stretched to the content's size; it is read when this is built."""

    path: str | None = None

    def __post_init__(self) -> None:
        """Read the picture; raises InputError if no path is given or it can't be read."""
        if not isinstance(self.path, str):
            raise InputError(f"init.path must be the path of a picture, but is {self.path!r}: init.path=FILE")
        check_there(self.path)
        object.__setattr__(self, "_picture", read_picture(picture_path(self.path)))

    @property
    def picture(self) -> Picture:
        """The picture as it was read."""
        return self._picture  # type: ignore[attr-defined]

    def __call__(
        self, content: np.ndarray, styles: Sequence[np.ndarray], random: np.random.Generator
    ) -> np.ndarray:
        """The picture at the size of the content, [H, W, 3] float32."""
        return resize(self.picture.pixels, content.shape[0], content.shape[1])
