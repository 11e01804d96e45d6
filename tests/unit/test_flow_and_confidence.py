"""Warping, the masks of Sundaram et al., and the warping error, against motions that are known."""

from __future__ import annotations

import numpy as np
import pytest

from nst_tf.errors import InputError
from nst_tf.video import (
    DisFlow,
    FarnebackFlow,
    FollowFlow,
    FromPrevious,
    confidence,
    outside,
    warped,
    warping_error,
)

HEIGHT, WIDTH = 72, 96


def scene(down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """A textured picture that is known everywhere: waves of many directions, color [..., 3] in [0, 1]."""
    random = np.random.default_rng(5)
    values = np.zeros((*down.shape, 3))
    for _ in range(40):
        turn, phase = random.normal(0, 0.35, 2), random.uniform(0, 6, 3)
        values += np.sin((turn[0] * down + turn[1] * across)[..., np.newaxis] + phase)
    return (0.5 + values / 40).clip(0, 1).astype(np.float32)


def moved(shift: tuple[float, float], zoom: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two frames and the flow from the second to the first: p -> zoom p + shift (across, down)."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    before = zoom * down + shift[1], zoom * across + shift[0]
    flow = np.stack([before[1] - across, before[0] - down], -1).astype(np.float32)
    return scene(down, across), scene(*before), flow


@pytest.mark.parametrize("order", [1, 3])
def test_a_warp_by_whole_pixels_moves_the_picture(random: np.random.Generator, order: int) -> None:
    picture = random.uniform(0, 1, (12, 14, 3)).astype(np.float32)
    flow = np.full((12, 14, 2), (3, -2), np.float32)  # from 3 to the right and 2 above
    seen = warped(picture, flow, order)
    np.testing.assert_allclose(seen[2:, :-3], picture[:-2, 3:], atol=1e-5)
    np.testing.assert_allclose(seen[:2, :-3], np.repeat(picture[:1, 3:], 2, 0), atol=1e-5)  # the border's


def test_a_warp_by_a_known_motion_gives_the_second_frame_back() -> None:
    first, second, flow = moved((2.3, -1.6), 0.97)
    inside = ~outside(flow)
    error = np.abs(warped(first, flow) - second)[inside]
    assert error.mean() < 1e-3  # waves shorter than four pixels are few: cubic splines follow them
    assert np.abs(warped(first, flow, 1) - second)[inside].mean() > error.mean()


@pytest.mark.parametrize("flow", [DisFlow(), FarnebackFlow()], ids=["dis", "farneback"])
@pytest.mark.parametrize(("shift", "zoom"), [((4.0, 0.0), 1.0), ((-2.5, 1.5), 1.0), ((1.0, 1.5), 0.96)])
def test_the_estimated_flow_is_the_known_one(flow, shift: tuple[float, float], zoom: float) -> None:
    first, second, known = moved(shift, zoom)
    found = flow(second, first)
    inside = ~outside(known)
    inside[:6], inside[-6:], inside[:, :6], inside[:, -6:] = False, False, False, False
    distance = np.linalg.norm(found - known, axis=-1)[inside]
    # pixels; both methods are quoted with fractions of a pixel on smooth motion
    assert np.median(distance) < 0.25
    assert distance.mean() < 0.5


def test_a_flow_back_and_forth_is_believed_and_any_other_is_not() -> None:
    backward = np.zeros((40, 60, 2), np.float32)
    backward[..., 0] = -5
    believed = confidence(-backward, backward)
    assert believed[:, :5].sum() == 0  # led out of the picture before, by more than half a pixel
    assert believed[:, 6:-1].all()
    # by equation 5 with |w + v|^2 = 1 and |w|^2 + |v|^2 = 25 + 16: 1 > 0.41 + 0.5 is hidden, and at 9 and 10
    # pixels 1 < 1.81 + 0.5 is not
    for length, hidden in ((5, True), (10, False)):
        backward[..., 0] = -length
        forward = np.zeros_like(backward)
        forward[..., 0] = length - 1
        assert confidence(forward, backward)[:, 12:-1].any() == (not hidden)


def test_what_an_object_uncovers_is_not_believed() -> None:
    """A square moves 6 to the right before a still ground: the strip behind it was hidden."""
    forward, backward = np.zeros((2, 48, 64, 2), np.float32)
    forward[16:32, 20:36, 0] = 6
    backward[16:32, 26:42, 0] = -6
    believed = confidence(forward, backward)
    assert believed[18:30, 21:25].sum() == 0  # uncovered: forward flow of 6 against backward 0
    assert believed[18:30, 28:40].all()  # the square itself
    assert believed[:12].all()  # the ground
    assert (
        believed[18:30, 41:43].sum() == 0
    )  # a boundary of motion: the slope of the flow is 3 pixels a pixel


def test_equations_of_sundaram_in_plain_loops(random: np.random.Generator) -> None:
    forward, backward = random.normal(0, 0.7, (2, 9, 11, 2)).astype(np.float32)
    expected = np.zeros((9, 11))
    down, across = np.gradient(backward, axis=(0, 1))
    for row in range(9):
        for column in range(11):
            v = backward[row, column]
            x, y = column + v[0], row + v[1]
            is_outside = not (-0.5 <= x <= 10.5 and -0.5 <= y <= 8.5)
            cx, cy = min(max(x, 0), 10), min(max(y, 0), 8)
            x0, y0 = min(int(cx), 9), min(int(cy), 7)
            a, b = cx - x0, cy - y0
            w = (1 - b) * ((1 - a) * forward[y0, x0] + a * forward[y0, x0 + 1])
            w = w + b * ((1 - a) * forward[y0 + 1, x0] + a * forward[y0 + 1, x0 + 1])
            hidden = ((w + v) ** 2).sum() > 0.01 * ((w**2).sum() + (v**2).sum()) + 0.5
            steep = (down[row, column] ** 2).sum() + (across[row, column] ** 2).sum()
            boundary = steep > 0.01 * (v**2).sum() + 0.002
            expected[row, column] = not (is_outside or hidden or boundary)
    np.testing.assert_array_equal(confidence(forward, backward), expected)
    smooth = 0.01 * backward  # so that some are believed, too
    assert 0 < confidence(forward, smooth).sum() < smooth[..., 0].size


def test_the_warping_error_of_a_shift_is_zero_and_of_grey_its_square() -> None:
    first, second, flow = moved((3.0, 1.0))
    believed = (~outside(flow)).astype(np.float32)
    assert warping_error(first, second, flow, believed) < 1e-10
    # a tenth more in each of three channels: 3 * 0.01
    assert warping_error(first, second + 0.1, flow, believed) == pytest.approx(0.03, rel=1e-4)
    assert warping_error(first, second, flow, np.zeros_like(believed)) == 0


def test_what_a_frame_begins_from() -> None:
    first, second, flow = moved((6.0, 0.0))
    result = 1 - first

    class Known:
        def __call__(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
            return flow if one is second else -flow

    beginning = FollowFlow(flow=Known(), steps=7).begin(first, second, result)
    assert beginning is not None
    assert beginning.believed is not None
    np.testing.assert_allclose(beginning.start[:, :-7], (1 - second)[:, :-7], atol=1e-4)
    np.testing.assert_array_equal(beginning.start[:, -5:], second[:, -5:])  # nothing was there before
    assert beginning.believed[:, -5:].sum() == 0
    assert FollowFlow(flow=Known(), steps=7).later_steps(60) == 7
    kept = FromPrevious().begin(first, second, result)
    assert kept is not None
    assert kept.start is result
    assert FromPrevious().later_steps(60) == 60


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: FollowFlow(weight=-1), "-1"),
        (lambda: FollowFlow(steps=0), "video.steps"),
        (lambda: FromPrevious(frames_per_second=0), "video.frames_per_second"),
        (lambda: DisFlow("slow"), "'slow'"),
        (lambda: FarnebackFlow(window=0), "video.flow.window"),
    ],
)
def test_values_that_no_animation_has(made, words: str) -> None:
    with pytest.raises(InputError, match=words):
        made()


def test_without_opencv_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(InputError, match=r"nst_tf\[video\]"):
        DisFlow()
