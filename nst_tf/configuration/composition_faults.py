"""Words on which Hydra's composition fails with a bare error of Python, and the sentence for them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from traceback import walk_tb

_COMPOSING = "hydra._internal.config_loader_impl"  # where every composition begins: of a run, a sweep, a call
_OURS = "nst_tf"

# one option of a group, or a list of them: what Hydra takes for values of other types, it adds to texts
_OPTION = r"\s*(?!(?:null|true|false)\b)[A-Za-z_][^\[\]{}$,]*"
_OPTIONS = re.compile(rf"\[?{_OPTION}(,{_OPTION})*\]?", re.IGNORECASE)


def sentence_for_composition(
    error: BaseException, arguments: Sequence[str], groups: Collection[str]
) -> str | None:
    """One sentence for an error that Hydra, while it composed ``arguments``, did not foresee.

    Hydra looks for ``${`` in an option that is a number, or asserts that what an interpolation gives is text
    (TypeError, AssertionError). None for an error of any other origin: one that was not raised below the
    composition, or that passed through code of this package there. ``groups`` are the config groups.
    """
    modules = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    if _COMPOSING not in modules:
        return None
    below = modules[modules.index(_COMPOSING) :]
    if any(module.partition(".")[0] == _OURS for module in below):
        return None
    for argument in arguments:
        key, _, value = argument.lstrip("+~").partition("=")
        if key in groups and not _OPTIONS.fullmatch(value):
            return f"{key}={value} is not the name of an option of {key}: `nst --help` lists what exists"
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    return f"the words {' '.join(arguments)} can't be made into a configuration ({reason})"
