"""The safe L-BFGS: bounded, with a line search, one evaluation of the objective at every call."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from nst_tf.conditional_assignment import assign_if
from nst_tf.errors import InputError
from nst_tf.optimizers.curvature import CurvaturePairs, dot
from nst_tf.optimizers.flat import assign_flat, count_parameters, flatten
from nst_tf.optimizers.octaves import over_octaves
from nst_tf.optimizers.state import check_history_size, count_update, zero_variables_of

# Nocedal and Wright 2006, section 3.1: "c1 is usually chosen to be quite small, say c1 = 1e-4"
_SUFFICIENT_DECREASE = 1e-4
# the same, section 3.5: a step from interpolation is kept within these parts of the last one
_SMALLEST_SHRINK, _LARGEST_SHRINK = 0.1, 0.5
# a pair must have s.y >= this * |s| |y|; SciPy's L-BFGS-B skips at machine epsilon * |y|^2, but here
# gradients may come from bfloat16 convolutions, with a relative noise of 2^-8 an activation
_SMALLEST_CURVATURE = 1e-6
# after so many rejected trials the curvature is not to be trusted: forget it and go downhill
_MOST_REJECTIONS = 8


class LBFGS(keras.optimizers.Optimizer):
    """Projected L-BFGS with backtracking, told the loss together with the gradient.

    Every call of ``apply`` receives loss and gradient at the variables' present value, the trial
    point. A trial that decreases the loss sufficiently (Armijo's condition along the projection arc,
    Bertsekas 1982, "Projected Newton methods for optimization problems with simple constraints",
    equation 12) is accepted, the curvature is updated, and the variables move to the next trial; any
    other (a higher, infinite or undefined loss) is taken back, and a shorter step is tried from the
    last accepted point. So one call is one evaluation, and ``accepted_loss`` never rises.

    Coordinates at a bound whose gradient points outwards are held, and the two-loop recursion runs
    in the subspace of the others (Bertsekas' two-metric projection).

    ``learning_rate`` is the first trial's length on the quasi-Newton direction, where 1 is right for
    almost every purpose; ``first_step`` is the root mean square of the first change of the variables
    (for pictures in [0, 1]: 0.01 is two to three 8-bit steps). ``lower`` and ``upper`` bound every
    coordinate; None is no bound. ``octaves`` above 0 begins the recursion with the metric of
    ``over_octaves`` and not with the identity, if the variable is one image [1, H, W, C]; ``octave_weight``
    is the weight there, ``circular`` is that of a torus. ``scale`` multiplies the initial metric's usual
    length (Nocedal and Wright 2006, equation 7.20), which the newest pair gives: the shortest of the lengths
    that it allows, and so too short where steps are hardly ever taken back.
    """

    needs_loss = True

    def __init__(
        self,
        learning_rate: float = 1.0,
        history_size: int = 20,
        lower: float | None = 0.0,
        upper: float | None = 1.0,
        first_step: float = 0.01,
        octaves: int = 0,
        octave_weight: float = 1.0,
        scale: float = 1.0,
        circular: bool = False,
        name: str = "lbfgs",
        **keras_options,
    ) -> None:
        """Raises InputError for a history below 1, empty bounds, a first step <= 0, or octaves < 0."""
        super().__init__(learning_rate=learning_rate, name=name, **keras_options)
        check_history_size(history_size)
        if lower is not None and upper is not None and not lower < upper:
            raise InputError(f"lower must be below upper, but they are {lower} and {upper}")
        if not (first_step > 0 and math.isfinite(first_step)):
            raise InputError(f"first_step must be positive, but is {first_step}")
        self.history_size = history_size
        self.lower, self.upper = lower, upper
        if isinstance(octaves, bool) or not isinstance(octaves, int) or octaves < 0:
            raise InputError(f"octaves must be a whole number of at least 0, but is {octaves!r}")
        for option, value in (("octave_weight", octave_weight), ("scale", scale)):
            if not (value > 0 and math.isfinite(value)):
                raise InputError(f"{option} must be positive, but is {value}")
        self.octave_weight, self.scale = octave_weight, scale
        self.first_step = first_step
        self.octaves = octaves
        self.circular = circular

    def build(self, var_list) -> None:
        """Create the state for these variables."""
        if self.built:
            return
        super().build(var_list)
        size = count_parameters(var_list)
        make = zero_variables_of(self)
        self._image_shape = tuple(var_list[0].shape) if len(var_list) == 1 else ()
        self._pairs = CurvaturePairs(make, self.history_size, size)
        self._point = make((size,), "float32", "accepted_point")
        self._gradient = make((size,), "float32", "accepted_gradient")
        self._direction = make((size,), "float32", "direction")
        self._loss = make((), "float32", "accepted_loss")
        self._length = make((), "float32", "step_length")
        self._rejections = make((), "int64", "rejections")
        self._accepted = make((), "int64", "accepted_trials")

    @property
    def accepted_loss(self) -> tf.Tensor:
        """The loss of the last accepted point, the lowest so far; scalar."""
        return tf.convert_to_tensor(self._loss.value)

    def apply(self, grads, trainable_variables=None, loss=None) -> None:
        """Accept or take back the present value of the variables, and move them to the next trial."""
        if loss is None:
            raise InputError("LBFGS compares losses: call apply(gradients, variables, loss=...)")
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        self.build(variables)
        trial, gradient, loss = flatten(variables), flatten(grads), tf.cast(loss, tf.float32)
        first = tf.equal(tf.convert_to_tensor(self._accepted.value), 0)
        promised = dot(self._gradient.value, trial - self._point.value)
        sufficient = loss <= self._loss.value + _SUFFICIENT_DECREASE * tf.minimum(promised, 0.0)
        usable = tf.math.is_finite(loss) & tf.math.is_finite(tf.reduce_sum(tf.abs(gradient)))
        accepts = usable & (first | sufficient)
        self._learn_if(accepts & tf.logical_not(first), trial, gradient)
        shorter = tf.convert_to_tensor(self._length.value) * self._shrink(loss, promised)
        self._accept_if(accepts, trial, gradient, loss)
        starts_anew = tf.logical_not(accepts) & tf.equal(self._rejections.value % _MOST_REJECTIONS, 0)
        self._pairs.clear_if(starts_anew)
        assign_if(tf.logical_not(accepts), lambda: [(self._length, shorter)])
        assign_if(accepts | starts_anew, self._aim)
        step = tf.convert_to_tensor(self._length.value) * self._direction.value
        next_trial = self._projected(self._point.value + step)
        # a start without a usable loss leaves no point to go back to: stay there
        started = tf.convert_to_tensor(self._accepted.value) > 0
        assign_flat(variables, tf.where(started, next_trial, trial))
        count_update(self)

    def get_config(self) -> dict:
        """What ``from_config`` needs to build this optimizer anew."""
        return super().get_config() | {
            "history_size": self.history_size,
            "lower": self.lower,
            "upper": self.upper,
            "first_step": self.first_step,
            "octaves": self.octaves,
            "octave_weight": self.octave_weight,
            "scale": self.scale,
            "circular": self.circular,
        }

    def _learn_if(self, condition: tf.Tensor, trial: tf.Tensor, gradient: tf.Tensor) -> None:
        """Remember how the gradient changed on the way to the trial, where it tells a curvature."""
        step, change = trial - self._point.value, gradient - self._gradient.value
        curved = dot(step, change) > _SMALLEST_CURVATURE * tf.norm(step) * tf.norm(change)
        self._pairs.push_if(condition & curved, step, change)

    def _accept_if(
        self, condition: tf.Tensor, trial: tf.Tensor, gradient: tf.Tensor, loss: tf.Tensor
    ) -> None:
        assign_if(condition, lambda: [(self._point, trial), (self._gradient, gradient), (self._loss, loss)])
        self._accepted.assign_add(tf.cast(condition, tf.int64))
        rejections = tf.convert_to_tensor(self._rejections.value)
        self._rejections.assign(tf.where(condition, tf.zeros_like(rejections), rejections + 1))

    def _shrink(self, loss: tf.Tensor, promised: tf.Tensor) -> tf.Tensor:
        """By what the length is multiplied after a trial with this loss was taken back."""
        # the parabola through the accepted loss, its slope and the trial's loss has its minimum here
        excess = loss - self._loss.value - promised
        shrink = tf.where(excess > 0, tf.math.divide_no_nan(-promised, 2.0 * excess), _LARGEST_SHRINK)
        shrink = tf.where(tf.math.is_finite(loss), shrink, _SMALLEST_SHRINK)
        return tf.clip_by_value(shrink, _SMALLEST_SHRINK, _LARGEST_SHRINK)

    def _aim(self) -> list[tuple[Any, tf.Tensor]]:
        """Direction and first length from the accepted point."""
        gradient = tf.convert_to_tensor(self._gradient.value)
        free = self._free(gradient)
        downhill = -gradient * free
        newton = self._pairs.times_inverse_hessian(downhill, free, self._metric, self.scale)
        # without curvature the direction has the gradient's scale: the first step sets the scale
        root_mean_square = tf.sqrt(tf.reduce_mean(tf.square(newton)))
        first_length = tf.math.divide_no_nan(tf.constant(self.first_step), root_mean_square)
        smaller = 0.5 ** tf.cast(self._rejections.value, tf.float32)
        learning_rate = tf.cast(self._get_current_learning_rate(), tf.float32)
        length = tf.where(tf.equal(self._pairs.pushed, 0), first_length * smaller, 1.0)
        return [(self._direction, newton), (self._length, length * learning_rate)]

    def _metric(self, vector: tf.Tensor) -> tf.Tensor:
        if not self.octaves or len(self._image_shape) != 4:
            return vector
        return tf.reshape(self._over_octaves(tf.reshape(vector, self._image_shape)), [-1])

    def _over_octaves(self, image: tf.Tensor) -> tf.Tensor:
        return over_octaves(image, self.octaves, weight=self.octave_weight, circular=self.circular)

    def _free(self, gradient: tf.Tensor) -> tf.Tensor:
        """1 where a coordinate may move along -gradient, 0 where a bound holds it; [n]."""
        held = tf.zeros_like(gradient, tf.bool)
        if self.lower is not None:
            held |= (self._point.value <= self.lower) & (gradient > 0)
        if self.upper is not None:
            held |= (self._point.value >= self.upper) & (gradient < 0)
        return tf.cast(tf.logical_not(held), tf.float32)

    def _projected(self, point: tf.Tensor) -> tf.Tensor:
        if self.lower is not None:
            point = tf.maximum(point, self.lower)
        if self.upper is not None:
            point = tf.minimum(point, self.upper)
        return point
