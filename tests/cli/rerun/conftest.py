"""A picture, and one finished run that many tests repeat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Waves of color, 40 x 32 pixels."""
    down, across = np.mgrid[0:32, 0:40][..., np.newaxis]
    waves = 0.5 + 0.45 * np.sin(np.array([0.3, 0.2, 0.4]) * down + 0.25 * across)
    path = tmp_path_factory.mktemp("pictures") / "photo.png"
    Image.fromarray((255 * waves).astype(np.uint8)).save(path)
    return path
