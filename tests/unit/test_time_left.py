"""The time that is left, of runs whose steps take what the test says."""

from __future__ import annotations

import pytest

from nst_tf.pyramid import Scale
from nst_tf.report import TimeLeft, clock

SCALES = [Scale(100, 100, 5), Scale(200, 200, 4), Scale(400, 400, 3)]
BEFORE = 10.0  # seconds of each size before its first step


def seconds_of(scales: list[Scale]) -> float:
    """A step takes 1 second at a size of 100, and at others in proportion to the pixels."""
    return sum(BEFORE + scale.steps * (scale.size / 100) ** 2 for scale in scales)


def test_what_is_left_is_what_the_rest_takes() -> None:
    left, now, done = TimeLeft(SCALES), 0.0, 0
    whole = seconds_of(SCALES)
    for scale in SCALES:
        left.scale_begins(scale, now)
        now += BEFORE
        for _ in range(scale.steps):
            done, now = done + 1, now + (scale.size / 100) ** 2
            told = left.step_ends(done, now)
            if done == 1:
                assert told is None  # the first step of all is a part of what comes before it
            elif scale is SCALES[0]:  # which counts as of the next sizes, too
                assert told == pytest.approx(whole - now, abs=2 * 1.0)
            else:
                assert told == pytest.approx(whole - now)
    assert told == 0


def test_a_run_that_goes_on_in_the_middle() -> None:
    left = TimeLeft(SCALES)
    left.scale_begins(SCALES[1], 0.0)
    assert left.step_ends(7, 4.0) is None  # two of the four were made before
    assert left.step_ends(8, 8.0) == pytest.approx(1 * 4 + 3 * 16 + 4)


def test_a_size_that_ends_early_takes_no_more_time() -> None:
    left = TimeLeft(SCALES)
    left.scale_begins(SCALES[0], 0.0)
    left.step_ends(1, 1.0)
    left.step_ends(2, 2.0)
    left.scale_begins(SCALES[1], 2.0)  # three steps were left out
    assert left.step_ends(3, 6.0) == pytest.approx(3 * 4 + 3 * 16)
    assert left.step_ends(4, 10.0) == pytest.approx(2 * 4 + 3 * 16)


def test_frames_of_one_size() -> None:
    frames = [Scale(100, 100, 2)] * 3
    left = TimeLeft(frames)
    for number, frame in enumerate(frames):
        left.scale_begins(frame, 2.0 * number)
        left.step_ends(2 * number + 1, 2.0 * number + 1)
        told = left.step_ends(2 * number + 2, 2.0 * number + 2)
        assert told == pytest.approx(2 * (2 - number), abs=1 * (2 - number))


def test_clock() -> None:
    assert [clock(seconds) for seconds in (0.4, 61.6, 7200)] == ["0:00:00", "0:01:02", "2:00:00"]
