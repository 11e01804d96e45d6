"""What a person sees: the help, lines in a log, a bar in a terminal."""

from __future__ import annotations

import re
from pathlib import Path

from cli.command_line import Answer, nst_process

from nst_tf.config.schema import CONF_FOLDER


def test_help_fits_a_screen_names_every_choice_and_is_quick(tmp_path: Path) -> None:
    done = nst_process(tmp_path, "--help", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    imported = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert len(done.stderr.splitlines()) == len(imported)  # nothing else is said
    # quick: these take seconds to import, and help needs none of them
    packages = {line.rpartition("|")[2].strip().split(".")[0] for line in imported}
    assert "hydra" in packages
    assert packages.isdisjoint({"tensorflow", "keras", "scipy", "h5py"})
    lines = done.stdout.splitlines()
    assert len(lines) <= 60  # a screen
    assert max(map(len, lines)) <= 120
    said = re.sub(r"[,:*]", " ", done.stdout).split()
    for option in CONF_FOLDER.rglob("*.yaml"):
        if option.parent != CONF_FOLDER and "hydra" not in option.parts:
            assert option.stem in said, f"{option.parent.name}={option.stem}"
            assert option.parent.relative_to(CONF_FOLDER).as_posix() in said
    for word in ("content", "style", "style_weights", "image.size", "steps", "seed", "hydra.run.dir"):
        assert word in said
    assert list(tmp_path.iterdir()) == []


def test_help_on_a_group_says_what_its_options_are(tmp_path: Path) -> None:
    done = nst_process(tmp_path, "--help", "objective/style", "optimizer")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert any(re.match(r"  \* lbfgs +The safe L-BFGS: bounded to \[0, 1\]", line) for line in lines)
    assert any(line.startswith("  * wasserstein ") for line in lines)
    refused = nst_process(tmp_path, "--help", "styles")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "nst: there is no config group 'styles': did you mean 'objective/style'?\n"
    assert list(tmp_path.iterdir()) == []


def test_plain_lines_where_there_is_no_terminal(finished: Answer) -> None:
    assert "\x1b" not in finished.err
    assert "\r" not in finished.err
    between = ("step 1 ", "step 2 ", "step 3 ", "step 4 ", "step 5 ")  # on a slow machine, every few seconds
    every = finished.err.splitlines()
    lines = [line for line in every if not line.startswith(between)]
    assert lines[0] == (
        "photo.png in the style of a painting.png: 24 x 19 pixels, 3 steps; 48 x 38, 3; 6 steps in all"
    )
    assert lines[1].startswith("VGG-19 weights from random numbers")
    assert lines[2:4] == ["24 x 19 pixels, 3 steps", "48 x 38 pixels, 3 steps"]
    assert lines[4].startswith("step 6 of 6: loss ")
    assert lines[5].startswith("loss of the saved picture: ")
    assert len(lines) == 6
    # the first that tells how long a step takes is told at once, and then one now and then
    early = [line for line in every if line.startswith(between)]
    assert re.search(r" steps/s, about \d:\d\d:\d\d left$", early[0])
