"""The device that TensorFlow runs on: its memory, its precision, and whether it repeats bit by bit."""

from __future__ import annotations

import tensorflow as tf
from tensorflow.python.framework import config as framework_config

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

# ----------------------------------------------------------------------------
# The device that TensorFlow runs on, and how much memory it has for a run.


def device_bytes() -> int | None:
    """Of the GPU where TensorFlow sees one, else of this machine; None where nothing tells."""
    if tf.config.list_physical_devices("GPU"):
        return gpu_bytes()
    return available_bytes()


# ----------------------------------------------------------------------------
# Which precision the convolutions run in: a rule on what the hardware has.

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
    if wanted == "auto":
        if _gpu():
            return AUTOMATIC if has is not None and AUTOMATIC in has else "float32"
        return automatic_precision()
    if wanted == "float32" or (has is not None and wanted in has):
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
    lacks = (
        f"this {_kind()} lacks" if _low_precisions() is not None else f"this {_kind()} is not known to have"
    )
    return f"saved with precision {saved}, which {lacks}: runs in float32; bits will differ"


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


def _kind() -> str:
    return "GPU" if _gpu() else "processor"


def _device() -> str:
    gpu = _gpu()
    if not gpu:
        return f"processor ({processor_name()})"
    capability = gpu.get("compute_capability") or ("?", "?")
    return f"GPU ({gpu['device_name']}, compute capability {capability[0]}.{capability[1]})"


# ----------------------------------------------------------------------------
# Whether TensorFlow may only use operations that give the same bits every time.


def set_determinism(wanted: bool) -> None:
    """Make it so for the runs to come in this process.

    On the CPU every operation that a run uses gives the same bits anyway. On a GPU some sum in the order in
    which threads finish, unless told not to, at a cost in speed.
    """
    if wanted:
        tf.config.experimental.enable_op_determinism()
    elif framework_config.is_op_determinism_enabled():  # by a run before this one, in a sweep
        framework_config.disable_op_determinism()
