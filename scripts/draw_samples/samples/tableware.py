"""What stands on the table of the still life, turned on the lathe: bottle, jug, bowl, fruit and grapes."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicSpline

from samples.solids import Solid, heap, lathe, tube, turned


def solids() -> list[Solid]:
    """Everything that stands on the table."""
    bottle = lathe(
        [
            (0, 0.06),
            (0.2, 0.03),
            (0.36, 0.02),
            (0.40, 0.10),
            (0.40, 0.6),
            (0.40, 1.15),
            (0.385, 1.36),
            (0.25, 1.62),
            (0.145, 1.80),
            (0.13, 2.0),
            (0.13, 2.22),
            (0.165, 2.25),
            (0.165, 2.33),
            (0.13, 2.36),
            (0, 2.36),
        ]
    )
    jug = lathe(
        [
            (0, 0.0),
            (0.30, 0.0),
            (0.36, 0.05),
            (0.52, 0.35),
            (0.58, 0.66),
            (0.47, 1.02),
            (0.31, 1.25),
            (0.27, 1.42),
            (0.33, 1.64),
            (0.355, 1.66),
            (0.30, 1.62),
            (0.235, 1.42),
            (0.26, 1.25),
            (0.1, 1.0),
            (0, 1.0),
        ]
    )
    bowl = lathe(
        [
            (0, 0.05),
            (0.28, 0.0),
            (0.31, 0.03),
            (0.30, 0.10),
            (0.52, 0.19),
            (0.74, 0.38),
            (0.83, 0.60),
            (0.815, 0.625),
            (0.78, 0.60),
            (0.68, 0.40),
            (0.48, 0.24),
            (0, 0.20),
        ]
    )
    apple = lathe(
        [
            (0, -0.24),
            (0.06, -0.27),
            (0.16, -0.275),
            (0.28, -0.12),
            (0.325, 0.06),
            (0.27, 0.22),
            (0.14, 0.285),
            (0.05, 0.25),
            (0, 0.19),
        ]
    )
    orange = lathe(
        [
            (0, -0.285),
            (0.15, -0.25),
            (0.27, -0.10),
            (0.295, 0.02),
            (0.25, 0.17),
            (0.12, 0.268),
            (0.03, 0.272),
            (0, 0.262),
        ]
    )
    lemon = lathe(
        [
            (0, -0.36),
            (0.045, -0.33),
            (0.10, -0.27),
            (0.19, -0.14),
            (0.225, 0.0),
            (0.19, 0.14),
            (0.10, 0.26),
            (0.05, 0.31),
            (0, 0.35),
        ]
    )
    pear = lathe(
        [
            (0, -0.29),
            (0.10, -0.31),
            (0.25, -0.22),
            (0.315, 0.0),
            (0.26, 0.22),
            (0.165, 0.40),
            (0.12, 0.55),
            (0.07, 0.62),
            (0, 0.60),
        ]
    )
    half = lathe(
        [(0, 0.0), (0.25, 0.0), (0.27, -0.01), (0.25, -0.12), (0.16, -0.23), (0, -0.27)], smooth=False
    )

    knots = np.array(
        [[0.25, 1.36], [0.42, 1.46], [0.63, 1.43], [0.76, 1.22], [0.74, 0.95], [0.62, 0.74], [0.53, 0.62]]
    )
    bent = CubicSpline(np.arange(7), knots)(np.linspace(0, 6, 16))
    handle = np.column_stack([bent, np.zeros(16)])
    stalk = np.array([[0, 0.18, 0], [0.01, 0.30, 0.01], [0.05, 0.40, 0.02]])
    pear_stalk = np.array([[0, 0.58, 0], [0.015, 0.68, 0.01], [0.06, 0.76, 0.02]])
    rng = np.random.default_rng(77)
    bunch = []
    for _ in range(900):  # tries  # grapes that touch but do not sink into each other, in a loose heap
        s, t = rng.uniform(-1, 1), rng.uniform(-1, 1)
        level = int(rng.integers(0, 3))
        at = np.array(
            [
                0.48 * s * (1 - 0.26 * level),
                0.10 + 0.145 * level,
                0.27 * t * (1 - 0.3 * level) * (1.1 - 0.5 * abs(s)),
            ]
        )
        if all(np.linalg.norm(at - other) > 0.155 for other in bunch):
            bunch.append(at)
    lean, lying = turned((0.15, 1, -0.12)), turned((0.72, 0.16, -0.35))

    scene = [
        Solid("bottle", bottle, (-0.98, 0, 0.62), ((0, 1.18, 0), 1.26)),
        Solid("jug", jug, (0.12, 0, 0.72), ((0, 0.83, 0), 1.0)),
        Solid("jug", tube(handle, np.full(16, 0.058)), (0.12, 0, 0.72), ((0.55, 1.0, 0), 0.62)),
        Solid("bowl", bowl, (1.22, 0.02, 0.05), ((0, 0.31, 0), 0.90)),
        Solid("pear", pear, (0.36, 0.31, -0.72), ((0, 0.16, 0), 0.49), turned((-0.30, 1, 0.1))),
        Solid(
            "stem",
            tube(pear_stalk, np.array([0.024, 0.017, 0.026])),
            (0.36, 0.31, -0.72),
            ((0.02, 0.67, 0), 0.14),
            turned((-0.30, 1, 0.1)),
        ),
        Solid("lemon", lemon, (-0.42, 0.235, -0.62), ((0, 0, 0), 0.37), lying),
        Solid("cut", half, (-0.02, 0.235, -1.22), ((0, -0.1, 0), 0.32), turned((-0.22, 0.42, -1))),
        Solid("grape", heap(np.array(bunch), 0.10), (-1.42, 0.03, -0.42), ((0, 0.24, 0), 0.64)),
        Solid(
            "stem",
            tube(
                np.array([[0.25, 0.3, 0], [0.5, 0.34, -0.06], [0.66, 0.26, -0.12]]),
                np.array([0.022, 0.02, 0.028]),
            ),
            (-1.42, 0.03, -0.42),
            ((0.45, 0.3, -0.05), 0.26),
        ),
    ]
    for kind, shape, at in (
        ("orange", orange, (0.98, 0.53, 0.02)),
        ("apple", apple, (1.46, 0.54, -0.12)),
        ("orange", orange, (1.30, 0.55, 0.36)),
        ("plum", orange, (1.20, 0.47, -0.36)),
        ("orange", orange, (1.24, 0.90, 0.08)),
        ("apple", apple, (-0.92, 0.28, -1.02)),
    ):
        tilt = turned((rng.normal(0, 0.4), 1, rng.normal(-0.35, 0.2))) if kind != "plum" else lean
        scene.append(Solid(kind, shape, at, ((0, 0, 0), 0.33), tilt))
        if kind == "apple":
            scene.append(
                Solid("stem", tube(stalk, np.array([0.016, 0.012, 0.02])), at, ((0.02, 0.3, 0), 0.15), tilt)
            )
    return scene
