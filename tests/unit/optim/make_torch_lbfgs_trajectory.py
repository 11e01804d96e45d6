"""Record what torch.optim.LBFGS does, for tests/unit/optim/test_torch_lbfgs.py.

Torch is no dependency of the project. In an environment of its own:

    pip install torch==2.13.0 numpy
    python tests/unit/optim/make_torch_lbfgs_trajectory.py

writes tests/unit/optim/torch_lbfgs_trajectory.json: for each case its settings, the losses of the first 30
evaluations of the closure, and the parameters at some of them (later ones, in the flat valley, depend on how
float32 sums are rounded). Everything is float32 on one thread of the CPU.

The problem is a chain of 20 parameters that pull at each other (its Hessian has a condition above 1000):

    f(x) = sum_i (a_i (x_i - sin(i))^2 / 2 + x_i^4 / 4) + 2 sum_i (x_{i+1} - x_i)^2
    a_i = 0.02 * 1.6^i,  x_i(0) = cos(i),  i = 0..19
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

EVALUATIONS = 30
KEPT_POINTS = (1, 5, 10, 15)  # evaluations, counted from 0
PARAMETERS = 20
DESTINATION = Path(__file__).parent / "torch_lbfgs_trajectory.json"
CASES = {
    "one inner iteration": {"lr": 1.0, "max_iter": 1},
    "twenty inner iterations": {"lr": 1.0, "max_iter": 20},
    "history of three": {"lr": 1.0, "max_iter": 1, "history_size": 3},
    "half steps": {"lr": 0.5, "max_iter": 1},
    "the steps of b06b01073": {"lr": 0.01, "max_iter": 20},
}


def loss_of(x: torch.Tensor) -> torch.Tensor:
    """The chain."""
    index = torch.arange(PARAMETERS, dtype=torch.float64)
    a, target = (0.02 * 1.6**index).float(), torch.sin(index).float()
    return (a * (x - target) ** 2 / 2 + x**4 / 4).sum() + 2 * ((x[1:] - x[:-1]) ** 2).sum()


def trajectory(settings: dict) -> dict:
    """Losses of the calls of the closure, in order, until there are enough, and some of its points."""
    x = torch.cos(torch.arange(PARAMETERS, dtype=torch.float64)).float().requires_grad_()
    optimizer = torch.optim.LBFGS([x], **settings)
    losses: list[float] = []
    points: dict[int, list[float]] = {}

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of(x)
        loss.backward()
        if len(losses) in KEPT_POINTS:
            points[len(losses)] = x.tolist()
        losses.append(loss.item())
        return loss

    while len(losses) < EVALUATIONS:
        optimizer.step(closure)
    return {"settings": settings, "losses": losses[:EVALUATIONS], "points": points}


def main() -> None:
    """Write every case."""
    torch.set_num_threads(1)
    found = {"torch": torch.__version__, "cases": {name: trajectory(one) for name, one in CASES.items()}}
    DESTINATION.write_text(json.dumps(found, indent=1) + "\n")
    for name, case in found["cases"].items():
        print(name, case["losses"][:3], case["losses"][-1])


if __name__ == "__main__":
    main()
