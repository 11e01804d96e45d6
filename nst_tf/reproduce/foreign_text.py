"""Text that may come from anybody, for a line of ours."""

from __future__ import annotations


def on_one_line(value: object, most: int = 80) -> str:
    """The value as text of at most ``most`` characters, without line ends or what commands a terminal."""
    text = " ".join(str(value).split())
    printable = "".join(letter for letter in text if letter.isprintable())
    return printable if len(printable) <= most else printable[: most - 3] + "..."
