"""Sizes of the pyramid that a long, narrow picture is too small for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.command_line import SMALL, nst
from PIL import Image

from nst_tf.experiment import Experiment
from nst_tf.objective import StyleImage
from nst_tf.pyramid import CoarseToFine, Scale

PYRAMID = (
    "pyramid=coarse_to_fine",
    "pyramid.factor=2",
    "pyramid.smallest=16",
    "image.size=64",
    "pyramid.steps=[3,2,1]",
)


def experiment(content: tuple[int, int], style: tuple[int, int], **options: Any) -> Experiment:
    """One that only knows its sizes: 16, 32 and 64."""
    nothing: Any = None
    return Experiment(
        *(np.zeros((*content, 3)), (StyleImage(np.zeros((*style, 3)), 1.0),), nothing, nothing, nothing),
        pyramid=CoarseToFine(16, 2.0, steps=[3, 2, 1]),
        size=64,
        style_size=64,
        steps=1,
        **options,
    )


@pytest.mark.parametrize(
    ("content", "style", "options", "sizes", "why"),
    [
        ((64, 64), (64, 64), {}, [16, 32, 64], None),
        ((600, 1000), (64, 64), {}, [32, 64], "size 16 would leave a picture of 600 x 1000"),
        ((64, 64), (1000, 300), {}, [64], "size 32 would leave a picture of 1000 x 300"),
        ((64, 64), (64, 64), {"style_scales": (0.4,)}, [64], "size 13 would leave a picture of 64 x 64"),
        ((64, 64), (1000, 300), {"stretch": "style"}, [16, 32, 64], None),
    ],
)
def test_sizes_that_are_too_small_are_skipped_with_their_steps(content, style, options, sizes, why) -> None:
    one = experiment(content, style, **options)
    every = {16: Scale(16, 16, 3), 32: Scale(32, 32, 2), 64: Scale(64, 64, 1)}
    assert one.scales == [every[size] for size in sizes]
    assert [max(shape) for shape in one.shapes] == sizes
    assert (one.skipped is None) == (why is None)
    if why:
        skipped = ", ".join(str(size) for size in every if size not in sizes)
        assert one.skipped.startswith(
            f"the pyramid begins at {sizes[0]} pixels instead of 16, without the steps of {skipped}: {why}"
        )


def test_a_folder_with_a_panorama(tmp_path: Path, photo: Path) -> None:
    (tmp_path / "photos").mkdir()
    Image.effect_noise((1000, 300), 80).convert("RGB").save(tmp_path / "photos" / "wide.png")
    words = (*SMALL, *PYRAMID, "content=photos/", f"style={photo}", "sweep.compare=false")
    answer = nst(tmp_path, *words, "hydra.sweep.dir=out")
    assert answer.status == 0, answer.err
    (row,) = (tmp_path / "out" / "0" / "metrics.jsonl").read_text().splitlines()
    assert '"size": 64' in row
    log = (tmp_path / "out" / "0" / "nst.log").read_text()
    assert log.count("the pyramid begins at 64 pixels instead of 16") == 1
    # but never the last size, without which there is nothing
    answer = nst(tmp_path, *words, "image.size=48")
    assert answer.status == 2
    assert "the smallest that works is image.size=52" in answer.err
    # and the number of steps is that of the whole plan
    answer = nst(tmp_path, *words, "pyramid.steps=[1]")
    assert answer.status != 0
    assert "pyramid.steps has 1 value for 3 sizes (16, 32, 64)" in answer.err
