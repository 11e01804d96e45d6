"""Which precision the convolutions run in: what the hardware computes fastest."""

from __future__ import annotations

import time

import tensorflow as tf

from nst_tf.errors import InputError
from nst_tf.record.provenance import processor_name
from nst_tf.run.processor import native_precisions

# a matrix product large enough to be bound by arithmetic: 2 * 1536^3 = 7.2 GFLOP, 35 ms at 200 GFLOP/s
_SIDE = 1536
_REPEATS = 3
# a lower precision must be this much faster than float32 to be chosen: it costs accuracy
_WORTHWHILE = 1.25
# compute capabilities from which a GPU has them: NVIDIA's CUDA C++ Programming Guide, table "Feature Support
# per Compute Capability" (half precision from 5.3, __nv_bfloat16 from 8.0)
_GPU_HAS_FROM = {"float16": (5, 3), "bfloat16": (8, 0)}


def resolved_precision(wanted: str) -> str:
    """float32, bfloat16 or float16 as they are; 'auto' is bfloat16 where it is measured to be faster.

    Matrix products of both kinds are timed side by side, the best of three each, in about a fifth of
    a second; a processor without native bfloat16 emulates it, slowly, and keeps float32.
    Raises InputError for a precision that the hardware emulates: see ``check_precision``.
    """
    if wanted != "auto":
        check_precision(wanted)
        return wanted
    return "bfloat16" if _seconds("float32") > _WORTHWHILE * _seconds("bfloat16") else "float32"


def check_precision(wanted: str) -> None:
    """Raise InputError for a precision that the hardware lacks, with what it has.

    TensorFlow would emulate it, many times slower than float32, and less exactly.
    """
    if wanted == "float32":
        return
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        capability = details.get("compute_capability")
        if capability is None:
            return
        has = [name for name, least in _GPU_HAS_FROM.items() if tuple(capability) >= least]
        name = details.get("device_name", "GPU")
        device = f"this GPU ({name}, compute capability {capability[0]}.{capability[1]})"
    else:
        native = native_precisions()
        if native is None:  # nothing tells: `auto` measures
            return
        has, device = list(native), f"this processor ({processor_name()})"
    if wanted not in has:
        raise InputError(
            f"precision={wanted} is not possible: {device} has {' and '.join(['float32', *has])};"
            " say one of these, or auto"
        )


def _seconds(precision: str) -> float:
    matrix = tf.cast(tf.random.stateless_uniform((_SIDE, _SIDE), seed=(0, 0)), precision)
    best = float("inf")
    for _ in range(_REPEATS + 1):  # the first one warms up and is beaten by the others
        began = time.perf_counter()
        tf.matmul(matrix, matrix)[0, 0].numpy()
        best = min(best, time.perf_counter() - began)
    return best
