"""The precision of the convolutions: what the machine has by a rule; the rest is refused, or replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.command_line import SMALL, nst

from nst_tf import device as precision
from nst_tf import machine as processor
from nst_tf.api import stylize
from nst_tf.errors import InputError
from nst_tf.machine import PRETEND, foreseen_precision, native_precisions

pytestmark = pytest.mark.usefixtures("sizes_are_kept")

INSTEAD = "saved with precision bfloat16, which this processor lacks: runs in float32; bits will differ"


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (PRETEND, "ONEDNN_MAX_CPU_ISA", "TF_ENABLE_ONEDNN_OPTS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 amx_tile\n", ("bfloat16",)),
        ("flags\t\t: fpu avx512_bf16 avx512_fp16\n", ("bfloat16", "float16")),
        ("flags\t\t: fpu avx2 f16c\n", ()),
        ("Features\t: fp asimd asimdhp bf16\n", ("bfloat16", "float16")),
        ("hart\t: 0\n", None),
    ],
)
def test_precisions_of_a_processor(tmp_path: Path, text: str, expected: tuple[str, ...] | None) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(text)
    assert native_precisions(file) == expected


@pytest.mark.parametrize(
    ("name", "value", "has"),
    [
        (PRETEND, "", ()),
        (PRETEND, "bfloat16, float16", ("bfloat16", "float16")),
        ("ONEDNN_MAX_CPU_ISA", "avx2", ()),
        ("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16", ("bfloat16",)),
        ("TF_ENABLE_ONEDNN_OPTS", "0", ()),
        ("TF_ENABLE_ONEDNN_OPTS", "1", ("bfloat16",)),
    ],
)
def test_what_the_environment_says(
    name: str, value: str, has: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("flags\t\t: avx512_bf16\n")
    monkeypatch.setenv(name, value)
    assert native_precisions(file) == has


def test_a_pretence_that_names_no_precision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(PRETEND, "float8")
    answer = nst(tmp_path, *SMALL, "precision=auto")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert f"{PRETEND} must name bfloat16 or float16, but has 'float8'" in answer.err


@pytest.mark.parametrize(
    ("native", "machine", "wanted", "typed", "saved"),
    [
        ((), "x86_64", "auto", "float32", "float32"),
        (("bfloat16",), "x86_64", "auto", "bfloat16", "bfloat16"),
        (("float16",), "x86_64", "auto", "float32", "float32"),
        (("bfloat16",), "aarch64", "auto", "float32", "float32"),
        (None, "x86_64", "auto", "float32", "float32"),
        (None, "arm64", "bfloat16", "bfloat16", "float32"),
        (("bfloat16",), "aarch64", "bfloat16", "bfloat16", "bfloat16"),
        ((), "x86_64", "float32", "float32", "float32"),
        (
            *((), "x86_64", "bfloat16"),
            *(r"precision=bfloat16 is not possible: this processor \(.+\) has float32; say one", "float32"),
        ),
        (("bfloat16",), "x86_64", "float16", "has float32 and bfloat16; say", "float32"),
    ],
)
def test_of_a_processor(
    native, machine: str, wanted: str, typed: str, saved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "native_precisions", lambda: native)
    monkeypatch.setattr(processor, "native_precisions", lambda: native)
    monkeypatch.setattr(processor.platform, "machine", lambda: machine)
    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: [])
    check_both(wanted, typed, saved)
    if " " not in typed:
        assert foreseen_precision(wanted) == typed  # as memory is estimated, before TensorFlow is there
    assert foreseen_precision(wanted, is_explicit=False) == saved


@pytest.mark.parametrize(
    ("capability", "wanted", "typed", "saved"),
    [
        ((7, 5), "auto", "float32", "float32"),
        ((7, 5), "bfloat16", r"T4, compute capability 7\.5\) has float32 and float16", "float32"),
        ((7, 5), "float16", "float16", "float16"),
        ((8, 0), "auto", "bfloat16", "bfloat16"),
        ((9, 0), "bfloat16", "bfloat16", "bfloat16"),
        (None, "auto", "float32", "float32"),
        (None, "bfloat16", "bfloat16", "float32"),
    ],
)
def test_of_a_gpu(monkeypatch: pytest.MonkeyPatch, capability, wanted: str, typed: str, saved: str) -> None:
    details = {"device_name": "T4"} | ({"compute_capability": capability} if capability else {})
    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: ["GPU:0"])
    monkeypatch.setattr(precision.tf.config.experimental, "get_device_details", lambda device: details)
    monkeypatch.setattr(precision, "native_precisions", lambda: pytest.fail("the processor is asked"))
    check_both(wanted, typed, saved)


def check_both(wanted: str, typed: str, saved: str) -> None:
    """``typed`` is a precision, or the sentence that refuses."""
    if " " in typed:
        with pytest.raises(InputError, match=typed):
            precision.resolved_precision(wanted)
    else:
        assert precision.resolved_precision(wanted) == typed
    assert precision.resolved_precision(wanted, is_explicit=False) == saved


@pytest.fixture(params=["", "bfloat16"], ids=["without bfloat16", "with bfloat16"])
def has(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both kinds of machines, one after the other."""
    monkeypatch.setenv(PRETEND, request.param)
    return request.param


def test_auto_is_what_the_machine_has(has: str, tmp_path: Path) -> None:
    answer = nst(tmp_path, *SMALL, "precision=auto")
    assert answer.status == 0, answer.err
    assert answer.summary["precision"] == (has or "float32")
    assert "saved with" not in answer.err


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """An experiment file of a machine that has bfloat16."""
    file = tmp_path / "study.yaml"
    file.write_text("# @package _global_\nprecision: bfloat16\n")
    return file


WITHOUT_PRECISION = [word for word in SMALL if not word.startswith("precision=")]


def test_a_study_from_elsewhere_runs_in_what_there_is(has: str, study: Path, tmp_path: Path) -> None:
    answer = nst(tmp_path, *WITHOUT_PRECISION, f"experiment={study.name}")
    assert answer.status == 0, answer.err
    assert answer.summary["precision"] == (has or "float32")
    assert answer.err.count(INSTEAD) == (0 if has else 1)
    assert answer.err.count("saved with") == (0 if has else 1)
    # what is typed goes before the file, and is checked as ever
    assert nst(tmp_path, *WITHOUT_PRECISION, "precision=float32", f"experiment={study}").status == 0
    typed = nst(tmp_path, *WITHOUT_PRECISION, "precision=bfloat16", f"experiment={study}")
    assert (typed.status, "precision=bfloat16 is not possible" in typed.err) == (
        (0, False) if has else (2, True)
    )


def test_a_sweep_from_elsewhere_too(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PRETEND, "")
    swept = "hydra: {mode: MULTIRUN, sweeper: {params: {precision: 'bfloat16,float32'}}}\n"
    study.write_text(study.read_text() + swept)
    words = (*WITHOUT_PRECISION, "steps=1", "sweep.compare=false", "hydra.sweep.dir=sweep")
    answer = nst(tmp_path, *words, f"experiment={study}")
    assert answer.status == 0, answer.err
    logs = [(tmp_path / "sweep" / job / "nst.log").read_text() for job in ("0", "1")]
    assert [log.count("saved with") for log in logs] == [1, 0]


def test_a_sweep_that_is_typed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PRETEND, "")
    words = (*WITHOUT_PRECISION, "sweep.compare=false", "precision=bfloat16,float16")
    answer = nst(tmp_path, "-m", *words)
    assert answer.status == 1
    assert answer.err.count("precision=bfloat16 is not possible") == 2  # when it happens, and at the end


def test_the_library_as_well(has: str, study: Path, caplog: pytest.LogCaptureFixture) -> None:
    result = stylize(
        "samples/landscape.jpg", "samples/mosaic.jpg", [*WITHOUT_PRECISION, f"experiment={study}"]
    )
    assert f"precision: {has or 'float32'}\n" in result.configuration
    assert caplog.text.count("saved with") == (0 if has else 1)
