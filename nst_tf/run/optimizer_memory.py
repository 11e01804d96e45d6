"""How much of an optimizer is in memory."""

from __future__ import annotations

from omegaconf import DictConfig

# of torch's L-BFGS: direction, point and gradient before; and as many in the middle of an update
_TEMPORARY = 6
_SCIPY_NUMBER = 2  # SciPy computes in float64


def images_of_optimizer(optimizer: DictConfig) -> float:
    """How many images [H, W, 3] in float32 its state and the middle of its update hold."""
    name = optimizer["_target_"].rpartition(".")[2]
    history = optimizer.get("history_size")
    if name == "ScipyLBFGSB":  # wa of the Fortran code: 2 m n + 5 n numbers, and the point and its gradient
        return _SCIPY_NUMBER * (2 * history + 7) + _TEMPORARY
    if history is not None:
        return 2 * history + _TEMPORARY
    return {"SGD": 1.0, "Adam": 4.0}.get(name, 5.0)  # at most three moments, as AMSGrad has, and an update
