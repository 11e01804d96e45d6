"""Seeded smooth noise, evaluated at any points: the raw material of clouds, rock, paper and paint."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

_TABLE = {2: 256, 3: 48}  # lattice points along an axis; the noise repeats after as many units


class Noise:
    """Smooth random function of the plane or of space: a cubic B-spline through a table of white noise.

    Values have mean 0 and a standard deviation of about 1; one lattice cell is one unit of the coordinates.
    """

    def __init__(self, seed: int, dimensions: int = 2) -> None:
        rng = np.random.default_rng(seed)
        self._table = rng.standard_normal((_TABLE[dimensions],) * dimensions).astype(np.float32)
        # A B-spline averages its neighbours; sum of squared weights (1/6, 4/6, 1/6)^2 averaged over the
        # cell is about 0.479 an axis. Dividing by its root restores the unit deviation.
        self._table /= np.float32(0.479 ** (dimensions / 2))

    def __call__(self, *points: np.ndarray) -> np.ndarray:
        """Noise at ``points``: one array of coordinates for each dimension, all of one shape."""
        stacked = np.stack([np.asarray(axis, np.float32) for axis in points])
        return map_coordinates(self._table, stacked, order=3, prefilter=False, mode="grid-wrap")

    def fractal(
        self, *points: np.ndarray, octaves: int = 6, gain: float = 0.5, ridged: bool = False
    ) -> np.ndarray:
        """Sum of octaves, each twice as fine and ``gain`` times as strong; deviation stays about 1.

        ``ridged`` folds each octave at zero into sharp crests, which reads as rock.
        """
        total = np.zeros(np.broadcast_shapes(*(np.shape(axis) for axis in points)), np.float32)
        power = 0.0
        for octave in range(octaves):
            # Irrational-looking shifts keep the octaves' lattices from lining up at the origin.
            scaled = [axis * 2.0**octave + 17.31 * octave + 5.7 * i for i, axis in enumerate(points)]
            value = self(*scaled)
            if ridged:
                value = (0.8 - np.abs(value)) / 0.6  # mean and deviation of |normal|: 0.80 and 0.60
            total += np.float32(gain**octave) * value
            power += gain ** (2 * octave)
        return total / np.float32(np.sqrt(power))
