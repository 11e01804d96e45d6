"""The NVIDIA GPUs that this process may use, and how much memory each has, without loading TensorFlow.

What ``CUDA_VISIBLE_DEVICES`` means is in NVIDIA's CUDA Programming Guide, "CUDA Environment Variables":
indices, or beginnings of UUIDs, in the order in which they are to be seen; the first that is no GPU ends the
list.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace

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
    visible = visible_gpus()
    return visible[0] if visible else None


def visible_gpus() -> list[int | None]:
    """Free bytes of each NVIDIA GPU that this process sees, in CUDA's order; None for what is unknown.

    Nothing tells of a part of a GPU (MIG), nor which of several unequal models an index means as long as
    CUDA_DEVICE_ORDER is not PCI_BUS_ID: CUDA then begins with the fastest, nvidia-smi never does.
    """
    words = allowed_words(os.environ)
    if words == []:
        return []
    installed = _installed()
    by_bus = os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    in_order = by_bus or len({one.model for one in installed}) == 1
    found: list[int | None] = []
    for word in map(str, range(len(installed))) if words is None else words:
        is_index = word.isdecimal()
        named = installed[int(word) :][:1] if is_index else _of_uuid(word, installed)
        if len(named) != 1:
            break
        found.append(named[0].free if in_order or not is_index else None)
    return found


def allowed_words(environment: Mapping[str, str]) -> list[str] | None:
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
    return [_gpu(*row) for row in rows if len(row) == len(_ASKED.split(","))]


def _gpu(uuid: str, model: str, free: str, divided: str) -> Gpu:
    # it counts in MiB, and says [N/A] where the memory is the machine's
    return Gpu(uuid, model, int(free) << 20 if free.isdecimal() and divided != "Enabled" else None)
