"""Two small pictures for the problems whose every step is known."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def content(random) -> np.ndarray:
    return random.uniform(0.2, 0.8, (5, 4, 3)).astype(np.float32)


@pytest.fixture
def start(random) -> np.ndarray:
    return random.uniform(0, 1, (5, 4, 3)).astype(np.float32)
