"""Which of the objective's style layers each style has."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from nst_tf.counted import counted
from nst_tf.errors import InputError
from nst_tf.vgg.layer_names import positions_factor

# Gatys, Ecker, Bethge, Hertzmann, Shechtman 2017, section 6: the fine scale of a style is in the layers
# conv1_1 and conv2_1, before and after the first pooling
_FINE_FACTOR = 2
FINE, COARSE = "fine", "coarse"


def style_layers(given: Any, styles: int, layers: Collection[str]) -> tuple[frozenset[str] | None, ...]:
    """The layers of each style, None for all of the objective's ``layers``.

    ``given`` is null, or has for each style null, a layer, a list of layers, or one of the words fine (blocks
    1 and 2) and coarse (deeper ones). Raises InputError for a wrong number, for a layer that the objective
    does not use, and for one that no style has.
    """
    if given is None:
        return (None,) * styles
    listed = [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence) else None
    if listed is None:
        raise InputError(f"style_layers must be null or a list with one entry a style, but is {given!r}")
    if len(listed) != styles:
        raise InputError(
            f"style_layers has {counted(len(listed), 'value')} for {counted(styles, 'style')}: give"
            " one for each style, null for all layers"
        )
    found = tuple(_of_style(number, one, layers) for number, one in enumerate(listed))
    for layer in layers:
        if not any(one is None or layer in one for one in found):
            raise InputError(
                f"style_layers gives {layer} to no style: the objective uses {', '.join(layers)}; give it to"
                " one, or leave it out of layers.style"
            )
    return found


def _of_style(number: int, given: Any, layers: Collection[str]) -> frozenset[str] | None:
    if given is None:
        return None
    named = [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence) else None
    if not named or not all(isinstance(one, str) for one in named):
        raise InputError(
            f"style_layers of style {number} must be null, {FINE}, {COARSE}, a layer or a list of layers, but"
            f" is {given!r}"
        )
    found: set[str] = set()
    for name in named:
        if name in (FINE, COARSE):
            fine = {layer for layer in layers if positions_factor(layer) <= _FINE_FACTOR}
            of_word = fine if name == FINE else set(layers) - fine
            if not of_word:
                raise InputError(f"style_layers: of {', '.join(layers)} no layer is {name}")
            found |= of_word
        elif name in layers:
            found.add(name)
        else:
            raise InputError(
                f"style_layers gives {name!r} to style {number}, but the objective uses {', '.join(layers)}"
                f" (or say {FINE} or {COARSE})"
            )
    return frozenset(found)
