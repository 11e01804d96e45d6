"""What this machine has, without loading TensorFlow: memory, GPUs, low precisions, processes, versions."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

import psutil

from nst_tf.errors import InputError

# ---- Memory: of the machine, and of the control groups of this process ----

_NO_LIMIT = 1 << 60  # control groups version 1 write a number near 2^63 for "no limit"


def available_bytes(root: Path = Path("/")) -> int:
    """What this process can have in all, counting what it has already; ``root`` is for tests."""
    return free_bytes(root) + psutil.Process().memory_info().rss


def free_bytes(root: Path = Path("/")) -> int:
    """What this process can have beside what it has already: the least of the machine's and the groups'.

    On Linux the machine's is what the kernel calls available; elsewhere all of its physical memory counts.
    """
    memory = psutil.virtual_memory()
    free = memory.available if psutil.LINUX else memory.total - psutil.Process().memory_info().rss
    return min([free, *_free_in_groups(root)])


def _free_in_groups(root: Path) -> list[int]:
    """The limit less the use of every control group of this process, from its own up to the root."""
    groups = root / "sys/fs/cgroup"
    free = []
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            base, limit, usage = groups, "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            base, limit, usage = groups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        folder = base / path.strip("/")
        # in a container the path may be that of the host, which is not seen here: the root then counts
        for group in (folder, *folder.parents):
            most, used = "".join(_lines(group / limit)), "".join(_lines(group / usage))
            if most.isdecimal() and used.isdecimal() and int(most) < _NO_LIMIT:
                # file pages that nobody uses are given up when memory is asked for
                counts = dict(line.split() for line in _lines(group / "memory.stat"))
                free.append(max(0, int(most) - int(used) + int(counts.get("inactive_file", 0))))
            if group == base:
                break
    return free


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


# ---- The NVIDIA GPUs that this process may use, and how much memory each has ----
#
# What ``CUDA_VISIBLE_DEVICES`` means is in NVIDIA's CUDA Programming Guide, "CUDA Environment Variables":
# indices, or beginnings of UUIDs, in the order in which they are to be seen; the first that is no GPU ends
# the list.

_NVIDIA_SECONDS = 10  # nvidia-smi answers within a second, or after a few where the driver was asleep
_ASKED = "--query-gpu=uuid,name,memory.free,mig.mode.current"
_KINDS = ("GPU-", "MIG-")  # of UUIDs


@dataclass(frozen=True)
class Gpu:
    """One that is installed; ``free`` in bytes, None where nothing tells."""

    uuid: str
    model: str
    free: int | None


def gpu_bytes() -> int | None:
    """Free memory of the first NVIDIA GPU that this process sees; None without one, or if nothing tells."""
    return next(iter(visible_gpus()), None)


def visible_gpus() -> list[int | None]:
    """Free bytes of each NVIDIA GPU that this process sees, in CUDA's order; None for what is unknown.

    Nothing tells of a part of a GPU (MIG), nor which of several unequal models an index means as long as
    CUDA_DEVICE_ORDER is not PCI_BUS_ID: CUDA then begins with the fastest, nvidia-smi never does.
    """
    allowed = allowed_gpus(os.environ)
    if allowed == []:
        return []
    installed = _installed()
    by_bus = os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    in_order = by_bus or len({one.model for one in installed}) == 1
    found: list[int | None] = []
    for word in map(str, range(len(installed))) if allowed is None else allowed:
        is_index = word.isdecimal()
        named = installed[int(word) :][:1] if is_index else _of_uuid(word, installed)
        if len(named) != 1:
            break
        found.append(named[0].free if in_order or not is_index else None)
    return found


def allowed_gpus(environment: Mapping[str, str]) -> list[str] | None:
    """What CUDA_VISIBLE_DEVICES names, as far as these are GPUs; None if it is not set: all are allowed."""
    said = environment.get("CUDA_VISIBLE_DEVICES")
    if said is None:
        return None
    words: list[str] = []
    for word in map(str.strip, said.split(",")):
        if not ((word.isascii() and word.isdecimal()) or word.startswith(_KINDS)):
            break
        words.append(word)
    return words


def _of_uuid(word: str, installed: list[Gpu]) -> list[Gpu]:
    """Those whose UUID begins so, and of a part the GPU that it may be of, without its memory."""
    if word.startswith("MIG-"):
        return [replace(one, free=None) for one in installed[:1]]
    return [one for one in installed if one.uuid.startswith(word)]


def _installed() -> list[Gpu]:
    """In the order of nvidia-smi, which is that of the bus; none without a driver."""
    try:
        answer = subprocess.run(  # noqa: S603  (the driver's own program, without words of anybody)
            ["nvidia-smi", _ASKED, "--format=csv,noheader,nounits"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=_NVIDIA_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[field.strip() for field in line.split(",")] for line in answer.splitlines()]
    # it counts in MiB, and says [N/A] where the memory is the machine's
    return [
        Gpu(uuid, model, int(free) << 20 if free.isdecimal() and mig != "Enabled" else None)
        for uuid, model, free, mig in (row for row in rows if len(row) == len(_ASKED.split(",")))
    ]


# ---- The processor: its name, and which low precisions it computes in its own instructions ----

_CPUINFO = Path("/proc/cpuinfo")

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


def processor_name() -> str:
    """What the processor calls itself."""
    names = (line.partition(":")[2] for line in _lines(_CPUINFO) if line.startswith("model name"))
    return next(names, "").strip() or platform.processor() or platform.machine()


def native_precisions(cpuinfo: Path = _CPUINFO) -> tuple[str, ...] | None:
    """The low precisions that the processor has; None where nothing tells, as outside of Linux.

    None of them is there while the environment keeps oneDNN from the instructions, for TensorFlow then
    emulates them. Raises InputError for a ``PRETEND`` that names no precision.
    """
    if (pretended := pretended_precisions()) is not None:
        return pretended
    if os.environ.get(_ONEDNN_ON) == "0" or os.environ.get(_ONEDNN_ISA, "").upper() in _ISAS_WITHOUT:
        return ()
    facts = (line.partition(":") for line in _lines(cpuinfo))
    features = {
        feature
        for name, _, words in facts
        if name.strip().lower() in ("flags", "features")
        for feature in words.split()
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


def foreseen_precision(wanted: str, is_explicit: bool = True) -> str:
    """What becomes of ``wanted`` if the processor computes, known before TensorFlow is loaded.

    As ``nst_tf.device.resolved_precision``, which also knows GPUs and what to refuse.
    """
    if wanted == "auto":
        return automatic_precision()
    possible = is_explicit or wanted in (native_precisions() or ())
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


# ---- Processes: whether the one that a file tells of is still there ----

_MOST_PROCESSES = 1 << 31  # a pid_t has 32 bits with a sign
_IMPORTED = time.perf_counter()


@dataclass(frozen=True)
class Process:
    """A process, so that no later one with the same number is taken for it.

    ``began`` is its start in clock ticks since the machine was booted, as Linux tells it; None elsewhere.
    """

    number: int
    host: str
    began: int | None = None

    @classmethod
    def numbered(cls, number: int) -> Process:
        """The process of this machine that has the number now."""
        return cls(number, platform.node(), _start_ticks(number))

    @classmethod
    def this(cls) -> Process:
        """The process that asks."""
        return cls.numbered(os.getpid())

    @classmethod
    def of(cls, record: Any) -> Process | None:
        """The process of a record that may have been written by anybody; None if it tells of none."""
        if not isinstance(record, Mapping):
            return None
        number, host, began = (record.get(name) for name in ("number", "host", "began"))
        if not (isinstance(number, int) and 0 < number < _MOST_PROCESSES and isinstance(host, str)):
            return None
        return cls(number, host, began) if began is None or isinstance(began, int) else None

    @property
    def is_of_this_host(self) -> bool:
        """Whether ``is_alive`` can tell."""
        return self.host == platform.node()

    @property
    def is_alive(self) -> bool:
        """Whether it runs on this machine; never true of one on another machine, which can't be seen."""
        if not self.is_of_this_host or not psutil.pid_exists(self.number):
            return False
        return self.began is None or _start_ticks(self.number) == self.began


def seconds_of_process() -> float:
    """How long this process has been running; where the system does not tell, since this was imported."""
    ticks = _start_ticks(os.getpid())
    if ticks is None:
        return time.perf_counter() - _IMPORTED
    up = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
    return up - ticks / os.sysconf("SC_CLK_TCK")


def _start_ticks(number: int) -> int | None:
    """Field 22 of /proc/NUMBER/stat (proc(5)); None without /proc, and of a process that only lingers.

    psutil has only a time of day, which is made of these ticks and a clock that may be set meanwhile.
    """
    text = "".join(_lines(Path(f"/proc/{number}/stat")))
    fields = text.rpartition(")")[2].split()  # the name, in parentheses, may hold anything
    return None if not fields or fields[0] in "ZX" else int(fields[19])


# ---- Versions of this package and of what it stands on, without importing any of it ----

_BELOW = {"TensorFlow": "tensorflow", "Keras": "keras", "Hydra": "hydra-core"}


@cache
def version_of(package: str) -> str | None:
    """The version of an installed package, by the name that pip has for it; None where there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def versions() -> str:
    """One line: nst_tf's version, and those of TensorFlow, Keras and Hydra."""
    below = ", ".join(f"{name} {version_of(package) or 'is missing'}" for name, package in _BELOW.items())
    # of the package that this is a part of: an import would take all of the package for a part of this module
    return f"nst_tf {sys.modules['nst_tf'].__version__} ({below})"


class ShowVersions(argparse.Action):
    """What ``--version`` does: print ``versions`` and exit with 0. They are looked up only then."""

    def __init__(self, option_strings: list[str], dest: str, **others: Any) -> None:
        """A flag that takes no value."""
        others |= {"nargs": 0, "default": argparse.SUPPRESS}
        super().__init__(option_strings, argparse.SUPPRESS, **others)

    def __call__(self, parser: argparse.ArgumentParser, *given: object) -> NoReturn:
        print(versions())  # noqa: T201
        parser.exit()
