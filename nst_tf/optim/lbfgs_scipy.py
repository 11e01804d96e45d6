"""SciPy's L-BFGS-B, asked and told from outside: the optimizer of the Keras book and of cysmith."""

from __future__ import annotations

import queue
import threading

import keras
import numpy as np
import tensorflow as tf

from nst_tf.errors import InputError, check_whole, require
from nst_tf.optim.lbfgs import assign_flat, count_parameters, count_update, flatten

_LONGEST_LINE_SEARCH = 20  # maxls of fmin_l_bfgs_b: what a round may go beyond its number of evaluations


class ScipyLBFGSB(keras.optimizers.Optimizer):
    """``scipy.optimize.fmin_l_bfgs_b`` in rounds of at most ``evaluations`` evaluations.

    SciPy wants to call the objective; the solver's loop wants to be the one that calls. So SciPy runs in
    a thread of its own whose objective waits until ``apply`` brings loss and gradient of the point that
    it asked for. A round that ends (by its number of evaluations or because it converged) is followed
    by another from its result, as in the published code of Chollet's book, which runs 20 rounds of 20.

    It runs on the host in float64 and copies the image at every evaluation: it is here to repeat what
    others did. Byrd, Lu, Nocedal, Zhu 1995.

    SciPy's state can't be saved in the middle of a round. What can is all that the round was told, so that
    an optimizer whose variables were restored tells it again, and is where the other one was.
    """

    needs_loss = True
    on_host = True

    def __init__(
        self,
        learning_rate: float = 1.0,
        evaluations: int = 20,
        history_size: int = 10,
        lower: float | None = None,
        upper: float | None = None,
        name: str = "lbfgs_scipy",
        **keras_options,
    ) -> None:
        """SciPy's defaults; bounds None are none. Raises InputError for less than one evaluation."""
        super().__init__(learning_rate=learning_rate, name=name, **keras_options)
        check_whole("history_size", history_size, 1)
        require(evaluations >= 1, "optimizer.evaluations", evaluations, "at least 1")
        self.evaluations = evaluations
        self.history_size = history_size
        self.lower, self.upper = lower, upper
        self._round: _Round | None = None

    def build(self, var_list) -> None:
        """Create the state for these variables: the present round's start, losses and gradients."""
        if self.built:
            return
        super().build(var_list)
        size = count_parameters(var_list)
        make = self.add_variable
        self._start = make((size,), dtype="float32", name="round_start")
        longest = self.evaluations + _LONGEST_LINE_SEARCH
        self._losses = make((longest,), dtype="float32", name="round_losses")
        self._gradients = make((longest, size), dtype="float32", name="round_gradients")
        self._told = make((), dtype="int32", name="round_told")

    def apply(self, grads, trainable_variables=None, loss=None) -> None:
        """Tell loss and gradient at the variables' present value; move them to the next point asked for."""
        if loss is None:
            raise InputError("L-BFGS-B compares losses: call apply(gradients, variables, loss=...)")
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        self.build(variables)
        present, gradient = flatten(variables), flatten(grads)
        if self._round is None:
            self._round = self._restored() or self._begun(present)
        told = int(self._told.numpy())
        if told < int(self._losses.shape[0]):
            self._losses.value.scatter_nd_update([[told]], [tf.cast(loss, tf.float32)])
            self._gradients.value.scatter_nd_update([[told]], gradient[tf.newaxis])
        self._told.assign(told + 1)
        point, ended = self._round.tell(float(loss), _doubles(gradient))
        if ended:
            self._round = None
            self._told.assign(0)
        assign_flat(variables, tf.constant(point, tf.float32))
        count_update(self)

    def close(self) -> None:
        """End the thread of an unfinished round."""
        if self._round is not None:
            self._round.abandon()
            self._round = None
        if self.built:
            self._told.assign(0)

    def get_config(self) -> dict:
        options = ("evaluations", "history_size", "lower", "upper")
        return super().get_config() | {name: getattr(self, name) for name in options}

    def _begun(self, start: tf.Tensor) -> _Round:
        self._start.assign(start)
        self._told.assign(0)
        return _Round(_doubles(start), self._options())

    def _restored(self) -> _Round | None:
        """The round that the variables tell of; None if they tell of none."""
        told = int(self._told.numpy())
        if not 0 < told <= int(self._losses.shape[0]):
            return None
        restored = _Round(_doubles(self._start), self._options())
        for loss, gradient in zip(self._losses.numpy()[:told], self._gradients.numpy()[:told], strict=True):
            _, ended = restored.tell(float(loss), _doubles(gradient))
            if ended:  # on another machine, or with another SciPy
                return None
        return restored

    def _options(self) -> dict:
        bounded = self.lower is not None or self.upper is not None
        return {
            "maxfun": self.evaluations,
            "m": self.history_size,
            "bounds": (self.lower, self.upper) if bounded else None,
        }


def _doubles(vector) -> np.ndarray:
    return np.asarray(vector, np.float64)


class _Abandoned(Exception):
    pass


class _Round:
    """One call of SciPy in a thread; ``tell`` answers its question and returns the next one."""

    def __init__(self, start: np.ndarray, options: dict) -> None:
        self._asked: queue.Queue = queue.Queue()
        self._told: queue.Queue = queue.Queue()
        self._thread = threading.Thread(target=self._run, args=(start, options), daemon=True)
        self._thread.start()
        self._asked.get()  # the first question is the start itself, whose answer `tell` brings

    def tell(self, loss: float, gradient: np.ndarray) -> tuple[np.ndarray, bool]:
        """Loss and gradient of the point asked for -> the next point, and whether the round has ended."""
        self._told.put((loss, gradient))
        kind, value = self._asked.get()
        if kind == "failed":
            raise value
        if kind == "ended":
            self._thread.join()
        return value, kind == "ended"

    def abandon(self) -> None:
        self._told.put(None)
        self._thread.join()

    def _run(self, start: np.ndarray, options: dict) -> None:
        from scipy.optimize import fmin_l_bfgs_b  # late: who takes another optimizer need not wait for it

        def objective(point: np.ndarray) -> tuple[float, np.ndarray]:
            self._asked.put(("asked", point.copy()))
            answer = self._told.get()
            if answer is None:
                raise _Abandoned
            return answer

        bounds = options.pop("bounds")
        try:
            point, _, _ = fmin_l_bfgs_b(
                objective, start, bounds=[bounds] * len(start) if bounds else None, **options
            )
            self._asked.put(("ended", point))
        except _Abandoned:
            return
        except Exception as error:  # handed to the thread that waits
            self._asked.put(("failed", error))
