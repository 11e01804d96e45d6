"""What TensorFlow lacks: custom gradients without leaks, conditional assignment, TF32 for a while, tori."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import tensorflow as tf
from tensorflow.python.framework import ops

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


# ---- changing variables if a condition of the device's own numbers holds: by a branch, or by selecting ----
#
# A branch computes nothing that is not wanted, but the host must know the condition before it can take one:
# on a GPU it would wait for the device at every step, and the device for it. There both values are computed
# and the condition selects one of them where it stands. The numbers are the same.

_forced: bool | None = None


def selects() -> bool:
    """Whether conditions select, as on a GPU, in the place of branching, as on a CPU."""
    return bool(tf.config.list_physical_devices("GPU")) if _forced is None else _forced


@contextmanager
def selecting(wanted: bool = True) -> Iterator[None]:
    """Within it what is traced selects, or branches, on any device: to see on a CPU what a GPU gets."""
    global _forced
    before, _forced = _forced, wanted
    try:
        yield
    finally:
        _forced = before


def assign_if(condition: tf.Tensor, new_values: Callable[[], Sequence[tuple[Any, Any]]]) -> None:
    """Assign to variables what ``new_values`` pairs them with if the scalar ``condition`` holds.

    Otherwise they stay, bit for bit, whatever the values are, not-a-number included.
    """
    if selects():
        for variable, value in new_values():
            variable.assign(tf.where(condition, value, tf.convert_to_tensor(variable)))
        return

    def assign() -> tf.Operation:
        for variable, value in new_values():
            variable.assign(value)
        return tf.no_op()

    tf.cond(condition, assign, tf.no_op)


@contextmanager
def tensor_float_32(wanted: bool) -> Iterator[None]:
    """Products in float32 as TF32, which TensorFlow does unless told not to, or whole; on GPUs that can.

    TF32 rounds the factors to 10 bits. Set back afterwards: the next run in this process must compute as it
    would alone.
    """
    config = tf.config.experimental
    before = config.tensor_float_32_execution_enabled()
    config.enable_tensor_float_32_execution(wanted)
    try:
        yield
    finally:
        config.enable_tensor_float_32_execution(before)


def wrapped(image: tf.Tensor, width: int) -> tf.Tensor:
    """A torus [N, H, W, C] -> [N, H + 2 width, W + 2 width, C], with what is beyond its borders."""
    tall = tf.concat([image[:, -width:], image, image[:, :width]], 1)
    return tf.concat([tall[:, :, -width:], tall, tall[:, :, :width]], 2)
