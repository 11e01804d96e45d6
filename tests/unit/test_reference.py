"""The reference itself: its derivatives against central differences, its network against a hand-made sum."""

from __future__ import annotations

import numpy as np
import pytest
from reference import numpy_objectives
from reference.finite_differences import central_gradient, central_slope
from reference.numpy_vgg import NumpyVgg, correlate


def test_correlate_is_the_sum_over_the_nine_neighbours(random):
    image, kernel = random.standard_normal((4, 5, 2)), random.standard_normal((3, 3, 2, 3))
    found = correlate(image, kernel)
    inside = sum(image[1 + i, 2 + j] @ kernel[1 + i, 1 + j] for i in (-1, 0, 1) for j in (-1, 0, 1))
    corner = sum(image[i, j] @ kernel[1 + i, 1 + j] for i in (0, 1) for j in (0, 1))
    np.testing.assert_allclose(found[1, 2], inside)
    np.testing.assert_allclose(found[0, 0], corner)


@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_the_backward_pass_is_the_derivative_of_the_forward_pass(random, pooling):
    channels = {
        "block1_conv1": (3, 4),
        "block1_conv2": (4, 4),
        "block2_conv1": (4, 6),
        "block2_conv2": (6, 5),
    }
    deeper = {f"block{b}_conv{i}": (1, 1) for b in (3, 4, 5) for i in (1, 2, 3, 4)}
    kernels = {
        name: random.standard_normal((3, 3, *shape)) / 5 for name, shape in (channels | deeper).items()
    }
    biases = {name: random.standard_normal(kernel.shape[-1]) for name, kernel in kernels.items()}
    network = NumpyVgg(kernels, biases, pooling, blocks=2)
    image = random.uniform(0, 1, (7, 6, 3))
    # of some layers both sides of the ReLU, of the deepest only what is before it
    layers = ["block1_conv1", "block1_conv2_before_relu", "block1_conv2", "block2_conv2_before_relu"]
    wanted = {name: random.standard_normal(network.forward(image)[name].shape) for name in layers}

    def loss(pixels):
        features = network.forward(pixels)
        return sum(float(np.sum(wanted[name] * features[name])) for name in layers)

    slopes = central_gradient(loss, image)
    loss(image)
    np.testing.assert_allclose(network.backward(wanted), slopes, rtol=1e-5, atol=1e-5 * np.abs(slopes).max())


@pytest.mark.parametrize("name", numpy_objectives.PRESETS)
def test_the_gradients_of_the_objectives_are_the_derivatives_of_their_values(random, name):
    preset = numpy_objectives.PRESETS[name]
    shapes = dict.fromkeys((preset.content_layer, *preset.style_layers), (4, 3, 5))
    generated, content, first = ({k: random.uniform(0, 2, s) for k, s in shapes.items()} for _ in range(3))
    second = {layer: random.uniform(0, 2, (2, 5, 5)) for layer in shapes}  # another number of positions
    styles = [(0.3, first), (0.7, second)]
    gradients = numpy_objectives.gradients(preset, generated, content, styles, 12)
    for layer, shape in shapes.items():
        direction = random.standard_normal(shape)

        def along(point, layer=layer):
            return numpy_objectives.value(preset, generated | {layer: point}, content, styles, 12)

        slope = central_slope(along, generated[layer], direction, step=1e-4)
        # rounding: 1e-16 of the whole value over the step
        rounding = 1e-11 * along(generated[layer])
        assert slope == pytest.approx(np.sum(gradients[layer] * direction), rel=1e-6, abs=rounding)
