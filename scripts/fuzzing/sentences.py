"""What a sentence to a user may look like."""

from __future__ import annotations

MOST_LETTERS = 1000  # a screen of ten lines; paths take most of it


def wrong_sentence(sentence: str) -> list[str]:
    """What is wrong with it, in words: more than one line, say, or signs that command a terminal."""
    if not sentence.strip():
        return ["an empty sentence"]
    wrong = []
    if "\n" in sentence:
        wrong.append(f"more than one line: {sentence[:300]!r}")
    if len(sentence) > MOST_LETTERS:
        wrong.append(f"{len(sentence)} letters: {sentence[:300]!r}")
    if not all(letter.isprintable() or letter == "\n" for letter in sentence):
        wrong.append(f"unprintable signs: {sentence[:300]!r}")
    if "Traceback" in sentence or "object at 0x" in sentence:
        wrong.append(f"of Python's inside: {sentence[:300]!r}")
    return wrong
