"""The regions of a content picture and of its styles, and who takes what from whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nst_tf.regions.layer_weights import Propagation, simple

Resize = Callable[[np.ndarray, int, int], np.ndarray]

# a resized mask has sums of float32 numbers where it had ones
_WHOLLY = 1 - 1e-3


@dataclass(frozen=True, eq=False)
class Regions:
    """Regions that have styles, R of them, in pictures of any sizes.

    Attributes:
        names: of the regions, for sentences.
        content: memberships [H, W, R] of the content's pixels.
        styles: of each style the memberships [h, w, R] of its pixels, or None where all of it serves.
        styles_of: of each region the numbers of its styles.
        shares: of each region, by what its distance counts in the style loss.
        kept: [H, W], how much of each pixel must stay the content's; None if nothing must.
        propagation: from pixels to layers.
        notes: what a person should know of the masks.
    """

    names: tuple[str, ...]
    content: np.ndarray
    styles: tuple[np.ndarray | None, ...]
    styles_of: tuple[tuple[int, ...], ...]
    shares: tuple[float, ...]
    kept: np.ndarray | None = None
    propagation: Propagation = simple
    notes: tuple[str, ...] = ()

    def at(self, shape: tuple[int, int], style_shapes: Sequence[tuple[int, int]], resize: Resize) -> Regions:
        """The regions of the same pictures at other heights and widths."""
        return replace(
            self,
            content=resize(self.content, *shape),
            styles=tuple(
                None if style is None else resize(style, *style_shape)
                for style, style_shape in zip(self.styles, style_shapes, strict=True)
            ),
            kept=None if self.kept is None else resize(self.kept, *shape),
        )

    @property
    def kept_pixels(self) -> np.ndarray | None:
        """[H, W] bool: those that wholly belong to what must stay; None if there are none."""
        if self.kept is None or not (self.kept >= _WHOLLY).any():
            return None
        return self.kept >= _WHOLLY

    def with_kept(self, image: np.ndarray, content: np.ndarray) -> np.ndarray:
        """The image [H, W, 3] with the pixels of the content [H, W, 3] where those are kept."""
        kept = self.kept_pixels
        return image if kept is None else np.where(kept[..., np.newaxis], content, image)
