"""The exact loss and gradient of a whole picture from tiles of it, for pictures larger than memory."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from nst_tf.objective.evaluation import Targets
from nst_tf.statistics.statistic import sizes
from nst_tf.vgg.layers import Piece, pieces_of, positions_factor
from nst_tf.vgg.network import FeatureExtractor, Reading, added
from nst_tf.vgg.recompute import read_window

if TYPE_CHECKING:
    from nst_tf.objective.objective import Objective


class Tiles:
    """Loss and gradient of the whole picture, with never more of the network alive than a tile needs.

    Statistics that are sums over positions, and distances that are, are added up over tiles in a first
    pass. Then the loss and its derivatives by the sums are known, and a second pass takes each tile
    through the network again and adds its share of the gradient. Tiles are computed with the halo of the
    receptive field around them, so each activation is that of the whole picture, and true borders of the
    picture are those of a window, with the network's own padding: nothing is approximated. Terms of
    the pixels themselves are those of the whole image. ``size`` is the side of a tile in pixels, without its
    halo.
    What tiles can't serve is refused before (``nst_tf.runs.memory``).
    """

    on_host = True

    def __init__(self, size: int) -> None:
        self.size = size
        self._passes: dict[Hashable, _Passes] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tiles) and other.size == self.size

    def __hash__(self) -> int:
        return hash((Tiles, self.size))

    def see(
        self, extractor: FeatureExtractor | None, pixels: np.ndarray, readings: Sequence[Reading]
    ) -> list[Any]:
        """A picture [H, W, 3] -> sums over all tiles, or for activations a list by tile."""
        if extractor is None or not readings:
            return []
        image: Any = pixels[np.newaxis]  # stays with the host: only windows are copied to the device
        of_reading = {index: one.target for index, one in enumerate(readings) if one.target is not None}

        def take(window: tf.Tensor, owned: tf.Tensor, *targets: tf.Tensor) -> list[Any]:
            given = dict(zip(of_reading, targets, strict=True))
            of_tile = [replace(one, target=given.get(index)) for index, one in enumerate(readings)]
            return read_window(extractor, window, owned, of_tile)

        compiled: Callable | None = None
        tiles = []
        for tile in tiles_of(pixels.shape[0], pixels.shape[1], self.size, extractor):
            targets = [tile.of_layer(target, readings[index].layer) for index, target in of_reading.items()]
            arguments = [tf.constant(tile.window(image), tf.float32), tile.owned, *targets]
            compiled = compiled or _compiled(take, arguments)
            tiles.append(compiled(*arguments))
        columns = [[tile[index] for tile in tiles] for index in range(len(readings))]
        return [
            added(column) if reading.combine is added else column
            for reading, column in zip(readings, columns, strict=True)
        ]

    def weighted_parts(
        self, objective: Objective, image: tf.Tensor, targets: Targets, weights: tf.Tensor
    ) -> tf.Tensor:
        """Image [1, H, W, 3] -> parts of the loss [P], float32."""
        passes = self._passes_of(objective, targets)
        of_layers = objective.parts_of_layers(passes.sums(image, targets), targets)
        return weights * tf.stack(of_layers + passes.of_pixels(image, _of_pixels(targets)))

    def value_and_gradient(
        self, objective: Objective, image: tf.Tensor, targets: Targets, weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Image [1, H, W, 3] -> loss (scalar), parts [P], gradient [1, H, W, 3]; all float32."""
        passes = self._passes_of(objective, targets)
        sums = passes.sums(image, targets)
        flat = tf.nest.flatten(sums)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(flat)
            of_layers = objective.parts_of_layers(tf.nest.pack_sequence_as(sums, flat), targets)
            parts = weights[: len(of_layers)] * tf.stack(of_layers)
            loss = tf.reduce_sum(parts)
        slopes = tape.gradient(loss, flat, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        total = tf.Variable(tf.zeros_like(image))
        if objective.has_parts_of_pixels:
            of_pixels, gradient = passes.of_pixels_and_gradient(
                image, _of_pixels(targets), weights[len(of_layers) :]
            )
            total.assign(gradient)
            del gradient
            parts = tf.concat([parts, of_pixels], 0)
            loss = tf.reduce_sum(parts)
        passes.add_gradient(total, image, targets, slopes)
        return loss, parts, tf.convert_to_tensor(total)

    def _passes_of(self, objective: Objective, targets: Targets) -> _Passes:
        kinds = tuple((kind, layer) for kind in ("content", "regions") for layer in targets.get(kind, {}))
        key = (objective.compile_key, kinds, *(one.shape[-1] for one in targets.get("regions", {}).values()))
        if key not in self._passes:
            self._passes[key] = _Passes(objective, self.size, kinds)
        return self._passes[key]


class _Passes:
    """The compiled passes of one objective; windows of all shapes share a trace."""

    def __init__(self, objective: Objective, size: int, kinds: Sequence[tuple[str, str]]) -> None:
        """``kinds``: kind and layer of each of a tile's targets, in order."""
        self._objective, self._size, self._kinds = objective, size, kinds
        self._sums: Callable | None = None
        self._gradient: Callable | None = None
        self.of_pixels = tf.function(objective.parts_of_pixels, autograph=False)
        """The parts of the image itself, without their weights."""
        self.of_pixels_and_gradient = tf.function(_with_gradient(objective.parts_of_pixels), autograph=False)
        """The same with their weights, [p], and the gradient of their sum, [1, H, W, 3]."""

    def sums(self, image: tf.Tensor, targets: Targets) -> list[Any]:
        """The first pass: what the readings take, added up over the tiles."""
        total = None
        for window, owned, of_tile in self._inputs(image, targets):
            arguments = [window, owned, *of_tile]
            self._sums = self._sums or _compiled(self._take, arguments)
            found = self._sums(*arguments)
            total = found if total is None else added([total, found])
        return [] if total is None else list(total)

    def add_gradient(
        self,
        total: tf.Variable,
        image: tf.Tensor,
        targets: Targets,
        slopes: Sequence[tf.Tensor],
    ) -> None:
        """The second pass: ``slopes`` are the loss's derivatives by the sums, flat."""
        tiles = self._tiles(image)
        for tile, (window, owned, of_tile) in zip(tiles, self._inputs(image, targets), strict=True):
            arguments = [window, owned, *of_tile, *slopes]
            self._gradient = self._gradient or _compiled(self._gradient_of_window, arguments)
            window_of_total: Any = tile.window(total)
            window_of_total.assign(window_of_total + self._gradient(*arguments))

    def _take(self, window: tf.Tensor, owned: tf.Tensor, *targets: tf.Tensor) -> list[Any]:
        extractor = self._objective.extractor
        assert extractor is not None, "without layers there are no tiles"  # noqa: S101
        of_tile: dict[str, dict[str, tf.Tensor]] = {}
        for (kind, layer), target in zip(self._kinds, targets, strict=True):
            of_tile.setdefault(kind, {})[layer] = target
        readings = self._objective.readings(of_tile)
        assert all(one.combine for one in readings), "what needs the whole is refused before"  # noqa: S101
        return read_window(extractor, window, owned, readings)

    def _gradient_of_window(
        self, window: tf.Tensor, owned: tf.Tensor, *targets_and_slopes: tf.Tensor
    ) -> tf.Tensor:
        count = len(self._kinds)
        targets, slopes = targets_and_slopes[:count], targets_and_slopes[count:]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(window)
            taken = tf.nest.flatten(self._take(window, owned, *targets))
        gradient: Any = tape.gradient(taken, window, output_gradients=list(slopes))
        return gradient

    def _inputs(
        self, image: tf.Tensor, targets: Targets
    ) -> Iterator[tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]]:
        """Window, place of the tile in it, content targets and weights of regions, by tile."""
        of_content, of_regions = targets.get("content", {}), targets.get("regions", {})
        for index, tile in enumerate(self._tiles(image)):
            weights = [tile.of_layer(one, layer) for layer, one in of_regions.items()]
            yield tile.window(image), tile.owned, [*(one[index] for one in of_content.values()), *weights]

    def _tiles(self, image: tf.Tensor) -> list[Tile]:
        if self._objective.extractor is None:
            return []
        _, height, width, _ = sizes(image)
        return tiles_of(height, width, self._size, self._objective.extractor)


@dataclass(frozen=True)
class Tile:
    """A rectangle of a picture, with what the network sees around it."""

    rows: Piece
    columns: Piece

    def window(self, image: tf.Tensor) -> tf.Tensor:
        """Image [1, H, W, 3] -> the tile with its surroundings."""
        rows, columns = self.rows, self.columns
        return image[:, rows.window_start : rows.window_stop, columns.window_start : columns.window_stop]

    def of_layer(self, target: tf.Tensor, layer: str) -> tf.Tensor:
        """What a whole layer [1, h, w, C] holds for the tile itself."""
        stride = positions_factor(layer)
        (top, bottom), (left, right) = (
            (side.start // stride, side.stop // stride) for side in (self.rows, self.columns)
        )
        return target[:, top:bottom, left:right]

    @property
    def owned(self) -> tf.Tensor:
        """First and last row, first and last column of the tile itself, in its window: [4] int32."""
        sides = (self.rows, self.columns)
        return tf.constant(
            [end - side.window_start for side in sides for end in (side.start, side.stop)], tf.int32
        )


def tiles_of(height: int, width: int, size: int, extractor: FeatureExtractor) -> list[Tile]:
    """Tiles of about ``size`` pixels a side, row by row, that cover a picture."""
    rows, columns = (
        pieces_of(side, size, extractor.reach.halo, extractor.reach.stride) for side in (height, width)
    )
    return [Tile(down, across) for down in rows for across in columns]


def _compiled(function: Callable, arguments: Sequence[tf.Tensor]) -> Callable:
    """Traced once, for windows and activations ([1, h, w, C]) of any height and width."""
    specs = [
        tf.TensorSpec((1, None, None, one.shape[3]) if one.shape.rank == 4 else one.shape, one.dtype)
        for one in arguments
    ]
    return tf.function(function, autograph=False).get_concrete_function(*specs)


def _of_pixels(targets: Targets) -> Targets:
    """The targets of terms of pixels: content's and frame before's. Lists by tile would be traced anew."""
    return {name: target for name, target in targets.items() if name in ("structure", "temporal")}


def _with_gradient(parts: Callable[[tf.Tensor, Targets], list[tf.Tensor]]) -> Callable:
    def parts_and_gradient(image: tf.Tensor, targets: Targets, weights: tf.Tensor) -> tuple[tf.Tensor, Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            values = weights * tf.stack(parts(image, targets))
            loss = tf.reduce_sum(values)
        return values, tape.gradient(loss, image)

    return parts_and_gradient
