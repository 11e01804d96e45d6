"""Wall time to a saved picture as good as the one that pastiche saves, by pastiche's own objective."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PASTICHE = "pastiche==1.6.0"


def measure(
    content: Path, style: Path, size: int, steps: int, torch: str, words: list[str], keep: Path
) -> dict[str, Any]:
    """Run pastiche for ``steps`` steps, then ``nst`` with ``words``, both cold; score both PNG files alike.

    pastiche gets an environment of its own with ``torch`` (a requirement for pip). Both pictures stay in
    ``keep``.
    """
    keep.mkdir(parents=True, exist_ok=True)
    theirs, ours = keep / "pastiche.png", keep / "nst" / "image.png"
    with tempfile.TemporaryDirectory() as folder:
        python = _environment(Path(folder) / "venv", torch)
        command = [str(python.parent / "pastiche"), "-c", str(content), "-s", str(style), "-o", str(theirs)]
        their_seconds = _timed([*command, "--size", str(size), "--num-steps", str(steps), "--seed", "0"])
        torch_version = subprocess.run(
            [str(python), "-c", "import torch; print(torch.__version__)"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
    command = [sys.executable, "-m", "nst_tf", f"content={content}", f"style={style}", f"image.size={size}"]
    our_seconds = _timed([*command, *words, f"hydra.run.dir={ours.parent}"])
    return {
        "size": size,
        "pastiche_steps": steps,
        "torch": torch_version,
        "nst_words": words,
        "pastiche_seconds": their_seconds,
        "nst_seconds": our_seconds,
        "ratio": their_seconds / our_seconds,
        "pastiche_loss": loss_under_pastiche(theirs, content, style),
        "nst_loss": loss_under_pastiche(ours, content, style),
    }


def loss_under_pastiche(picture: Path, content: Path, style: Path) -> float:
    """The loss of an 8-bit picture file under pastiche's objective, at the picture's size, in float32."""
    from nst_tf.api import composed
    from nst_tf.config.inputs import read_inputs
    from nst_tf.experiment import build_parts, prepare
    from nst_tf.images.read import read_picture
    from nst_tf.images.resize import fit_long_side, resize
    from nst_tf.objective import StyleImage
    from nst_tf.process_cache import ProcessCache

    pixels = read_picture(picture).pixels
    size = max(pixels.shape[:2])
    settings, _ = composed(
        [f"content={content}", f"style={style}", f"image.size={size}", "experiment=pastiche"]
    )
    inputs, warm = read_inputs(settings), ProcessCache()
    weights = warm.weights("vgg19", "auto", 0)
    objective = prepare(settings, inputs, build_parts(settings), weights, warm).objective
    art = inputs.styles[0]
    shape = fit_long_side(art.height, art.width, size)
    bound = objective.bind(
        resize(inputs.content.pixels, *pixels.shape[:2]), [StyleImage(resize(art.pixels, *shape))]
    )
    import tensorflow as tf

    loss, _, _ = bound.value_and_gradient(tf.constant(pixels[None], tf.float32))
    return float(loss)


def _environment(folder: Path, torch: str) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [str(python), "-m", "pip", "install", "-q"]
    # the CPU build, where that index can be reached; else what the usual index has
    cpu = ["--index-url", "https://download.pytorch.org/whl/cpu"]
    if torch != "torch" or subprocess.run([*install, *cpu, torch], check=False).returncode:
        subprocess.run([*install, torch], check=True)
    subprocess.run([*install, "numpy", PASTICHE], check=True)
    return python


def _timed(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began
