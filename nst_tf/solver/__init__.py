"""The solver: the image as a variable, the compiled step, and the loop."""

from nst_tf.solver.batched_step import BatchedSteps, OtherStep, Seats
from nst_tf.solver.compiled_step import CompiledSteps
from nst_tf.solver.patience import Patience
from nst_tf.solver.report import Report
from nst_tf.solver.roll_back import Diverged, RollBack
from nst_tf.solver.solver import Solver
from nst_tf.solver.together import steps_together

__all__ = [
    "BatchedSteps",
    "CompiledSteps",
    "Diverged",
    "OtherStep",
    "Patience",
    "Report",
    "RollBack",
    "Seats",
    "Solver",
    "steps_together",
]
