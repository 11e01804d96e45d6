"""Sizes and steps of a pyramid, and the image carried from one size to the next."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from nst_tf.errors import InputError
from nst_tf.init import enlarged, with_detail
from nst_tf.pyramid import CoarseToFine, Scale, SingleScale


def test_a_single_scale_is_the_size_wanted():
    assert SingleScale().scales(512, 300, 1000) == [Scale(512, 300, 1000)]


def test_doubling_from_128():
    assert CoarseToFine(128, 2.0, 1.5).scales(512, 256, 100) == [
        Scale(128, 64, 225),
        Scale(256, 128, 150),
        Scale(512, 256, 100),
    ]


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        (127, [127]),  # below the smallest: that size alone
        (128, [128]),
        (255, [255]),
        (256, [128, 256]),
        (511, [256, 511]),  # 127.75 would be below the smallest
        (1000, [250, 500, 1000]),  # 125 would be
        (1024, [128, 256, 512, 1024]),
    ],
)
def test_the_coarsest_size_is_the_smallest_that_is_large_enough(size, sizes):
    assert [scale.size for scale in CoarseToFine().scales(size, size, 10)] == sizes


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        (100, [100]),
        (181, [181]),  # 1.414 times 128: hardly another size
        (182, [128, 182]),
        (512, [128, 512]),
        (513, [128, 256, 513]),  # two factors of 2.002
        (1024, [128, 362, 1024]),  # two of the root of 8
        (2048, [128, 512, 2048]),
        (4096, [128, 406, 1290, 4096]),  # three of the cube root of 32
    ],
)
def test_even_sizes_begin_at_the_smallest_and_grow_by_one_factor(size, sizes):
    assert [scale.size for scale in CoarseToFine(128, 4.0, even=True).scales(size, size, 10)] == sizes


def test_even_sizes_are_the_same_where_the_factor_leads_to_the_smallest():
    for factor, size in ((2.0, 1024), (2**0.5, 512), (4.0, 2048)):
        even, other = (CoarseToFine(128, factor, even=even).scales(size, size, 10) for even in (True, False))
        assert even == other


def test_factors_that_are_no_whole_number():
    # crowsonkb/style-transfer-pytorch: from 128 to 512 by the root of two
    scales = CoarseToFine(128, 2**0.5, 1.0).scales(512, 512, 500)
    assert [scale.size for scale in scales] == [128, 181, 256, 362, 512]
    assert {scale.steps for scale in scales} == {500}


def test_steps_are_rounded_up_and_may_shrink():
    assert [scale.steps for scale in CoarseToFine(16, 2.0, 1.5).scales(64, 64, 7)] == [16, 11, 7]
    assert [scale.steps for scale in CoarseToFine(16, 2.0, 0.5).scales(64, 64, 7)] == [2, 4, 7]


def test_the_smallest_size_may_take_more_steps():
    # crowsonkb/style-transfer-pytorch: 1000 steps at the first scale, 500 at every other
    scales = CoarseToFine(128, 2**0.5, 1.0, first_factor=2.0).scales(512, 512, 500)
    assert [scale.steps for scale in scales] == [1000, 500, 500, 500, 500]
    # where the smallest size is the only one, it is the size wanted, with the steps wanted
    assert CoarseToFine(128, first_factor=2.0).scales(200, 200, 500) == [Scale(200, 200, 500)]


def test_no_size_takes_fewer_steps_than_the_fewest_or_than_the_last():
    scales = CoarseToFine(128, 2.0, 0.45, fewest_steps=12).scales(1024, 1024, 28)
    assert [scale.steps for scale in scales] == [12, 12, 13, 28]
    scales = CoarseToFine(128, 2.0, 0.45, fewest_steps=12).scales(512, 512, 3)
    assert [scale.steps for scale in scales] == [3, 3, 3]


def test_steps_may_be_given_for_each_size():
    scales = CoarseToFine(100, 2.0, steps=[100, 60, 40]).scales(400, 400, 7)
    assert [(scale.size, scale.steps) for scale in scales] == [(100, 100), (200, 60), (400, 40)]
    with pytest.raises(InputError, match=r"3 values for 2 sizes \(150, 300\)"):
        CoarseToFine(100, 2.0, steps=[100, 60, 40]).scales(300, 300, 7)


def test_the_style_follows_or_stays():
    # crowsonkb/style-transfer-pytorch: style_scale_fac 1.5, or style_size 600
    sizes = [128, 181, 256, 362, 512]
    follows = CoarseToFine(128, 2**0.5).scales(512, 768, 1)
    assert [scale.style_size for scale in follows] == pytest.approx([1.5 * size for size in sizes], abs=1)
    stays = CoarseToFine(128, 2**0.5, style="stays").scales(512, 600, 1)
    assert [scale.style_size for scale in stays] == [600] * 5


def test_styles_never_vanish():
    assert [scale.style_size for scale in CoarseToFine(1, 2.0, 1.0).scales(16, 3, 1)] == [1, 1, 1, 2, 3]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"factor": 1.0}, r"factor.*above 1.*1\.0"),
        ({"factor": float("nan")}, "factor.*nan"),
        ({"steps_factor": 0.0}, r"steps_factor.*positive.*0\.0"),
        ({"steps_factor": float("inf")}, "steps_factor.*inf"),
        ({"fewest_steps": 0}, "fewest_steps must be a whole number above 0, but is 0"),
        ({"first_factor": -1.0}, r"first_factor.*positive.*-1\.0"),
        ({"smallest": 0}, "smallest.*at least 1.*0"),
        ({"style": "leads"}, "style must be follows or stays.*'leads'"),
        ({"steps": [100, 0]}, r"steps must be .*\[100, 0\]"),
        ({"steps": 100}, "steps must be .*list.*100"),
        ({"steps": [1.5]}, r"steps must be .*\[1\.5\]"),
    ],
)
def test_wrong_parameters_are_refused_by_name_and_value(wrong, said):
    with pytest.raises(InputError, match=said):
        CoarseToFine(**wrong)


def test_the_same_size_is_the_same_image(random):
    image = random.uniform(0, 1, (6, 5, 3)).astype(np.float32)
    np.testing.assert_array_equal(enlarged(image, 6, 5), image)


def test_a_flat_image_stays_flat():
    flat = np.full((6, 5, 3), 0.3, np.float32)
    np.testing.assert_allclose(enlarged(flat, 13, 11), np.full((13, 11, 3), 0.3), atol=1e-6)


def test_a_ramp_stays_a_ramp_away_from_the_border():
    # column centres at (j + 1/2) / 10 become (k + 1/2) / 30: cubic interpolation reproduces a straight line
    ramp = np.tile(((np.arange(10) + 0.5) / 10)[np.newaxis, :, np.newaxis], (8, 1, 3)).astype(np.float32)
    found = enlarged(ramp, 24, 30)
    expected = np.tile(((np.arange(30) + 0.5) / 30)[np.newaxis, :, np.newaxis], (24, 1, 3))
    np.testing.assert_allclose(found[:, 6:-6], expected[:, 6:-6], atol=1e-3)


def test_enlarging_is_bicubic_and_stays_in_the_range_of_the_image(random):
    image = random.uniform(0.2, 0.7, (7, 6, 3)).astype(np.float32)
    found = enlarged(image, 14, 18)
    assert found.shape == (14, 18, 3)
    assert found.dtype == np.float32
    assert found.min() >= image.min()
    assert found.max() <= image.max()
    expected = np.stack(
        [
            np.asarray(Image.fromarray(image[..., channel]).resize((18, 14), Image.Resampling.BICUBIC))
            for channel in range(3)
        ],
        -1,
    )
    # TensorFlow reads its cubic (a = -1/2) from a table of 1024 places
    np.testing.assert_allclose(found, np.clip(expected, image.min(), image.max()), atol=2e-3)


def test_the_detail_of_the_content_is_what_enlarging_it_does_not_bring(random):
    coarser, content = (random.uniform(0.3, 0.6, (side, side, 3)).astype(np.float32) for side in (6, 12))
    grown = enlarged(coarser, 12, 12)
    picture = grown + 0.25  # the content, lighter
    for share in (0.0, 0.5, 1.0):
        expected = picture + share * (content - grown)
        np.testing.assert_allclose(with_detail(picture, content, coarser, share), expected, atol=1e-6)
    # with all of it, what was changed is what is carried: nothing changed, nothing lost
    np.testing.assert_allclose(with_detail(grown, content, coarser, 1.0), content, atol=1e-6)


def test_detail_leaves_pictures_in_the_range_of_pictures():
    content, coarser = np.zeros((4, 4, 3), np.float32), np.full((2, 2, 3), 0.5, np.float32)
    dark, beyond = np.full((4, 4, 3), 0.2, np.float32), np.full((4, 4, 3), -0.1, np.float32)
    assert with_detail(dark, content, coarser, 1.0).min() == 0
    np.testing.assert_allclose(with_detail(beyond, content, coarser, 1.0), -0.1)


@pytest.mark.parametrize("detail", [-0.1, float("nan"), float("inf")])
def test_detail_below_zero_is_refused(detail):
    with pytest.raises(InputError, match=f"pyramid.detail must be at least 0, but is {detail}"):
        CoarseToFine(detail=detail)
