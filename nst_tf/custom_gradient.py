"""``tf.custom_gradient`` that leaves nothing behind: for functions that are traced again and again."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import tensorflow as tf
from tensorflow.python.framework import ops  # the registry of gradients is not exported

_Function = TypeVar("_Function", bound=Callable)

_HELD = "_gradients_held_for_nst_tf"


def custom_gradient(function: _Function) -> _Function:
    """As ``tf.custom_gradient``: the function returns tensors, and what makes their gradient.

    At every tracing TensorFlow registers the gradient by a new name, for ever, and with it all tensors of the
    graph that it closes over: 10 MB for a graph of VGG-19 and its losses. Here the graph holds the gradient,
    and both go together.
    """
    with_gradient: Any = tf.custom_gradient(function)

    @wraps(function)
    def called(*tensors: Any) -> Any:
        result = with_gradient(*tensors)
        if not tf.executing_eagerly():
            _hold_by_graph(tf.nest.flatten(result)[0].op)
        return result

    return called  # pyright: ignore[reportReturnType]


def _hold_by_graph(operation: Any) -> None:
    """The gradient of an operation that ``tf.custom_gradient`` has just made."""
    name = operation.get_attr("_gradient_op_type").decode()
    registered: dict[str, Any] = ops.gradient_registry._registry
    entry = registered[name]
    if not hasattr(operation.graph, _HELD):
        setattr(operation.graph, _HELD, {})
    getattr(operation.graph, _HELD)[name] = entry["type"]
    entry["type"] = lambda of, *gradients: getattr(of.graph, _HELD)[name](of, *gradients)
    weakref.finalize(operation.graph, registered.pop, name, None)
