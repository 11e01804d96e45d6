"""Bad input: one sentence, exit status 2, nothing left behind."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from bad_input_cases import BEFORE_TENSORFLOW, BEFORE_THE_RUN, TELLING
from cli.command_line import SMALL, environment, nst, nst_process
from PIL import Image, ImageCms

from nst_tf import run as job
from nst_tf.machine import PRETEND


def _png_header(width: int, height: int) -> bytes:
    """A PNG that declares a size and has no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + end


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.jpg").write_text("This is no picture.\n")
    Image.effect_noise((80, 60), 50).convert("RGB").save(tmp_path / "whole.jpg")
    (tmp_path / "truncated.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:1200])
    (tmp_path / "empty.png").touch()
    (tmp_path / "zero.png").write_bytes(_png_header(0, 5))
    (tmp_path / "bomb.png").write_bytes(_png_header(60000, 60000))
    Image.new("RGB", (1, 1)).save(tmp_path / "pixel.png")
    Image.new("RGB", (200, 40)).save(tmp_path / "long.png")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, space in {"inks.icc": b"CMYK", "grey.icc": b"GRAY"}.items():
        (tmp_path / name).write_bytes(profile.replace(b"RGB ", space, 1))
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "run.json").write_text("{}")
    (tmp_path / "swept").mkdir()
    (tmp_path / "swept" / "sweep.json").write_text("{}")
    return tmp_path


def _left(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def _assert_one_sentence(status: int, out: str, err: str, expected: tuple[str, ...]) -> None:
    assert status == 2, err
    assert out == ""
    # what only TensorFlow finds out is told after what the run was to do
    err = re.sub(r"^[^\n]* in the style of [^\n]* pixels, [^\n]*\n", "", err)
    assert err.startswith("nst: ")
    assert err.count("\n") == 1, err
    assert err.endswith("\n")
    assert len(err) < 1000, err  # of a choice, all there is
    for text in expected:
        assert text in err


@pytest.mark.parametrize("case", [*BEFORE_TENSORFLOW, *BEFORE_THE_RUN])
def test_bad_input_is_one_sentence_and_leaves_nothing(
    case: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, *expected = (BEFORE_TENSORFLOW | BEFORE_THE_RUN)[case]
    before = _left(folder)
    if case in BEFORE_TENSORFLOW:
        monkeypatch.setattr(job, "load_tensorflow", lambda: pytest.fail("TensorFlow is loaded"))
    answer = nst(folder, *SMALL, *words.split(" "))
    err = re.sub(r"(?m)^VGG-19 weights from random numbers.*\n", "", answer.err)  # before sizes are checked
    _assert_one_sentence(answer.status, answer.out, err, tuple(expected))
    assert _left(folder) == before


def test_fewer_style_weights_than_styles(folder: Path) -> None:
    answer = nst(folder, *SMALL, "style=[samples/mosaic.jpg,samples/cut_outs.jpg]", "style_weights=[2]")
    _assert_one_sentence(answer.status, answer.out, answer.err, ("style_weights has 1 value for 2 styles",))


def test_precision_is_refused_before_weights_are_fetched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PRETEND, "bfloat16")
    monkeypatch.setattr("nst_tf.process_cache.load_weights", lambda *_: pytest.fail("weights are fetched"))
    before = _left(folder)
    answer = nst(folder, *SMALL, "precision=float16", "seed=12345")
    _assert_one_sentence(answer.status, answer.out, answer.err, ("precision=float16", "bfloat16"))
    assert _left(folder) == before


@pytest.mark.parametrize(
    ("value", "expected"),
    [("/no/such/file.h5", "NST_TF_WEIGHTS='/no/such/file.h5'"), ("text.jpg", "NST_TF_WEIGHTS")],
)
def test_variable_that_names_no_weights(
    value: str, expected: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NST_TF_WEIGHTS", value)
    before = _left(folder)
    answer = nst(folder, *SMALL, "model.weights=auto")
    _assert_one_sentence(answer.status, answer.out, answer.err, (expected, value))
    assert _left(folder) == before


def test_weights_path_may_start_at_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """~ is expanded: the file is found, and refused for what is in it."""
    monkeypatch.setenv("HOME", str(folder))
    answer = nst(folder, *SMALL, 'model.weights="~/text.jpg"')
    assert "16 convolutions" in answer.err


def test_refused_run_keeps_folders_that_were_there(folder: Path) -> None:
    (folder / "outputs").mkdir()
    answer = nst(folder, *SMALL, "init.noise=2")
    assert answer.status == 2
    assert list((folder / "outputs").iterdir()) == []
    (folder / "mine").mkdir()
    assert nst(folder, *SMALL, "init.noise=2", "hydra.run.dir=mine").status == 2
    assert list((folder / "mine").iterdir()) == []


def test_unknown_key_in_a_users_experiment_is_refused(folder: Path) -> None:
    (folder / "mine" / "experiment").mkdir(parents=True)
    (folder / "mine" / "experiment" / "typo.yaml").write_text("# @package _global_\nstep: 5\n")
    answer = nst(folder, "--config-dir", str(folder / "mine"), *SMALL, "experiment=typo")
    _assert_one_sentence(answer.status, answer.out, answer.err, ("'step'", "'steps'"))


def test_tensorflow_is_not_imported_for_what_can_be_checked_without(folder: Path) -> None:
    """Neither for a key, nor for a value, a layer, a picture or a folder."""
    before = _left(folder)
    program = """
import io, json, sys
from contextlib import redirect_stderr
from nst_tf.cli import main
for case, words in json.loads(sys.stdin.read()).items():
    sys.argv = ["nst", *words]
    with redirect_stderr(io.StringIO()):
        try:
            main()
        except SystemExit as stop:
            assert stop.code == 2, case
    assert "tensorflow" not in sys.modules, case
    assert "keras" not in sys.modules, case
print("none")
"""
    cases = {case: [*SMALL, BEFORE_TENSORFLOW[case][0]] for case in TELLING}
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(cases),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "none\n", done.stderr
    assert _left(folder) == before


@pytest.mark.parametrize(
    "case",
    # of others it is another sentence on the same way
    [
        "typo in a key",
        pytest.param("noise above one", marks=pytest.mark.slow),
        pytest.param("truncated", marks=pytest.mark.slow),
        pytest.param("unknown variable", marks=pytest.mark.slow),
    ],
)
def test_the_process_itself_answers_so(case: str, folder: Path) -> None:
    """No chatter of TensorFlow, no warnings of Python, no traceback beside the sentence."""
    words, *expected = (BEFORE_TENSORFLOW | BEFORE_THE_RUN)[case]
    before = _left(folder)
    done = nst_process(folder, *SMALL, words)
    _assert_one_sentence(done.returncode, done.stdout, done.stderr, tuple(expected))
    assert _left(folder) == before


def test_the_installed_program_answers_so(folder: Path) -> None:
    program = shutil.which("nst", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("the package is not installed beside this Python")
    done = subprocess.run(
        [program, "steps=0"], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    _assert_one_sentence(done.returncode, done.stdout, done.stderr, ("steps must be at least 1, but is 0",))
