"""The line that says what a run will do, before TensorFlow is loaded, and that the run does just that."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli.command_line import environment, nst

TEXTURE = ("content=null", "init=noise", "objective=relative", "objective.content.weight=0")
COARSE = (
    "pyramid=coarse_to_fine",
    "pyramid.factor=2",
    "image.size=48",
    "steps=1",
    "pyramid.steps_factor=1.4",
)

_UP_TO_TENSORFLOW = """
import sys
from nst_tf import cli
from nst_tf import run as job

def loaded():
    print(*(name for name in ("tensorflow", "keras", "h5py") if name in sys.modules))
    sys.exit(3)

job.load_tensorflow = loaded
cli.main()
"""


def test_it_is_said_before_tensorflow_is_loaded(small: tuple[str, ...], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _UP_TO_TENSORFLOW, *small],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "\n"), done.stderr
    assert done.stderr == "photo.png in the style of a painting.png: 32 x 26 pixels, 2 steps\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            (*COARSE, "pyramid.smallest=24"),
            "photo.png in the style of a painting.png: 24 x 19 pixels, 2 steps; 48 x 38, 1; 3 steps in all",
        ),
        # a size that is too small for one of the pictures is left out
        (
            (*COARSE, "pyramid.smallest=12"),
            "png: 24 x 19 pixels, 2 steps; 48 x 38, 1; 3 steps in all",
        ),
        (("image.stretch=square",), "photo.png in the style of a painting.png: 32 x 32 pixels, 2 steps"),
        (("color=only",), "photo.png in the style of a painting.png: 32 x 26 pixels, 0 steps"),
        (
            (*TEXTURE, "image.size=36", "image.aspect=0.78", "model.padding=circular"),
            "a texture in the style of a painting.png: 28 x 36 pixels, 2 steps",
        ),
    ],
)
def test_what_is_said_is_done(
    words: tuple[str, ...], said: str, small: tuple[str, ...], tmp_path: Path
) -> None:
    answer = nst(tmp_path, *small, *words)
    assert answer.status == 0, answer.err
    first, *later = answer.err.splitlines()
    assert first.endswith(said)
    plan = first.rpartition(".png: ")[2].removesuffix(" in all").split("; ")
    done = [line.split(" pixels, ") for line in later if " pixels, " in line and line[0].isdigit()]
    told = [one.replace(" pixels", "").split(", ") for one in plan if ", " in one]
    assert [(size, steps.split()[0]) for size, steps in told] == [(one, two.split()[0]) for one, two in done]


def test_several_styles_and_a_run_that_goes_on(small: tuple[str, ...], photo: Path, tmp_path: Path) -> None:
    styles = f"style=[{','.join([str(photo)] * 4)}]"
    answer = nst(tmp_path, *small, styles, "objective/style=gram", "optimizer=adam", "hydra.run.dir=run")
    assert answer.err.startswith("photo.png in the style of photo.png and 3 other pictures: ")
    summary = tmp_path / "run" / "run.json"
    summary.write_text(summary.read_text().replace('"completed"', '"interrupted"'))
    answer = nst(tmp_path, "resume=run")
    assert answer.status == 0, answer.err
    assert re.match(
        r"going on in run: .*\.png in the style of .* and 3 other pictures: 32 x 26 pixels", answer.err
    )
