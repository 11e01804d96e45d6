"""What a person sees: the help, lines in a log, a bar in a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

from cli.command_line import Answer, environment, nst_process
from cli.evaluated import PARTS
from cli.pseudo_terminal import read_terminal, take_terminal

from nst_tf.config.schema import CONFIGURATION


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
    said = done.stdout.replace(",", " ").replace(":", " ").split()
    for option in CONFIGURATION.rglob("*.yaml"):
        if option.parent != CONFIGURATION and "hydra" not in option.parts:
            assert option.stem in said, f"{option.parent.name}={option.stem}"
            assert option.parent.relative_to(CONFIGURATION).as_posix() in said
    for word in ("content", "style", "style_weights", "image.size", "steps", "seed", "hydra.run.dir"):
        assert word in said
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


def test_bar_in_a_terminal_and_control_c(small: tuple[str, ...], tmp_path: Path) -> None:
    """Under a pseudo-terminal; Ctrl-C is typed once the bar has shown what it should."""
    words = (*small, "steps=100000", "hydra.run.dir=run")
    ours, theirs = pty.openpty()
    started = subprocess.Popen(
        [sys.executable, "-m", "nst_tf", *words],
        cwd=tmp_path,
        env=environment() | {"TERM": "xterm", "COLUMNS": "150"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=take_terminal,
    )
    os.close(theirs)
    shown, typed, deadline = "", False, time.monotonic() + 60
    while time.monotonic() < deadline and (piece := read_terminal(ours)):
        shown += piece
        if "steps/s" in shown and not typed:
            os.write(ours, b"\x03")
            typed = True
    status = started.wait(timeout=10)
    os.close(ours)
    assert status == 130, shown[-2000:]
    assert typed
    assert "\x1b[" in shown
    assert "/100000" in shown
    assert "loss " in shown
    assert "content " in shown
    assert shown.rstrip().endswith("nst: interrupted; go on with: nst resume=run")
    assert "Traceback" not in shown
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert summary["status"] == "interrupted"
    rows = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert list(json.loads(rows[-1])) == ["step", "size", "seconds", "loss", *PARTS]
