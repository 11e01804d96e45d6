"""What a saved configuration means by keys that it does not have, for options have gained some since."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from hydra.utils import get_class

from nst_tf.quiet_tensorflow import load_tensorflow
from nst_tf.reproduce.leaves import KeyPath

_TARGET = "_target_"
_PLAIN = (bool, int, float, str, type(None))


def with_class_defaults(wanted: Mapping[KeyPath, Any], base: Mapping[KeyPath, Any]) -> dict[KeyPath, Any]:
    """The leaves of a run, and those keys of ``base`` that it lacks, as the run was made with them.

    Whoever made the run built an object without the key, and so with the default of its class; the option in
    conf/ may give another value to new runs, which must not get into a saved one. A key stays missing if the
    class has no default for it that YAML could say. Every ``_target_`` of ``wanted`` was checked before.
    """
    completed = dict(wanted)
    for path in base:
        target = wanted.get((*path[:-1], _TARGET))
        if path in wanted or target is None:
            continue
        if any(other[: len(path)] == path for other in wanted):  # a mapping stands there
            continue
        defaults = _defaults(target)
        if path[-1] in defaults:
            completed[path] = defaults[path[-1]]
    return completed


@cache
def _defaults(target: str) -> dict[str, Any]:
    load_tensorflow()  # most of these classes import it, and it chatters
    parameters = inspect.signature(get_class(target)).parameters.values()
    return {one.name: one.default for one in parameters if isinstance(one.default, _PLAIN)}
