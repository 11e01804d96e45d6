"""How much memory a large picture takes while it is decoded: a process of its own, by its peak."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# not ru_maxrss, which begins with that of the process that started this one
PROGRAM = """
import re, sys
from pathlib import Path
from nst_tf.images.read import read_picture
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1))
before = peak()
read_picture(sys.argv[1])
print(peak() - before)
"""
PIXELS = 6000 * 5000
BAND = 70e6  # what is converted at a time, beside the picture


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="without /proc")
@pytest.mark.parametrize(("name", "mode", "bytes_a_pixel"), [("a.jpg", "RGB", 16), ("a.tif", "RGBA", 20)])
def test_a_large_picture_is_decoded_without_copies(name, mode, bytes_a_pixel, tmp_path: Path) -> None:
    """Pillow's image, float32 RGB and transparency, and no copy of any of them (27 with copies, of RGB)."""
    random = np.random.default_rng(0).integers(0, 256, (500, 600, len(mode)), np.uint8)
    path = tmp_path / name
    Image.fromarray(random, mode).resize((6000, 5000)).save(path)
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    peak = int(answer.stdout) * 1024
    assert 12 * PIXELS < peak < 1.05 * bytes_a_pixel * PIXELS + path.stat().st_size + BAND
