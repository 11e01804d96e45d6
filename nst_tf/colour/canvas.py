"""Between the image that is optimized and the picture that is saved, at one size."""

from __future__ import annotations

from typing import Protocol

import numpy as np

View = tuple[np.ndarray, np.ndarray]
"""``base`` and ``span`` [H, W, 1]: the objective sees base + span * (mean of the image's three channels)."""


class Canvas(Protocol):
    """Pictures and images are [H, W, 3] float32; a picture has its values in [0, 1]."""

    @property
    def view(self) -> View | None:
        """What of the image the objective sees; None for the image itself."""
        ...

    def image(self, picture: np.ndarray) -> np.ndarray:
        """The image to optimize from, for a picture to start from."""
        ...

    def carried(self, image: np.ndarray) -> np.ndarray:
        """The picture from which the next size starts."""
        ...

    def saved(self, image: np.ndarray) -> np.ndarray:
        """The picture that is saved for an image."""
        ...

    def seen(self, picture: np.ndarray) -> np.ndarray:
        """What the objective sees of a saved picture: its loss is the loss that is reported."""
        ...


class PlainCanvas:
    """The image is the picture."""

    view: View | None = None

    def image(self, picture: np.ndarray) -> np.ndarray:
        """As it is."""
        return picture

    def carried(self, image: np.ndarray) -> np.ndarray:
        """As it is."""
        return image

    def saved(self, image: np.ndarray) -> np.ndarray:
        """As it is."""
        return image

    def seen(self, picture: np.ndarray) -> np.ndarray:
        """As it is."""
        return picture


PLAIN = PlainCanvas()
"""It holds nothing: one serves all runs."""
