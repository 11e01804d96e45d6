"""A cache of what was used last, bounded by bytes and by number.

``cachetools.LRUCache`` has one bound, raises for a value that is too large, and does not tell what it drops.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """Keeps what was used last, as long as all of it is within ``most_bytes`` and ``most_entries``."""

    def __init__(self, most_bytes: int, most_entries: int) -> None:
        self._most_bytes, self._most_entries = most_bytes, most_entries
        self._entries: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """What the values were said to take."""
        return sum(size for _, size in self._entries.values())

    def get(self, key: Hashable) -> Value | None:
        """The value, which is then the one used last; None if it is not there."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key][0]

    def get_or_make(self, key: Hashable, make: Callable[[], Value], size: int) -> Value:
        """The value, made and kept as one of ``size`` bytes if it is not there."""
        found = self.get(key)
        if found is None:
            found = make()
            self.put(key, found, size)
        return found

    def take(self, key: Hashable) -> Value | None:
        """The value, which the cache then holds no more; None if it is not there."""
        return self._entries.pop(key, (None, 0))[0]

    def put(self, key: Hashable, value: Value, size: int) -> bool:
        """Keep a value of ``size`` bytes and drop those used longest ago; returns whether any was dropped."""
        self._entries.pop(key, None)
        self._entries[key] = value, size
        count = len(self)
        while self._entries and (self.bytes > self._most_bytes or len(self) > self._most_entries):
            self._entries.popitem(last=False)
        return len(self) < count

    def clear(self) -> None:
        self._entries.clear()
