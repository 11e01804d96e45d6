"""What of an objective is compiled in: two of one structure share a compiled step."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from typing import Any

import tensorflow as tf


def structure_of_term(term: Any) -> Hashable:
    """A term without its weight and without the weights of its layers; None for no term.

    A term that is no dataclass, or holds an object without a readable form, is equal to itself only.
    """
    if term is None:
        return None
    if not dataclasses.is_dataclass(term) or " object at 0x" in repr(term):
        return _Same(term)
    fields = {field.name: getattr(term, field.name) for field in dataclasses.fields(term)}
    fields.pop("weight", None)
    layers = fields.pop("layers", {})
    return (
        type(term),
        repr(sorted(fields.items())),
        tuple(layers),
    )


def structure_of_targets(targets: Any) -> Hashable:
    """Nesting, shapes and types of the tensors: what a ``tf.function`` is traced for."""
    tensors = tf.nest.flatten(targets)
    skeleton = tf.nest.map_structure(lambda tensor: f"{tensor.dtype.name}{tuple(tensor.shape)}", targets)
    return (len(tensors), repr(skeleton))


class _Same:
    """Equal only for one and the same object, which it keeps alive so that no other gets its ``id``."""

    def __init__(self, held: object) -> None:
        self._held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other._held is self._held

    def __hash__(self) -> int:
        return id(self._held)
