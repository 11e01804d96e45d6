"""Bad input: one sentence, exit status 2, nothing left behind."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from command_line import SMALL, environment, nst, nst_process
from PIL import Image

from nst_tf.run import job


def _png_header(width: int, height: int) -> bytes:
    """A PNG that declares a size and has no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + end


# (words, what the sentence must say)
BEFORE_TENSORFLOW = {
    # pictures
    "missing file": ("content=nothing.jpg", "nothing.jpg", "does not exist"),
    "missing style": ("style=nothing.jpg", "nothing.jpg", "does not exist"),
    "one of two styles missing": ("style=[samples/mosaic.jpg,nothing.jpg]", "nothing.jpg"),
    "a folder": ("content=folder", "folder is a folder"),
    "not an image": ("content=text.jpg", "text.jpg", "not a picture"),
    "truncated": ("content=truncated.jpg", "truncated.jpg", "cut short"),
    "zero bytes": ("content=empty.png", "empty.png", "0 bytes"),
    "zero pixels": ("content=zero.png", "zero.png"),
    "one pixel": ("content=pixel.png", "pixel.png", "1 x 1"),
    "decompression bomb": ("style=bomb.png", "bomb.png", "3,600,000,000"),
    "content is a number": ("content=5", "content must be the path of one picture, but is 5"),
    "content is a list": ("content=[a.jpg,b.jpg]", "content must be the path of one picture"),
    "content is empty": ("content=", "content", "''"),
    "content is null": ("content=null", "content", "None"),
    "no style": ("style=[]", "style", "[]"),
    "a style is a number": ("style=[5]", "style", "[5]"),
    "too small for this aspect ratio": ("content=long.png", "size 32", "size that works is 78"),
    # keys, groups, options, forms
    "typo in a key": ("image.sise=3", "unknown key 'image.sise'", "did you mean 'image.size'?"),
    "typo in a top-level key": ("stepz=3", "unknown key 'stepz'", "did you mean 'steps'?"),
    "typo in a group": ("objectiv/style=gram", "objectiv/style", "did you mean 'objective/style'?"),
    "unknown option": ("optimizer=adm", "optimizer=adm", "adam, lbfgs"),
    "unknown option of a term": ("objective/style=gramm", "objective/style=gramm", "gram_gatys2016"),
    "unknown experiment": ("experiment=gatys", "experiment=gatys", "gatys2016"),
    "unknown network": ("model=resnet", "model=resnet", "vgg16, vgg19"),
    "added key": ("+unknown=1", "unknown key 'unknown'"),
    "added key of a group": ("+image.unknown=1", "unknown key 'image.unknown'"),
    "key of an option": ("optimizer.momentum=1", "unknown key 'optimizer.momentum'"),
    "removed key": ("~steps", "steps has no value"),
    "removed group": ("~optimizer", "optimizer has no value"),
    "removed typed key": ("~image.size", "image.size"),
    "a group instead of its keys": ("image=5", "image=5", "image.KEY=VALUE"),
    "a group by dot": ("objective.style=gram", "objective.style=gram", "objective/style=OPTION"),
    "a number as option": ("optimizer=5", "optimizer=5"),
    "null as option": ("experiment=null", "experiment=null"),
    "two options": ("optimizer=[adam,sgd]", "optimizer", "one option"),
    "added option": ("+optimizer=adam", "say optimizer=adam"),
    "no key": ("=3", "no key"),
    "open bracket": ("a=[1", "'a=[1'", "KEY=VALUE"),
    "no value": ("foo", "'foo'", "KEY=VALUE"),
    "signs in a name": ("content=a(1).jpg", "content=a(1).jpg", "quotes"),
    "a list without brackets": ("style_weights=2,3", "'style_weights=[2,3]'"),
    "unknown interpolation": ("steps=${nothing}", "'nothing'"),
    "unknown variable": ("steps=${oc.env:NST_TF_NO_SUCH_VARIABLE}", "steps", "NST_TF_NO_SUCH_VARIABLE"),
    "unknown flag": ("--nothing", "--nothing"),
    "unknown folder of configurations": ("--config-dir=/no/such/folder", "/no/such/folder"),
    "unknown key of hydra": ("hydra.run.dirr=x", "hydra.run.dirr"),
    # types
    "seed is a word": ("seed=abc", "seed=abc", "whole number"),
    "size is a word": ("image.size=big", "image.size=big", "whole number"),
    "size is a fraction": ("image.size=32.5", "image.size=32.5", "whole number"),
    "steps is null": ("steps=null", "steps=null"),
    "clip is a word": ("image.clip=maybe", "image.clip=maybe", "true or false"),
    "not a precision": ("precision=float64", "precision=float64", "bfloat16"),
    "not a pooling": ("model.pooling=mean", "model.pooling=mean", "l2_rescaled"),
    "not a padding": ("model.padding=zeros", "model.padding=zeros", "replicate"),
    "rate is a word": ("optimizer.learning_rate=abc", "optimizer.learning_rate", "'abc'"),
    "history is a fraction": ("optimizer.history_size=1.5", "optimizer.history_size", "1.5"),
    "weight is a word": ("objective.style.weight=heavy", "objective.style", "'heavy'"),
    "weight is null": ("objective.style.weight=null", "objective.style", "None"),
    "noise is a word": ("init.noise=much", "init.noise", "'much'"),
    # ranges
    "negative size": ("image.size=-5", "image.size", "-5"),
    "zero size": ("image.size=0", "image.size", "0"),
    "zero style size": ("image.style_size=0", "image.style_size", "0"),
    "negative style size": ("image.style_size=-64", "image.style_size", "-64"),
    "zero steps": ("steps=0", "steps", "0"),
    "negative steps": ("steps=-3", "steps", "-3"),
    "negative seed": ("seed=-1", "seed", "-1"),
    "negative image_every": ("record.image_every=-1", "record.image_every", "-1"),
    "negative weight": ("objective.style.weight=-1", "objective.style", "-1"),
    "weight is no number": ("objective.style.weight=nan", "objective.style", "nan"),
    "infinite weight": ("objective.content.weight=inf", "objective.content", "inf"),
    "negative rate": ("optimizer.learning_rate=-1", "optimizer.learning_rate", "-1"),
    "rate is no number": ("optimizer.learning_rate=nan", "optimizer.learning_rate", "nan"),
    # style weights and layers
    "more style weights": ("style_weights=[1,2]", "style_weights has 2", "1 style"),
    "no style weights": ("style_weights=[]", "style_weights has 0"),
    "negative style weight": ("style_weights=[-1]", "style_weights", "-1"),
    "style weight is no number": ("style_weights=[nan]", "style_weights", "nan"),
    "all style weights zero": ("style_weights=[0]", "style_weights", "[0]"),
    "style weights are a word": ("style_weights=abc", "style_weights", "'abc'"),
    "unknown layer": ("layers.style=[block9_conv1]", "'block9_conv1'", "block1_conv1, block1_conv2"),
    "layer of the other network": ("layers.content=block5_conv5", "'block5_conv5'", "vgg19 has"),
    "repeated layer": ("layers.style=[block1_conv1,block1_conv1]", "block1_conv1 twice"),
    "no layers": ("layers.style=[]", "layers.style names no layer"),
    "layers are a number": ("layers.style=5", "layers.style", "5"),
    "a mapping over a list": ("layers.style={block1_conv1:1}", "layers.style={block1_conv1:1}", "a list"),
    "negative layer weight": (
        "objective=pastiche objective.style.layers.block1_conv1=-1 layers.style=${objective.style.layers}",
        "block1_conv1",
        "-1",
    ),
    "layer weight is a word": (
        "objective=pastiche objective.style.layers.block1_conv1=a layers.style=${objective.style.layers}",
        "block1_conv1",
        "'a'",
    ),
    "a name as a place in a list": ("layers.style.block1_conv1=2", "layers.style.block1_conv1=2", "a list"),
    # files
    "missing weights": ("model.weights=/no/such/file.h5", "/no/such/file.h5", "auto or random"),
    "a folder below a file": ("hydra.run.dir=text.jpg/run", "text.jpg is not a folder"),
    "a folder that can't be": ("hydra.run.dir=/proc/nothing/x", "can't write to"),
    "a folder with a run": ("hydra.run.dir=taken", "taken holds a run already"),
    "a picture in a folder": ("record.picture=a/b.png", "'a/b.png'", "hydra.run.dir"),
    "unknown suffix": ("record.picture=b.bmp", "'.bmp'", ".png"),
    "no suffix": ("record.picture=image", "''", ".png"),
    "foreign target": ("optimizer._target_=os.system", "'os.system'", "keras.optimizers."),
}

# one for each place that is looked at; the last is checked after all others
TELLING = ["typo in a key", "unknown option", "zero steps", "unknown layer", "truncated", "missing style"]

BEFORE_THE_RUN = {
    "weights of no known format": ("model.weights=text.jpg", "text.jpg", "16 convolutions of VGG-19"),
    "noise above one": ("init.noise=2", "init.noise", "2"),
    "no history": ("optimizer.history_size=0", "history_size", "0"),
    "empty box": ("optimizer.lower=2", "2"),
    "added argument": ("+optimizer.unknown=1", "optimizer", "unknown"),
    "unknown reduction": ("objective=pastiche objective.content.distance.reduction=most", "'most'", "mean"),
    "unknown class": ("optimizer._target_=keras.optimizers.Nothing", "optimizer", "Nothing"),
    "no growth": ("pyramid=coarse_to_fine pyramid.factor=1", "pyramid.factor", "1"),
    "a coarse size is too small": ("image.size=40 pyramid=coarse_to_fine pyramid.smallest=10", "size 10"),
    "nothing to do": ("objective.content.weight=0 objective.style.weight=0", "weight 0"),
}


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
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "run.json").write_text("{}")
    return tmp_path


def _left(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def _assert_one_sentence(status: int, out: str, err: str, expected: tuple[str, ...]) -> None:
    assert status == 2, err
    assert out == ""
    assert err.startswith("nst: ")
    assert err.count("\n") == 1, err
    assert err.endswith("\n")
    assert len(err) < 700, err
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
    err = answer.err.removeprefix(_weights_line(answer.err))
    _assert_one_sentence(answer.status, answer.out, err, tuple(expected))
    assert _left(folder) == before


def _weights_line(err: str) -> str:
    """The log says which weights serve before the sizes are checked."""
    first, newline, _ = err.partition("\n")
    return first + newline if first.startswith("VGG-19 weights from random numbers") else ""


def test_fewer_style_weights_than_styles(folder: Path) -> None:
    answer = nst(folder, *SMALL, "style=[samples/mosaic.jpg,samples/cut_outs.jpg]", "style_weights=[2]")
    _assert_one_sentence(answer.status, answer.out, answer.err, ("style_weights has 1", "2 style"))


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


def test_bad_job_of_a_sweep_is_named(folder: Path) -> None:
    """The cause is told and not what lies beneath it; the other jobs are run."""
    answer = nst(folder, "-m", *SMALL, "content=text.jpg,samples/landscape.jpg", "hydra.sweep.dir=sweep")
    assert answer.status == 2
    assert answer.err.splitlines()[-1].startswith("nst: text.jpg is not a picture")
    assert json.loads((folder / "sweep" / "1" / "run.json").read_text())["status"] == "completed"
    assert not (folder / "sweep" / "0").exists()


def test_tensorflow_is_not_imported_for_what_can_be_checked_without(folder: Path) -> None:
    """Neither for a key, nor for a value, a layer, a picture or a folder."""
    before = _left(folder)
    program = """
import io, json, sys
from contextlib import redirect_stderr
from nst_tf.run.command import main
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


@pytest.mark.parametrize("case", ["typo in a key", "truncated", "noise above one", "unknown variable"])
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
