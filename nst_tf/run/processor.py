"""Which low precisions a processor computes in its own instructions."""

from __future__ import annotations

from pathlib import Path

# as Linux names them in /proc/cpuinfo: x86 in "flags", ARM in "Features"
_NATIVE = {
    "bfloat16": frozenset({"avx512_bf16", "amx_bf16", "bf16"}),
    "float16": frozenset({"avx512_fp16", "amx_fp16", "asimdhp"}),
}


def native_precisions(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, ...] | None:
    """The low precisions that the processor has; None where nothing tells, as outside of Linux."""
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
