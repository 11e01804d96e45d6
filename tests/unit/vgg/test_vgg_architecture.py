from __future__ import annotations

import pytest
from unit.vgg.hand_made_weights import LAYERS

from nst_tf.errors import InputError
from nst_tf.vgg.layers import ARCHITECTURES
from nst_tf.vgg.weights import load_weights


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_layers_are_those_of_the_paper_in_order(name: str) -> None:
    found = [(layer, *channels) for layer, channels in ARCHITECTURES[name].channels.items()]
    assert found == LAYERS[name]


# The totals that Keras' documentation prints for the networks without their top.
@pytest.mark.parametrize(("name", "total"), [("vgg16", 14_714_688), ("vgg19", 20_024_384)])
def test_number_of_parameters(name: str, total: int) -> None:
    vgg = ARCHITECTURES[name]
    assert sum(9 * incoming * outgoing + outgoing for incoming, outgoing in vgg.channels.values()) == total
    for layer, (incoming, outgoing) in vgg.channels.items():
        assert vgg.kernel_shape(layer) == (3, 3, incoming, outgoing)
        assert vgg.bias_shape(layer) == (outgoing,)


def test_unknown_architecture_is_named() -> None:
    with pytest.raises(InputError, match=r"'vgg11' is not known; say 'vgg19' or 'vgg16'"):
        load_weights("vgg11")
