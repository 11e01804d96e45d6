"""Which GPUs a process sees, and what memory they have, by a driver's program that says what it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from nst_tf import machine as module
from nst_tf.machine import gpu_bytes, visible_gpus
from nst_tf.runs import memory

EQUAL = ("GPU-aa11, NVIDIA A100, 100, Disabled", "GPU-aa22, NVIDIA A100, 200, Disabled")
UNEQUAL = ("GPU-aa11, NVIDIA T4, 100, [N/A]", "GPU-bb22, NVIDIA H100, 200, Disabled")
MIB = 1 << 20


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A program nvidia-smi that lists these GPUs, and what the variables of the environment are."""

    def arranged(lines: tuple[str, ...], **environment: str | None) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines) + "exit 0\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
        for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            if value is not None:
                monkeypatch.setenv(name, value)

    return arranged


@pytest.mark.parametrize(
    ("installed", "visible", "expected"),
    [
        (EQUAL, None, [100, 200]),
        (EQUAL, "1", [200]),
        (EQUAL, "1,0", [200, 100]),
        (EQUAL, " 1 , 0", [200, 100]),
        (EQUAL, "GPU-aa22", [200]),
        (EQUAL, "GPU-aa22,GPU-aa11", [200, 100]),
        (EQUAL, "GPU-aa2", [200]),  # a beginning is enough
        (EQUAL, "GPU-aa", []),  # of two
        (EQUAL, "GPU-cc", []),  # of none
        (EQUAL, "", []),
        (EQUAL, "-1", []),
        (EQUAL, "NoDevFiles", []),
        (EQUAL, "2", []),  # there is none of this number
        (EQUAL, "1,-1,0", [200]),  # CUDA's list ends there
        (EQUAL, "MIG-0f3c", [None]),
        (EQUAL, "MIG-GPU-aa22/1/0", [None]),
        (UNEQUAL, None, [None, None]),  # CUDA begins with the fastest, whichever that is
        (UNEQUAL, "0", [None]),
        (UNEQUAL, "GPU-bb22", [200]),
        (("GPU-aa11, NVIDIA A100, 100, Enabled",), None, [None]),  # divided into parts
        (("GPU-aa11, NVIDIA GH200, [N/A], Disabled",), None, [None]),
        (("No devices were found",), None, []),
        ((), "0", []),
        ((), "MIG-0f3c", []),
    ],
)
def test_what_a_process_sees(installed, visible, expected, driver) -> None:
    driver(installed, CUDA_VISIBLE_DEVICES=visible)
    assert visible_gpus() == [one and one * MIB for one in expected]
    assert gpu_bytes() == (expected[0] and expected[0] * MIB if expected else None)


def test_indices_of_unequal_gpus_mean_something_in_the_order_of_the_bus(driver) -> None:
    driver(UNEQUAL, CUDA_VISIBLE_DEVICES="1", CUDA_DEVICE_ORDER="PCI_BUS_ID")
    assert gpu_bytes() == 200 * MIB


def test_no_program_of_the_driver_is_asked_where_gpus_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(module.subprocess, "run", None)
    assert visible_gpus() == []


@pytest.mark.parametrize(
    ("visible", "counts"), [("", True), ("-1", True), (None, False), ("MIG-0f3c", False), ("GPU-aa22", False)]
)
def test_the_memory_of_the_machine_counts_where_no_gpu_is_seen(visible, counts, driver, monkeypatch) -> None:
    """Also of a GPU whose memory nobody knows, the machine's own tells nothing."""
    driver(EQUAL, CUDA_VISIBLE_DEVICES=visible)
    monkeypatch.setattr(memory, "available_bytes", lambda: 7)
    asked: list[int | None] = []
    monkeypatch.setattr(
        memory,
        "chosen_memory",
        lambda settings, inputs, available, *_: asked.append(available),
    )
    monkeypatch.setattr(memory, "option_name", lambda option: "float32")

    class Settings:
        precision = None

    memory.check_memory(Settings(), None)
    assert asked == [7 if counts else None]
