"""The device that TensorFlow runs on, and what TensorFlow lacks: gradients that leave no graphs behind."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import tensorflow as tf
from tensorflow.python.framework import config as framework_config
from tensorflow.python.framework import ops

from nst_tf.errors import InputError
from nst_tf.machine import (
    AUTOMATIC,
    automatic_precision,
    available_bytes,
    gpu_bytes,
    native_precisions,
    pretended_precisions,
    processor_name,
)


def device_bytes() -> int | None:
    """Of the GPU where TensorFlow sees one, else of this machine; None where nothing tells."""
    if tf.config.list_physical_devices("GPU"):
        return gpu_bytes()
    return available_bytes()


# ---- Which precision the convolutions run in: a rule on what the hardware has ----

# compute capabilities from which a GPU has them: NVIDIA's CUDA C++ Programming Guide, table "Feature Support
# per Compute Capability" (half precision from 5.3, __nv_bfloat16 from 8.0)
_GPU_HAS_FROM = {"float16": (5, 3), "bfloat16": (8, 0)}


def resolved_precision(wanted: str, is_explicit: bool = True) -> str:
    """The precision to compute in, where ``wanted`` is float32, bfloat16, float16 or auto.

    ``auto`` is bfloat16 where the hardware computes it in its own instructions, and float32 elsewhere and
    where nothing tells. Nothing is measured: equal machines choose alike, so that a run made again on one of
    them is the same bit for bit.

    What the hardware would emulate, many times slower than float32 and less exactly, is refused where
    it ``is_explicit``, by an InputError that names what there is. Of a saved configuration, which may
    come from another machine, it becomes float32.
    """
    has = _low_precisions()
    if wanted == "auto" and not _gpu():
        return automatic_precision()
    if wanted == "auto":
        return AUTOMATIC if AUTOMATIC in (has or ()) else "float32"
    if wanted == "float32" or wanted in (has or ()):
        return wanted
    if not is_explicit:
        return "float32"
    if has is None:  # nothing tells: whoever types it may know
        return wanted
    raise InputError(
        f"precision={wanted} is not possible: this {_device()} has {' and '.join(['float32', *has])};"
        " say one of these, or auto"
    )


def in_place_of(saved: str) -> str:
    """The sentence for a ``saved`` precision that became float32 here."""
    kind = "GPU" if _gpu() else "processor"
    lacks = "lacks" if _low_precisions() is not None else "is not known to have"
    return f"saved with precision {saved}, which this {kind} {lacks}: runs in float32; bits will differ"


def _low_precisions() -> tuple[str, ...] | None:
    """Those of the device that computes, in the order of a sentence; None where nothing tells."""
    if pretended_precisions() is None and (gpu := _gpu()):
        capability = gpu.get("compute_capability")
        if capability is None:
            return None
        return tuple(name for name, least in _GPU_HAS_FROM.items() if tuple(capability) >= least)
    return native_precisions()


def _gpu() -> dict:
    """What TensorFlow tells of the first GPU; empty without one."""
    gpus = tf.config.list_physical_devices("GPU")
    return {"device_name": "GPU"} | tf.config.experimental.get_device_details(gpus[0]) if gpus else {}


def _device() -> str:
    gpu = _gpu()
    if not gpu:
        return f"processor ({processor_name()})"
    capability = gpu.get("compute_capability") or ("?", "?")
    return f"GPU ({gpu['device_name']}, compute capability {capability[0]}.{capability[1]})"


# ---- Whether TensorFlow may only use operations that give the same bits every time ----


def set_determinism(wanted: bool) -> None:
    """Make it so for the runs to come in this process.

    On a GPU some operations sum in the order in which threads finish, unless told not to, at a cost in speed.
    On a CPU it changes nothing: docs/reproducing.md.
    """
    if wanted:
        tf.config.experimental.enable_op_determinism()
    elif framework_config.is_op_determinism_enabled():  # by a run before this one, in a sweep
        framework_config.disable_op_determinism()


# ---- What TensorFlow lacks: gradients that leave no graphs behind, conditional assignment, TF32, tori ----

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
