"""The bounded cache against what its bounds say."""

from __future__ import annotations

from nst_tf.bounded_cache import BoundedCache


def test_what_was_used_longest_ago_goes_first():
    cache: BoundedCache[str] = BoundedCache(most_bytes=100, most_entries=3)
    for key in "abc":
        cache.put(key, key.upper(), 10)
    assert cache.get("a") == "A"
    assert cache.put("d", "D", 10)
    assert not cache.put("d", "D", 10)
    assert [cache.get(key) for key in "abcd"] == ["A", None, "C", "D"]


def test_bytes_are_bounded_and_what_is_too_large_alone_is_not_kept():
    cache: BoundedCache[str] = BoundedCache(most_bytes=100, most_entries=9)
    cache.put("a", "A", 60)
    cache.put("b", "B", 60)
    assert (cache.get("a"), cache.get("b"), cache.bytes) == (None, "B", 60)
    cache.put("huge", "H", 101)
    assert (len(cache), cache.bytes) == (0, 0)


def test_the_same_key_counts_once_and_what_is_taken_is_gone():
    cache: BoundedCache[str] = BoundedCache(most_bytes=100, most_entries=9)
    cache.put("a", "old", 60)
    cache.put("a", "new", 70)
    assert cache.bytes == 70
    assert cache.take("a") == "new"
    assert cache.take("a") is None
    assert cache.bytes == 0
