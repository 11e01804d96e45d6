"""Files: the order of their names, and links."""

from __future__ import annotations

from nst_tf.files import hard_link, natural_order


def test_numbers_in_names_count_as_numbers():
    names = ["run 10", "run 9", "Run 9b", "2", "10", "x²", "x2", ""]
    assert sorted(names, key=natural_order) == ["", "2", "10", "run 9", "Run 9b", "run 10", "x2", "x²"]


def test_names_that_differ_in_zeros_or_case_alone_have_one_order():
    for names in (["a1", "A1", "a001"], ["a001", "a1", "A1"]):
        assert sorted(names, key=natural_order) == ["a001", "A1", "a1"]


def test_a_link_replaces_what_is_there_and_nothing_happens_without_a_file(tmp_path):
    first, other = tmp_path / "first", tmp_path / "other"
    other.write_text("old")
    hard_link(first, other)
    assert other.read_text() == "old"
    first.write_text("new")
    hard_link(first, other)
    assert (first.read_text(), other.read_text()) == ("new", "new")
