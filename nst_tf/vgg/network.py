"""The frozen network: from pixels to the activations of the layers asked for."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby
from typing import Any, Protocol

import tensorflow as tf

from nst_tf.errors import InputError, one_of
from nst_tf.images.pixels import NETWORK_PIXELS
from nst_tf.vgg.convolution import (
    PADDINGS,
    WIDENED,
    Convolution,
    Padding,
    circular,
    in_float32,
    replicate,
    way_to_convolve,
)
from nst_tf.vgg.layers import (
    ARCHITECTURES,
    BEFORE_RELU,
    PIXELS,
    Reach,
    channels_of,
    check_layer_names,
    layers_down_to,
    reach_of,
)
from nst_tf.vgg.weight_files import IMAGENET, ConvolutionWeights


class FeatureExtractor:
    """VGG (Simonyan and Zisserman 2015) up to the deepest layer in use, frozen.

    Poolings and padding are those asked for, and each convolution is apart from its ReLU, so that both sides
    of it can be asked for.
    Convolutions run in ``precision``; activations are returned in float32, because the statistics of
    style sum over up to millions of positions.

    Raises InputError for an unknown architecture, layer, pooling, padding or kind of pixels, and for pixels
    that the weights were not trained on.
    """

    def __init__(
        self,
        weights: ConvolutionWeights,
        layers: Iterable[str],
        *,
        architecture: str = "vgg19",
        pooling: str = "max",
        padding: str = "same",
        pixels: str = "caffe",
        precision: str = "float32",
    ) -> None:
        """Build the chain for ``layers``: names of Keras, with ``_before_relu`` where wanted."""
        self.layers = tuple(dict.fromkeys(layers))
        one_of("model.name", architecture, ARCHITECTURES)
        check_layer_names(architecture, self.layers)
        self._pool = one_of("model.pooling", pooling, POOLINGS)
        first_padding, other_padding = one_of("model.padding", padding, PADDINGS)
        self._to_network_pixels = one_of("model.pixels", pixels, NETWORK_PIXELS)
        _check_trained_on(weights, pixels)
        self.wraps = other_padding is circular
        """Whether what is beyond a border is what is at the opposite one, so that windows show too little."""
        self.precision = precision
        self.way = way_to_convolve(precision)
        """How convolutions are computed: see ``way_to_convolve``."""
        if self.way == WIDENED:
            self._pool = partial(in_float32, self._pool)
        self.reach = reach_of(architecture, self.layers)
        self._architecture = architecture
        self.blocks = tuple(self._blocks(weights, first_padding, other_padding))
        """The chain in blocks, each of which but the last ends with its pooling."""

    def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Image [1, H, W, 3], RGB in [0, 1], float32 -> activations [1, h, w, C], float32, by layer name."""
        activations = image
        found: dict[str, tf.Tensor] = {}
        for step in (step for block in self.blocks for step in block.steps):
            activations = step(activations)
            if step.name in self.layers:
                found[step.name] = tf.cast(activations, tf.float32)
        return {name: found[name] for name in self.layers}

    @cached_property
    def bordered(self) -> FeatureExtractor:
        """The same network, with the same weights, for pictures that are no torus: borders are repeated.

        A style of which opposite borders met would have an edge there, which a texture would repeat.
        """
        if not self.wraps:
            return self
        found = copy.copy(self)
        found.wraps = False
        found.blocks = tuple(
            replace(block, steps=tuple(_with_repeated_border(step) for step in block.steps))
            for block in self.blocks
        )
        return found

    def reach_of_layer(self, layer: str) -> Reach:
        """How far a position of this one layer sees."""
        return reach_of(self._architecture, [layer])

    def channels_of_layer(self, layer: str) -> int:
        """How many channels this layer has, on both sides of its ReLU."""
        return channels_of(self._architecture, layer)

    def _network_pixels(self, image: tf.Tensor) -> tf.Tensor:
        return tf.cast(self._to_network_pixels(image), self.precision)

    def _blocks(
        self, weights: ConvolutionWeights, first_padding: Padding, other_padding: Padding
    ) -> Iterator[Block]:
        used = layers_down_to(self._architecture, self.layers)
        steps: list[Step] = [
            _Function(PIXELS, tf.identity),
            _Function("network_pixels", self._network_pixels),
        ]
        if not used:
            yield Block((steps[0],), 1, 0, self.channels_of_layer(PIXELS))
        pad = first_padding
        for block, names in groupby(used, key=lambda name: name.partition("_")[0]):
            layers = list(names)
            for layer in layers:
                kernel, bias = weights.kernels[layer], weights.biases[layer]
                steps.append(Convolution(layer + BEFORE_RELU, kernel, bias, pad, self.precision, self.way))
                steps.append(_Function(layer, tf.nn.relu))
                pad = other_padding
            pools = layers[-1] != used[-1]
            if pools:
                steps.append(_Function(f"{block}_pool", self._pool))
            channels = max(self.channels_of_layer(layer) for layer in layers)
            halo = len(layers)  # each convolution is 3 x 3
            yield Block(tuple(steps), 2 if pools else 1, halo, channels)
            steps = []


def _check_trained_on(weights: ConvolutionWeights, pixels: str) -> None:
    """Refuse pixels of another kind than the weights', whose activations would look right and be wrong.

    ``unit`` is of neither kind, a departure that whoever says it asks for.
    """
    kind = weights.pixels
    if kind is not None and pixels not in (kind, "unit") and IMAGENET in (kind, pixels):
        raise InputError(
            f"The weights from {weights.source} were trained on other pixels than model.pixels={pixels}: say"
            f" model.pixels={kind}"
        )


# ---- the chain of steps, in blocks ----


class Step(Protocol):
    """One function of the chain, under the name of the layer that it computes."""

    name: str

    def __call__(self, activations: tf.Tensor) -> tf.Tensor:
        """Activations [1, h, w, C] -> those of this layer."""
        ...


@dataclass(frozen=True)
class Block:
    """Steps between two poolings, the pooling at their end with them.

    ``stride`` is by how much the block divides a side (2, or 1 without a pooling), ``halo`` how many
    positions around it an output sees, ``channels`` the largest number in any of its layers.
    """

    steps: tuple[Step, ...]
    stride: int
    halo: int
    channels: int


def _with_repeated_border(step: Step) -> Step:
    if not isinstance(step, Convolution):
        return step
    found = copy.copy(step)
    found.pad = replicate
    return found


class _Function:
    """A step of the chain without weights."""

    def __init__(self, name: str, function) -> None:
        self.name = name
        self._function = function

    def __call__(self, activations: tf.Tensor) -> tf.Tensor:
        return self._function(activations)


# ---- poolings that can stand between the blocks; all 2 x 2 with stride 2 ----

_WINDOW = 2
# crowsonkb/style-transfer-pytorch, VGGFeatures.poolings: "these scale factors were chosen so that the
# activations keep the size they have with max pooling"
_CROWSON_AVERAGE_SCALE = 2.0
_CROWSON_L2_SCALE = 0.78
# under the root, whose slope at 0 is infinite; below the square of the smallest step that bfloat16
# resolves beside an activation of 1 (2^-8)
_SMALLEST_SQUARE = 1e-6


def max_pooling(activations: tf.Tensor) -> tf.Tensor:
    """The largest of four; VGG's own. [N, H, W, C] -> [N, H/2, W/2, C]."""
    return tf.nn.max_pool2d(activations, _WINDOW, _WINDOW, "VALID")


def average_pooling(activations: tf.Tensor) -> tf.Tensor:
    """The mean of four; Gatys et al. 2016, section 2. [N, H, W, C] -> [N, H/2, W/2, C]."""
    return tf.nn.avg_pool2d(activations, _WINDOW, _WINDOW, "VALID")


def l2_pooling(activations: tf.Tensor) -> tf.Tensor:
    """The root of the sum of four squares. [N, H, W, C] -> [N, H/2, W/2, C]."""
    mean_square = tf.nn.avg_pool2d(activations * activations, _WINDOW, _WINDOW, "VALID")
    return tf.sqrt(_WINDOW * _WINDOW * mean_square + _SMALLEST_SQUARE)


POOLINGS: Mapping[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "max": max_pooling,
    "avg": average_pooling,
    "l2": l2_pooling,
    "avg_rescaled": lambda activations: _CROWSON_AVERAGE_SCALE * average_pooling(activations),
    "l2_rescaled": lambda activations: _CROWSON_L2_SCALE * l2_pooling(activations),
}


# ---- what is taken of the activations of a layer, so that they need not be kept ----


@dataclass(frozen=True)
class Reading:
    """``take(activations, target)`` of the activations [1, h, w, C] of ``layer``, in their own precision.

    ``target`` is None or has the shape of the activations; a piece of them meets the same piece of it.
    ``combine`` makes what was taken of disjoint bands of rows, from the top, that of the whole; None if
    that is not possible, because the whole must be seen at once.
    """

    layer: str
    take: Callable[[tf.Tensor, tf.Tensor | None], Any]
    combine: Callable[[Sequence[Any]], Any] | None = None
    target: tf.Tensor | None = None


def added(taken: Sequence[Any]) -> Any:
    """The sum, element by element, of equal structures of tensors."""
    return tf.nest.map_structure(lambda *some: tf.add_n(list(some)), *taken)


def joined(taken: Sequence[tf.Tensor]) -> tf.Tensor:
    """Bands of rows [1, h_i, w, C] -> [1, sum h_i, w, C]."""
    return tf.concat(list(taken), axis=1)


def read_whole(extractor: FeatureExtractor, image: tf.Tensor, readings: Sequence[Reading]) -> list[Any]:
    """Image [1, H, W, 3] -> what each reading takes; every activation is kept for the backward pass."""
    features = extractor(image)
    return [reading.take(features[reading.layer], reading.target) for reading in readings]
