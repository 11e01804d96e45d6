"""Classes of somebody's own: typed or in their own folder they run, out of a stranger's file they do not."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cli.command_line import REPOSITORY, SMALL, Answer, nst
from cli.rerun.rerun_command import nst_rerun
from omegaconf import OmegaConf
from PIL import Image

from nst_tf import InputError, stylize

MODULE = """
from pathlib import Path
from dataclasses import dataclass
from subprocess import Popen
import keras
import numpy as np
import tensorflow as tf

Path("imported").touch()

@dataclass(frozen=True)
class Mean:
    epsilon: float = 0.0
    factor: float = {factor}

    def describe(self, activations):
        return tf.reduce_mean(activations, axis=(0, 1, 2))

    def compare(self, generated, style):
        return Mean.FACTOR * tf.reduce_mean((generated - style) ** 2)

Mean.FACTOR = {factor}

@dataclass(frozen=True)
class Squares:
    weight: float = 1.0

    def __call__(self, image):
        return tf.reduce_mean(image ** 2)

class Descent(keras.optimizers.SGD):
    pass

class Forgets(keras.optimizers.SGD):
    def __init__(self, strength=1.0, **others):
        super().__init__(**others)

@dataclass(frozen=True)
class Grey:
    level: float = 0.5

    def __call__(self, content, styles, random):
        return np.full(content.shape, self.level, np.float32)

class Notes:
    def __init__(self, file):
        self.file = Path(file)

    def note(self, text):
        with self.file.open("a") as opened:
            opened.write(text)

    def begin(self, run):
        self.note("begin ")

    def on_scale(self, scale, height, width):
        pass

    def on_report(self, report, solver):
        self.note("report ")

    def finish(self, status, summary, picture):
        self.note(status)

class Raises:
    def __init__(self, **keys):
        raise KeyError("some key")

def function(**keys):
    raise AssertionError
"""
STATISTIC = "objective.style.statistic._target_"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """A folder with the file ``own_module.py``."""
    known, path = set(sys.modules), list(sys.path)
    (tmp_path / "own_module.py").write_text(MODULE.format(factor=1.0))
    yield tmp_path
    assert sys.path == path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def pixels(answer: Answer) -> np.ndarray:
    with Image.open(answer.run / "image.png") as image:
        return np.asarray(image)


def refused(answer: Answer, *said: str) -> None:
    """One sentence, and nothing that was imported or left behind."""
    assert answer.status == 2, answer
    *announced, sentence = answer.err.splitlines()
    assert len(announced) <= 1  # what the run would do, if the class is there and fails only when it is built
    assert sentence.startswith("nst: ")
    for one in said:
        assert one in sentence
    assert not (answer.folder / "imported").exists()
    assert not (answer.folder / "outputs").exists()


def test_the_example_of_the_page_runs_as_it_stands(tmp_path: Path, own: Path, small: tuple[str, ...]) -> None:
    page = (REPOSITORY / "docs" / "extending.md").read_text(encoding="utf-8")
    files = re.findall(r"^`(mine/[\w/.]+)`[^\n]*\n\n((?:    [^\n]*\n|\n)+)", page, re.M)
    assert [name for name, _ in files] == ["mine/peaks.py", "mine/objective/style/peaks.yaml"]
    for name, text in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(re.sub(r"^    ", "", text, flags=re.M))
    one, sweep = re.findall(r"^    nst (--config-dir [^\n]*)", page, re.M)
    answer = nst(tmp_path, *shlex.split(one), *small)
    assert answer.status == 0, answer.err
    saved = OmegaConf.load(answer.run / "config.yaml")
    assert saved.objective.style.statistic == {"_target_": "peaks.Peaks", "share": 0.1}
    assert answer.summary["choices"]["objective/style"] == "peaks"
    assert answer.rows[-1]["loss"] < answer.rows[0]["loss"]
    words = re.findall(r"^    nst-rerun RUN ([^\n]*)", page, re.M)
    told = nst_rerun(tmp_path, answer.run, *shlex.split(words[0]))
    assert told.status == 0, told.err
    assert "bit-identical" in told.out
    many = nst(tmp_path, *shlex.split(sweep), *small, "sweep.compare=false")
    assert many.status == 0, many.err
    assert "3 completed" in many.err
    wrong = nst(tmp_path, *shlex.split(one), *small, "objective.style.statistic.share=2")
    assert wrong.status == 2
    assert "the share of peaks must be above 0 and at most 1, but is 2" in wrong.err


def test_a_typed_class_runs_and_is_made_again_only_when_it_is_trusted(
    own: Path, small: tuple[str, ...], photo: Path, painting: Path
) -> None:
    words = (f"{STATISTIC}=own_module.Mean", "seed=3")
    answer = nst(own, *small, *words)
    assert answer.status == 0, answer.err
    assert OmegaConf.load(answer.run / "config.yaml").objective.style.statistic._target_ == "own_module.Mean"
    here = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(own)
        library = stylize(photo, painting, [*SMALL, *words])
    assert Path.cwd() == here
    np.testing.assert_array_equal(np.asarray(library.image), pixels(answer))
    told = nst_rerun(own, answer.run)
    assert told.status == 2
    assert "'own_module.Mean' is not allowed" in told.sentence
    assert told.sentence.endswith(", or say --trust own_module if you know what it does")
    told = nst_rerun(own, answer.run, "--trust", "own_module")
    assert told.status == 0, told.err
    assert "bit-identical" in told.out
    export = nst_rerun(own, answer.run, "--export", "study.yaml", "--trust=own_module")
    assert export.status == 0, export.err
    again = nst(own, "experiment=study.yaml", "--trust", "own_module")
    assert again.status == 0, again.err
    np.testing.assert_array_equal(pixels(again), pixels(answer))
    assert again.summary["requested_sha256"]


def test_an_experiment_file_may_name_it_only_with_trust(own: Path, small: tuple[str, ...]) -> None:
    (own / "theirs.yaml").write_text(
        "# @package _global_\nobjective: {style: {statistic: {_target_: own_module.Mean}}}\n"
    )
    words = (*small, "experiment=theirs.yaml")
    wanted = ("'own_module.Mean' is not allowed", "or say --trust own_module if you know what it does")
    refused(nst(own, *words), *wanted)
    refused(nst(own, *words, "--trust", "another"), *wanted)
    refused(nst(own, *words, "optimizer._target_=own_module.Descent"), *wanted)
    refused(nst(own, "-m", *words, "seed=0,1", "hydra.sweep.dir=sweep"), *wanted)
    assert not (own / "sweep").exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(own)
        with pytest.raises(InputError, match="is not allowed"):
            stylize("samples/landscape.jpg", "samples/mosaic.jpg", [*SMALL, "experiment=theirs.yaml"])
    assert not (own / "imported").exists()
    swept = nst(own, "--trust", "another,own_module", "-m", *words, "seed=0,1", "hydra.sweep.dir=sweep")
    assert swept.status == 0, swept.err
    assert "2 jobs: 2 completed" in swept.err


def test_trust_in_a_module_is_none_in_what_it_imports(own: Path, small: tuple[str, ...]) -> None:
    (own / "theirs.yaml").write_text(
        "# @package _global_\noptimizer: {_target_: own_module.Popen, args: touch canary, shell: true}\n"
    )
    answer = nst(own, *small, "experiment=theirs.yaml", "--trust=own_module")
    assert answer.status == 2
    assert "own_module only imports it, from subprocess" in answer.err
    assert not list(own.rglob("canary"))


def test_a_run_goes_on_only_when_it_is_trusted(own: Path, small: tuple[str, ...]) -> None:
    words = (*small, "record.keep_checkpoint=true", f"{STATISTIC}=own_module.Mean")
    answer = nst(own, *words)
    whole = nst(own, *words, "steps=4")
    (own / "imported").unlink()
    refusal = nst(own, f"resume={answer.run}", "steps=4")
    assert refusal.status == 2
    assert "or say --trust own_module if" in refusal.err
    assert not (own / "imported").exists()
    resumed = nst(own, "--trust", "own_module", f"resume={answer.run}", "steps=4")
    assert resumed.status == 0, resumed.err
    np.testing.assert_array_equal(pixels(resumed), pixels(whole))


def test_a_loss_an_optimizer_a_start_a_logger_and_a_callback(own: Path, small: tuple[str, ...]) -> None:
    (own / "own_callback.py").write_text(
        "from pathlib import Path\nfrom hydra.experimental.callback import Callback\n"
        "class Tells(Callback):\n    def on_job_end(self, **kwargs):\n        Path('told').touch()\n"
    )
    (own / "mine" / "optimizer").mkdir(parents=True)
    (own / "mine" / "optimizer" / "descent.yaml").write_text(
        "_target_: own_module.Descent\nlearning_rate: 0.001\n"
    )
    answer = nst(
        own,
        f"--config-dir={own / 'mine'}",
        *small,
        "optimizer=descent",
        "++objective.smoothness={_target_: own_module.Squares, weight: 2.0}",
        "~objective.smoothness.power",
        "~objective.smoothness.coupled",
        "~objective.smoothness.reduction",
        "~objective.smoothness.pixel_scale",
        "init._target_=own_module.Grey",
        "+init.level=0.25",
        "~init.noise",
        "~init.dither",
        "+logger.notes={_target_: own_module.Notes, file: notes.txt}",
        "+hydra.callbacks.tells._target_=own_callback.Tells",
    )
    assert answer.status == 0, answer.err
    assert answer.rows[0]["smoothness"] == pytest.approx(2 * 0.25**2)
    assert (own / "notes.txt").read_text() == "begin report report completed"
    assert (own / "told").exists()


def test_two_modules_may_have_a_class_of_the_same_name(own: Path, small: tuple[str, ...]) -> None:
    """What one has compiled, and the targets it has kept, are not the other's."""
    (own / "other_module.py").write_text(
        MODULE.format(factor=4.0).replace("factor: float = 4.0", "factor: float = 1.0")
    )
    rows = {}
    for module in ("own_module", "other_module"):
        answer = nst(own, *small, f"{STATISTIC}={module}.Mean", "objective.style.relative_to_content=false")
        assert answer.status == 0, answer.err
        rows[module] = answer.rows[0]["style/block1_conv1"]
    assert rows["other_module"] == pytest.approx(4 * rows["own_module"])


REFUSED = {
    "no such module": (
        f"{STATISTIC}=absent_module.Mean",
        "'absent_module.Mean' can't be found",
        "no module absent_module",
    ),
    "no such class": (
        f"{STATISTIC}=own_module.Median",
        "'own_module.Median' is no class",
        "nothing of this name",
    ),
    "a function": (f"{STATISTIC}=own_module.function", "'own_module.function' is no class"),
    "a class that raises": (f"{STATISTIC}=own_module.Raises", "own_module.Raises: KeyError: 'some key'"),
    "a key too many": (f"{STATISTIC}=own_module.Squares", "own_module.Squares: TypeError", "'epsilon'"),
    "a module that raises": (
        f"{STATISTIC}=broken_module.Mean",
        "'broken_module.Mean'",
        "(ZeroDivisionError: ",
        "by zero",
    ),
    "a module that needs another": (
        f"{STATISTIC}=needing_module.Mean",
        "can't be imported",
        "'absent_module'",
    ),
    "an optimizer that forgets": (
        "optimizer=sgd optimizer._target_=own_module.Forgets +optimizer.strength=2.0",
        "get_config of the optimizer own_module.Forgets must also give",
    ),
    "a trust in nothing": ("--trust=steps=3", "--trust takes a module", "'steps=3'"),
    "a trust in no file": ("--trust=absent_module.py", "--trust takes a module", "'absent_module.py'"),
    "Hydra's own words": (
        f"{STATISTIC}=own_module.Mean +objective.style.statistic._partial_=true",
        "'_partial_'",
    ),
}


@pytest.mark.parametrize(("words", "said"), [(one[0], one[1:]) for one in REFUSED.values()], ids=REFUSED)
def test_what_can_not_be_is_one_sentence(words: str, said: tuple[str, ...], own: Path, small) -> None:
    (own / "broken_module.py").write_text("1 / 0\n")
    (own / "needing_module.py").write_text("import absent_module\n")
    answer = nst(own, *small, *words.split())
    (own / "imported").unlink(missing_ok=True)
    refused(answer, *said)
