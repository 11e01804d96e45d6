"""Pieces cover a side once, with the halo inside and the true borders outside."""

from __future__ import annotations

import pytest

from nst_tf.vgg.layers import convolution_layers, pieces_of, reach_of


@pytest.mark.parametrize("length", [16, 97, 160, 1000, 4096])
@pytest.mark.parametrize("size", [1, 16, 100, 512])
@pytest.mark.parametrize(("halo", "multiple"), [(0, 1), (2, 2), (70, 16)])
def test_pieces_cover_the_whole_once(length, size, halo, multiple):
    pieces = pieces_of(length, size, halo, multiple)
    assert [position for piece in pieces for position in range(piece.start, piece.stop)] == list(
        range(length)
    )
    for piece in pieces:
        assert piece.window_start % multiple == piece.start % multiple == 0
        assert piece.stop - piece.start <= -(-size // multiple) * multiple
        assert piece.window_start == 0 or piece.start - piece.window_start >= halo
        assert piece.window_stop == length or piece.window_stop - piece.stop >= halo


@pytest.mark.parametrize(
    ("layer", "field"),
    # by hand: r += (k - 1) j for a convolution or a pooling, j *= 2 for a pooling
    [
        ("block1_conv1", 3),
        ("block1_conv2", 5),
        ("block2_conv1", 10),
        ("block5_conv1", 156),
        ("block5_conv4", 252),
    ],
)
def test_receptive_fields_of_vgg19(layer, field):
    assert reach_of("vgg19", [layer]).receptive_field == field
    assert reach_of("vgg19", ["block1_conv1", f"{layer}_before_relu"]).receptive_field == field


@pytest.mark.parametrize("architecture", ["vgg16", "vgg19"])
def test_a_halo_covers_the_receptive_field(architecture):
    for layer in convolution_layers(architecture):
        stride, halo = reach = reach_of(architecture, [layer])
        assert reach.receptive_field == stride + 2 * halo
