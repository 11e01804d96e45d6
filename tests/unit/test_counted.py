"""Numbers and nouns in what is told."""

from __future__ import annotations

from nst_tf.errors import counted


def test_one_is_singular() -> None:
    assert [counted(number, "step") for number in (0, 1, 2)] == ["0 steps", "1 step", "2 steps"]
