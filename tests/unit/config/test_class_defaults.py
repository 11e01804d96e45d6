"""Defaults of classes are read from their source, without TensorFlow; they must be those of the signature."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.utils import get_class

from nst_tf.config.build import class_defaults
from nst_tf.errors import InputError

CONF_FOLDER = Path(__file__).parents[3] / "conf"


def targets_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "_target_" in node:
            yield node["_target_"]
        for child in node.values():
            yield from targets_in(child)
    elif isinstance(node, list):
        for child in node:
            yield from targets_in(child)


FILES = [path for path in CONF_FOLDER.rglob("*.yaml") if path.parent != CONF_FOLDER]
OURS = sorted(
    {
        target
        for path in FILES
        for target in targets_in(yaml.safe_load(path.read_text(encoding="utf-8")))
        if target.startswith("nst_tf.")
    }
)


def test_there_are_many() -> None:
    assert len(OURS) > 40


@pytest.mark.parametrize("target", OURS)
def test_they_are_those_of_the_signature(target: str) -> None:
    plain = (bool, int, float, str, type(None))
    parameters = inspect.signature(get_class(target)).parameters.values()
    wanted = {one.name: one.default for one in parameters if isinstance(one.default, plain)}
    found = class_defaults(target)
    assert found == wanted
    assert {name: type(value) for name, value in found.items()} == {
        name: type(value) for name, value in wanted.items()
    }


def test_what_may_not_be_built_has_none() -> None:
    with pytest.raises(InputError, match="is not allowed"):
        class_defaults("nst_tf.optim.loop.Solver")
