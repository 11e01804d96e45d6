"""What a person typed, as against what a file says that may come from another machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable

Typed = Collection[str] | None
"""The keys that were typed; None where all count as typed."""


def typed_keys(words: Iterable[str], swept_by_file: Iterable[str] = ()) -> frozenset[str]:
    """The keys of words KEY=VALUE; without those whose values an experiment file sweeps over."""
    keys = {word.lstrip("+~").partition("=")[0] for word in words}
    return frozenset(keys - {str(key) for key in swept_by_file})


def is_typed(key: str, typed: Typed) -> bool:
    """Whether what is impossible here is to be refused, and not replaced by what is possible."""
    return typed is None or key in typed
