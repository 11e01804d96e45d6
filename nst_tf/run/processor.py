"""Which low precisions a processor computes in its own instructions."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from nst_tf.errors import InputError

PRETEND = "NST_TF_PRETEND_PRECISIONS"
"""A variable for tests: what this machine has, whatever it is, such as "float16,bfloat16"; "" is nothing."""

AUTOMATIC = "bfloat16"
"""The low precision that ``precision=auto`` takes where there is one: it has the range of float32."""

# as Linux names them in /proc/cpuinfo: x86 in "flags", ARM in "Features"
_NATIVE = {
    "bfloat16": frozenset({"avx512_bf16", "amx_bf16", "bf16"}),
    "float16": frozenset({"avx512_fp16", "amx_fp16", "asimdhp"}),
}
# TensorFlow's packages for other processors are not known to use the instructions: nobody measured them
_AUTOMATIC_ON = ("x86_64", "AMD64")
# oneDNN computes the convolutions. Restricted to one of these instruction sets it has no low precision: the
# list under "ONEDNN_MAX_CPU_ISA" in oneDNN's guide "CPU Dispatcher Control", up to the first with bfloat16
_ONEDNN_ISA, _ONEDNN_ON = "ONEDNN_MAX_CPU_ISA", "TF_ENABLE_ONEDNN_OPTS"
_ISAS_WITHOUT = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI")


def native_precisions(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, ...] | None:
    """The low precisions that the processor has; None where nothing tells, as outside of Linux.

    None of them is there while the environment keeps oneDNN from the instructions, for TensorFlow then
    emulates them. Raises InputError for a ``PRETEND`` that names no precision.
    """
    if (pretended := pretended_precisions()) is not None:
        return pretended
    if os.environ.get(_ONEDNN_ON) == "0" or os.environ.get(_ONEDNN_ISA, "").upper() in _ISAS_WITHOUT:
        return ()
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    features = {
        feature
        for line in lines
        if line.partition(":")[0].strip().lower() in ("flags", "features")
        for feature in line.partition(":")[2].split()
    }
    if not features:
        return None
    return tuple(precision for precision, flags in _NATIVE.items() if flags & features)


def automatic_precision() -> str:
    """What ``precision=auto`` is on this processor: bfloat16 if it is an x86 that has it, else float32.

    A rule, and no measurement: the same on equal machines, however busy they are.
    """
    known = pretended_precisions() is not None or platform.machine() in _AUTOMATIC_ON
    return AUTOMATIC if known and AUTOMATIC in (native_precisions() or ()) else "float32"


def foreseen_precision(wanted: str, is_typed: bool = True) -> str:
    """What becomes of ``wanted`` if the processor computes, known before TensorFlow is loaded.

    As ``nst_tf.run.precision.resolved_precision``, which also knows GPUs and what to refuse.
    """
    if wanted == "auto":
        return automatic_precision()
    possible = is_typed or wanted in (native_precisions() or ())
    return wanted if possible else "float32"


def pretended_precisions() -> tuple[str, ...] | None:
    """What the variable ``PRETEND`` says, of a GPU as well; None where it is not set."""
    said = os.environ.get(PRETEND)
    if said is None:
        return None
    names = [name.strip() for name in said.split(",") if name.strip()]
    for name in names:
        if name not in _NATIVE:
            raise InputError(f"{PRETEND} must name {' or '.join(_NATIVE)}, but has {name!r}")
    return tuple(name for name in _NATIVE if name in names)
