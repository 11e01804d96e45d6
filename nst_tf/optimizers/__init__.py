"""Optimizers: L-BFGS in the interface of a Keras optimizer; every other one comes from Keras."""

from nst_tf.optimizers.lbfgs import LBFGS
from nst_tf.optimizers.lbfgs_scipy import ScipyLBFGSB
from nst_tf.optimizers.lbfgs_torch import TorchLBFGS

__all__ = ["LBFGS", "ScipyLBFGSB", "TorchLBFGS"]
