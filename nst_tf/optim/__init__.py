"""Optimizers for `optimizer=`, beside those of Keras; the compiled step and the loop over it."""

from __future__ import annotations

from nst_tf.optim.lbfgs import LBFGS, TorchLBFGS
from nst_tf.optim.lbfgs_scipy import ScipyLBFGSB

__all__ = ["LBFGS", "ScipyLBFGSB", "TorchLBFGS"]
