"""The solver: the image as a variable, the compiled step, and the loop."""

from nst_tf.solver.compiled_step import CompiledSteps
from nst_tf.solver.patience import Patience
from nst_tf.solver.report import Report
from nst_tf.solver.roll_back import Diverged, RollBack
from nst_tf.solver.solver import Solver

__all__ = ["CompiledSteps", "Diverged", "Patience", "Report", "RollBack", "Solver"]
