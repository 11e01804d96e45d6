"""What anybody wrote, as one line for a terminal."""

from __future__ import annotations

import pytest

from nst_tf.errors import printable


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a sentence: 5 % é 日本語 🎨", "a sentence: 5 % é 日本語 🎨"),
        ("two\nlines\r\nand\u2028more", "two lines and more"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("name\udcff", "name\\udcff"),
        ("a\tb", "a\\tb"),
    ],
)
def test_one_line_of_printable_letters(text: str, line: str) -> None:
    assert printable(text) == line
    printable(text).encode("utf-8")


def test_a_long_text_keeps_both_ends() -> None:
    line = printable("the value " + "x" * 10_000 + " is too long: give less")
    assert len(line) == 900
    assert line.startswith("the value x")
    assert " ... x" in line
    assert line.endswith("is too long: give less")
