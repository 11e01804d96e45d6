from __future__ import annotations

from collections.abc import Callable

import pytest

from nst_tf.vgg import weights as patience
from nst_tf.vgg.weight_files import Unavailable
from nst_tf.vgg.weights import Patience


class Line:
    """A transfer of ``rate`` bytes a second from ``start`` to ``end``, on its own clock."""

    def __init__(self, rate: float, start: float = 0, end: float = 1000) -> None:
        self.now, self.rate, self.start, self.end = 0.0, rate, start, end

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def finished(self) -> bool:
        return self.now >= self.end

    def received(self) -> int:
        return int(max(0.0, self.now - self.start) * self.rate)


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[Line], float]:
    def wait(line: Line) -> float:
        monkeypatch.setattr(patience, "time", line)
        Patience(first_byte=6, stall=20).wait(line.finished, line.received)
        return line.now

    return wait


def test_a_slow_line_is_waited_for_as_long_as_it_takes(wait: Callable[[Line], float]) -> None:
    assert wait(Line(rate=5000, start=4)) == pytest.approx(1000, abs=0.2)  # 64 KiB in 13 s


def test_silence_is_left_after_the_first_span(wait: Callable[[Line], float]) -> None:
    line = Line(rate=0)
    with pytest.raises(Unavailable, match="no answer within 6 s"):
        wait(line)
    assert line.now == pytest.approx(6, abs=0.3)


def test_drops_are_left_after_the_second_span(wait: Callable[[Line], float]) -> None:
    line = Line(rate=1000)  # 64 KiB would take 65 s
    with pytest.raises(Unavailable, match=r"stalled for 20 s after \d+ bytes"):
        wait(line)
    assert line.now == pytest.approx(20, abs=0.5)
