"""Gradients without kept activations: they are computed again, piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import tensorflow as tf

from nst_tf.device import custom_gradient
from nst_tf.vgg.layers import Piece, pieces_of
from nst_tf.vgg.network import Block, FeatureExtractor, Reading

_TO_THE_END = -1  # as tf.slice has it


def cropped(
    activations: tf.Tensor,
    rows: tuple[int | tf.Tensor, int | tf.Tensor],
    columns: tuple[int | tf.Tensor, int | tf.Tensor] | None = None,
) -> tf.Tensor:
    """Activations [1, H, W, C] -> those of rows first to last (exclusive), and of such columns: [1, h, w, C].

    What ``activations[:, first:last]`` gives. But the gradient of that is TensorFlow's StridedSliceGrad,
    which runs on one thread and took a fifth of a step; that of tf.slice is a padding with zeros.
    """
    left, width = (0, _TO_THE_END) if columns is None else (columns[0], columns[1] - columns[0])
    part = tf.slice(activations, [0, rows[0], left, 0], [_TO_THE_END, rows[1] - rows[0], width, _TO_THE_END])
    # with rows that are tensors, tf.slice forgets what is known of the other sides
    part.set_shape([activations.shape[0], None, None, activations.shape[3]])
    return part


def read_window(
    extractor: FeatureExtractor, window: tf.Tensor, owned: tf.Tensor, readings: Sequence[Reading]
) -> list[Any]:
    """Window [1, h, w, 3] of an image -> what the readings take of the activations that are ``owned``.

    ``owned`` [4] int32 is the first and last (exclusive) row, the first and last column of the tile, in
    pixels of the window; both window and tile start at multiples of the extractor's stride. Targets of
    readings are those of the tile. Heights and widths need not be known when this is traced.
    """
    found: dict[int, Any] = {}
    activations, stride = window, 1
    for block in extractor.blocks:
        for step in block.steps:
            activations = step(activations)
            here = [index for index, reading in enumerate(readings) if reading.layer == step.name]
            if here:
                top, bottom, left, right = tf.unstack(owned // stride)
                tile = cropped(activations, (top, bottom), (left, right))
                found.update({index: readings[index].take(tile, readings[index].target) for index in here})
        stride *= block.stride
    return [found[index] for index in range(len(readings))]


# ---- activations computed again in the backward pass, block by block and band by band ----

# of the widest layer of a band in float32: of 16 to 256 MiB, measured once at 4 megapixels on two cores, that
# with the least peak memory whose step is not slower than that of all larger ones
BAND_BYTES = 64 * 2**20
_POOLING = 2  # a band starts and ends where a pooling's window of 2 x 2 does


def read_recomputing(extractor: FeatureExtractor, image: tf.Tensor, readings: Sequence[Reading]) -> list[Any]:
    """Image [1, H, W, 3] -> what each reading takes, with the gradient of ``read_whole``, exact to rounding.

    Only what stands between the blocks is kept: a quarter of the positions of the block before. In the
    backward pass each block is computed again from there (Chen et al. 2016, "Training Deep Nets with
    Sublinear Memory Cost"), in bands of rows if all of its readings can be combined from bands, else whole.
    A band is computed with as many rows around it as its convolutions see, so that its activations, and
    hence the gradient, are those of the whole. The size of the image must be known when this is traced.
    """
    found: dict[int, Any] = {}
    below = image
    for block in extractor.blocks:
        layers = {step.name for step in block.steps}
        here = [index for index, reading in enumerate(readings) if reading.layer in layers]
        below, taken = _recomputed(extractor, block, [readings[index] for index in here], below)
        found.update(zip(here, taken, strict=True))
    return [found[index] for index in range(len(readings))]


def _recomputed(
    extractor: FeatureExtractor, block: Block, readings: Sequence[Reading], below: tf.Tensor
) -> tuple[tf.Tensor, list[Any]]:
    """The block's output and what its readings take."""
    # a band's window has no opposite border
    bands = _bands(block, readings, below, only_whole=extractor.wraps)
    # a custom gradient takes and gives flat lists of tensors
    structure: list[Any] = []

    @custom_gradient
    def flat(whole: tf.Tensor):
        outputs, taken, before = [], [], []
        for band in bands:
            with tf.control_dependencies(before):  # a band at a time: its memory is that of the next
                window = whole[:, band.window_start : band.window_stop]
            output, results = _band(block, readings, window, band)
            before = tf.nest.flatten([output, results])
            outputs.append(output)
            taken.append(results)
        combined = [
            (reading.combine or itemgetter(0))([results[index] for results in taken])  # without: the whole
            for index, reading in enumerate(readings)
        ]
        structure[:] = combined

        def gradient(*upstream: tf.Tensor) -> tf.Tensor:
            return _gradient_in_bands(block, readings, whole, bands, upstream)

        return [tf.concat(outputs, axis=1) if len(outputs) > 1 else outputs[0], *tf.nest.flatten(combined)], (
            gradient
        )

    results: Any = flat(below)
    return results[0], tf.nest.pack_sequence_as(structure, results[1:])


def _gradient_in_bands(
    block: Block,
    readings: Sequence[Reading],
    whole: tf.Tensor,
    bands: Sequence[Piece],
    upstream: Sequence[tf.Tensor],
) -> tf.Tensor:
    """The gradient of the block's input; a band adds to the rows that it shares with its neighbours."""
    finished, shared = [], None
    before = list(upstream)
    for index, band in enumerate(bands):
        # without this the executor may compute it again at once, and keep it
        with tf.control_dependencies(before):
            window = tf.identity(whole[:, band.window_start : band.window_stop])
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(window)
            output, taken = _band(block, readings, window, band)
        of_output = upstream[0]
        if len(bands) > 1:
            of_output = of_output[:, band.start // block.stride : band.stop // block.stride]
        found: Any = tape.gradient(
            [output, *tf.nest.flatten(taken)], window, output_gradients=[of_output, *upstream[1:]]
        )
        before = [found]
        if shared is not None:
            overlap = shared.shape[1]
            found = tf.concat([found[:, :overlap] + shared, found[:, overlap:]], axis=1)
        if index + 1 < len(bands):
            rows = bands[index + 1].window_start - band.window_start
            finished.append(found[:, :rows])
            shared = found[:, rows:]
        else:
            finished.append(found)
    return tf.concat(finished, axis=1) if len(finished) > 1 else finished[0]


def _band(
    block: Block, readings: Sequence[Reading], window: tf.Tensor, band: Piece
) -> tuple[tf.Tensor, list[Any]]:
    """Output of the block and what its readings take, of the rows that belong to the band."""
    first, last = band.start - band.window_start, band.stop - band.window_start
    found: dict[int, Any] = {}
    activations = window
    for step in block.steps:
        activations = step(activations)
        for index, reading in enumerate(readings):
            if reading.layer == step.name:
                target = (
                    reading.target if reading.target is None else reading.target[:, band.start : band.stop]
                )
                found[index] = reading.take(cropped(activations, (first, last)), target)
    output = cropped(activations, (first // block.stride, last // block.stride))
    return output, [found[index] for index in range(len(readings))]


def _bands(block: Block, readings: Sequence[Reading], below: tf.Tensor, *, only_whole: bool) -> list[Piece]:
    _, height, width, _ = below.shape
    if height is None or width is None:
        raise ValueError(f"the size of {below} must be known when the function is traced")
    rows = height
    if not only_whole and all(reading.combine for reading in readings):
        rows = max(_POOLING, BAND_BYTES // (4 * width * block.channels))
    return pieces_of(height, rows, block.halo, _POOLING)
