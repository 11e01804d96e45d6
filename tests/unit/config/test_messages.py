"""Errors that Hydra lets fall become sentences; mistakes of this package stay what they are."""

from __future__ import annotations

import pytest

from nst_tf import api as library
from nst_tf.api import composed
from nst_tf.config.messages import sentence_for_bare_error
from nst_tf.errors import InputError


def test_what_hydra_did_not_foresee_names_the_word() -> None:
    with pytest.raises(InputError, match=r"model=\[null\] is not the name") as refused:
        composed(["seed=1", "model=[null]", "optimizer=adam"])
    assert isinstance(refused.value.__cause__, TypeError)


def test_words_of_which_none_can_be_blamed_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise KeyError("odd")

    monkeypatch.setattr("hydra._internal.config_loader_impl.create_defaults_list", failing)
    with pytest.raises(InputError, match=r"the words seed=1 steps=2 can't be made into a configuration"):
        composed(["seed=1", "steps=2"])


def test_an_error_outside_of_the_composition_is_none_of_the_words() -> None:
    assert sentence_for_bare_error(TypeError("elsewhere"), ["model=[null]"]) is None


def test_a_mistake_of_ours_is_not_blamed_on_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    code = compile("def mistaken(*_, **__): raise TypeError('ours')", "ours", "exec")
    ours: dict[str, object] = {"__name__": "nst_tf.somewhere"}
    exec(code, ours)
    monkeypatch.setattr("hydra._internal.config_loader_impl.create_defaults_list", ours["mistaken"])
    with pytest.raises(TypeError, match="ours"):
        composed(["model=[null]"])
    monkeypatch.setattr(library, "compose", ours["mistaken"])
    with pytest.raises(TypeError, match="ours"):
        composed(["model=[null]"])
