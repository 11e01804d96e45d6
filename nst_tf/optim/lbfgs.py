"""L-BFGS as a Keras optimizer, safe or as torch has it, by curvature pairs and the two-loop recursion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nst_tf.device import assign_if, selects, wrapped
from nst_tf.errors import InputError, check_whole, is_number, require

# Nocedal and Wright 2006, section 3.1: "c1 is usually chosen to be quite small, say c1 = 1e-4"
_SUFFICIENT_DECREASE = 1e-4
# the same, section 3.5: a step from interpolation is kept within these parts of the last one
_SMALLEST_SHRINK, _LARGEST_SHRINK = 0.1, 0.5
# a pair must have s.y >= this * |s| |y|; SciPy's L-BFGS-B skips at machine epsilon * |y|^2, but here
# gradients may come from bfloat16 convolutions, with a relative noise of 2^-8 an activation
_SMALLEST_CURVATURE = 1e-6
# after so many rejected trials the curvature is not to be trusted: forget it and go downhill
_MOST_REJECTIONS = 8
# What octave_weight=None chooses from. Paintings, which gain from coarse moves, had 1.5 to 2 at nearly every
# step, drawings in ink 1 at first and 0 soon after.
_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5)
_FIRST_WEIGHT = 1.5
# pixels a side, in the middle of the picture, that tell the weight: all of a large one would only take memory
_SIDE_THAT_TELLS = 512


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
    is the weight there, or None to let every new pair choose it (``weight_of_pair``): how soft a loss is in
    what is coarse depends on the pictures. ``circular`` is that of a torus. ``scale`` multiplies the initial
    metric's usual length (Nocedal and Wright 2006, equation 7.20), which the newest pair gives: the shortest
    of the lengths that it allows, and so too short where steps are hardly ever taken back.
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
        octave_weight: float | None = 1.0,
        scale: float = 1.0,
        circular: bool = False,
        name: str = "lbfgs",
        **keras_options,
    ) -> None:
        """Raises InputError for a history below 1, empty bounds, a first step <= 0, or octaves < 0."""
        super().__init__(learning_rate=learning_rate, name=name, **keras_options)
        check_whole("history_size", history_size, 1)
        check_whole("octaves", octaves, 0)
        if lower is not None and upper is not None and not lower < upper:
            raise InputError(f"lower must be below upper, but they are {lower} and {upper}")
        weight = 1.0 if octave_weight is None else octave_weight
        for option, value in (("first_step", first_step), ("octave_weight", weight), ("scale", scale)):
            require(is_number(value) and value > 0, option, value, "positive")
        self.history_size = history_size
        self.lower, self.upper = lower, upper
        self.octave_weight, self.scale = octave_weight, scale
        self.first_step = first_step
        self.octaves = octaves
        self.circular = circular

    def build(self, var_list) -> None:
        if self.built:
            return
        super().build(var_list)
        size = count_parameters(var_list)
        make = self.add_variable
        self._image_shape = tuple(var_list[0].shape) if len(var_list) == 1 else ()
        self._pairs = CurvaturePairs(make, self.history_size, size)
        self._point = make((size,), dtype="float32", name="accepted_point")
        self._gradient = make((size,), dtype="float32", name="accepted_gradient")
        self._direction = make((size,), dtype="float32", name="direction")
        self._loss = make((), dtype="float32", name="accepted_loss")
        self._length = make((), dtype="float32", name="step_length")
        self._rejections = make((), dtype="int64", name="rejections")
        self._accepted = make((), dtype="int64", name="accepted_trials")
        self._weight = None
        if self.octave_weight is None and self._has_metric:
            begin: Any = keras.initializers.Constant(_FIRST_WEIGHT)
            self._weight = make((), dtype="float32", initializer=begin, name="octave_weight")

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
        options = ("history_size", "lower", "upper", "first_step")
        of_metric = ("octaves", "octave_weight", "scale", "circular")
        return super().get_config() | {name: getattr(self, name) for name in (*options, *of_metric)}

    def _learn_if(self, condition: tf.Tensor, trial: tf.Tensor, gradient: tf.Tensor) -> None:
        """Remember how the gradient changed on the way to the trial, where it tells a curvature."""
        step, change = trial - self._point.value, gradient - self._gradient.value
        curved = dot(step, change) > _SMALLEST_CURVATURE * tf.norm(step) * tf.norm(change)
        self._pairs.push_if(condition & curved, step, change)
        if self._weight is not None:
            images = (tf.reshape(step, self._image_shape), tf.reshape(change, self._image_shape))

            def chosen() -> list[tuple[Any, tf.Tensor]]:
                return [(self._weight, weight_of_pair(*images, self.octaves, circular=self.circular))]

            assign_if(condition & curved, chosen)

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

    @property
    def _has_metric(self) -> bool:
        return self.octaves > 0 and len(self._image_shape) == 4

    def _metric(self, vector: tf.Tensor) -> tf.Tensor:
        if not self._has_metric:
            return vector
        image = tf.reshape(vector, self._image_shape)
        weight: Any = self.octave_weight
        if self._weight is not None:
            weight = tf.convert_to_tensor(self._weight.value)
        moved = over_octaves(image, self.octaves, weight=weight, circular=self.circular)
        return tf.reshape(moved, [-1])

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


# ---- L-BFGS exactly as ``torch.optim.LBFGS`` without a line search: the step of half of the peers ----

# torch/optim/lbfgs.py: "if ys > 1e-10" before a pair is kept
_SMALLEST_CURVATURE_OF_TORCH = 1e-10


class TorchLBFGS(keras.optimizers.Optimizer):
    """One evaluation, one update: d = -H g, x += t d with t = learning_rate.

    The first step is min(1, 1 / norm1(g)) * learning_rate along -g. A pair is kept only where
    y.s > 1e-10; the initial metric is y.s / y.y. The update is left out where the largest gradient is
    at most ``tolerance_gradient`` or d.g > -``tolerance_change``, which ends torch's inner loop.
    Torch's inner iterations (``max_iter``) need nothing more: n of them are n updates here.

    There is no safeguard: the loss may rise without bound. That is what the sources do; use ``LBFGS``
    for anything else.
    """

    def __init__(
        self,
        learning_rate: float = 1.0,
        history_size: int = 100,
        tolerance_gradient: float = 1e-7,
        tolerance_change: float = 1e-9,
        name: str = "lbfgs_torch",
        **keras_options,
    ) -> None:
        """Torch's defaults; raises InputError for a history below 1."""
        super().__init__(learning_rate=learning_rate, name=name, **keras_options)
        check_whole("history_size", history_size, 1)
        self.history_size = history_size
        self.tolerance_gradient = tolerance_gradient
        self.tolerance_change = tolerance_change

    def build(self, var_list) -> None:
        if self.built:
            return
        super().build(var_list)
        size = count_parameters(var_list)
        self._pairs = CurvaturePairs(self.add_variable, self.history_size, size)
        self._gradient = self.add_variable((size,), dtype="float32", name="previous_gradient")
        self._step = self.add_variable((size,), dtype="float32", name="previous_step")

    def apply(self, grads, trainable_variables=None, loss=None) -> None:
        """Update the variables from their gradients; ``loss`` is accepted and not needed."""
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        self.build(variables)
        gradient = flatten(grads)
        largest = tf.reduce_max(tf.abs(gradient))
        # "not <=" and not ">": a NaN goes on, as it does in torch, and is caught by whoever watches the loss
        self._update_if(tf.logical_not(largest <= self.tolerance_gradient), gradient, variables)
        count_update(self)

    def get_config(self) -> dict:
        options = ("history_size", "tolerance_gradient", "tolerance_change")
        return super().get_config() | {name: getattr(self, name) for name in options}

    def _update_if(self, condition: tf.Tensor, gradient: tf.Tensor, variables) -> None:
        iterations: Any = self.iterations
        first = tf.equal(tf.convert_to_tensor(iterations.value), 0)
        change = gradient - self._gradient.value
        curvature = dot(change, self._step.value)
        keep = condition & tf.logical_not(first) & (curvature > _SMALLEST_CURVATURE_OF_TORCH)
        self._pairs.push_if(keep, tf.convert_to_tensor(self._step.value), change)

        def updated() -> list[tuple[Any, tf.Tensor]]:
            learning_rate = tf.cast(self._get_current_learning_rate(), tf.float32)
            direction = -self._pairs.times_inverse_hessian(gradient)
            shrink = tf.minimum(1.0, 1.0 / tf.reduce_sum(tf.abs(gradient)))
            step = tf.where(first, shrink, 1.0) * learning_rate * direction
            moves = tf.logical_not(dot(gradient, direction) > -self.tolerance_change)
            moved = flatten(variables) + tf.where(moves, step, 0.0)
            return [(self._gradient, gradient), (self._step, step), *unflattened(variables, moved)]

        assign_if(condition, updated)


# ---- the curvature pairs and the two-loop recursion over them ----


class CurvaturePairs:
    """The last m pairs s = change of position, y = change of gradient, oldest overwritten first.

    ``make_variable`` is ``add_variable`` of the optimizer that owns the pairs, and tracks them with its own.
    """

    def __init__(self, make_variable, size: int, parameters: int) -> None:
        """Room for ``size`` pairs of vectors with ``parameters`` elements, float32."""
        self._size = size
        self._steps = make_variable((size, parameters), dtype="float32", name="curvature_steps")
        self._changes = make_variable((size, parameters), dtype="float32", name="curvature_changes")
        self._pushed = make_variable((), dtype="int64", name="curvature_pushed")

    @property
    def pushed(self) -> tf.Tensor:
        """How many pairs were pushed since the last clearing; scalar int64."""
        return tf.convert_to_tensor(self._pushed.value)

    def push_if(self, condition: tf.Tensor, step: tf.Tensor, change: tf.Tensor) -> None:
        """Remember the pair if the scalar ``condition`` holds; both [n]."""
        steps, changes = self._steps.value, self._changes.value
        row = tf.math.floormod(self.pushed, self._size)

        def push(step: tf.Tensor, change: tf.Tensor) -> tf.Operation:
            steps.scatter_nd_update([[row]], step[tf.newaxis])
            changes.scatter_nd_update([[row]], change[tf.newaxis])
            return tf.no_op()

        if selects():  # of the whole history only the one row
            push(
                tf.where(condition, step, tf.gather(steps, row)),
                tf.where(condition, change, tf.gather(changes, row)),
            )
        else:
            tf.cond(condition, lambda: push(step, change), tf.no_op)
        self._pushed.assign_add(tf.cast(condition, tf.int64))

    def clear_if(self, condition: tf.Tensor) -> None:
        """Forget every pair if the scalar ``condition`` holds."""
        self._pushed.assign(tf.where(condition, tf.zeros_like(self.pushed), self.pushed))

    def times_inverse_hessian(
        self,
        vector: tf.Tensor,
        free: tf.Tensor | None = None,
        metric: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
        scale: float = 1.0,
    ) -> tf.Tensor:
        """The L-BFGS approximation of H^-1 v for v [n]: Nocedal and Wright 2006, algorithm 7.4.

        ``metric`` is a symmetric positive operator P [n] -> [n]. The initial metric is P times
        ``scale`` (s.y)/(y.P y) of the newest pair (equation 7.20, where P is the identity and the scale
        is 1), or P itself without a pair. With ``free`` [n] of zeros and ones the recursion runs in the
        subspace of the free coordinates: every pair is cut to it, pairs without positive curvature there
        are passed over, and ``vector`` must be zero outside of it.
        """

        def initial(vector):
            return metric(vector) if free is None else metric(vector) * free

        count = tf.minimum(self.pushed, self._size)
        newest = self.pushed - 1
        # the host counts the turns of a loop: on a GPU it doesn't know how many pairs there are
        turns = self._size if selects() else tf.cast(count, tf.int32)
        # convert_to_tensor of a whole history would copy it; a row at a time does not
        steps, changes = self._steps.value, self._changes.value

        def pair(row):
            step, change = tf.gather(steps, row), tf.gather(changes, row)
            if free is not None:
                step, change = step * free, change * free
            return step, change, dot(step, change)

        def pair_of_age(age):
            age = tf.cast(age, tf.int64)
            row = (newest - age) % self._size
            step, change, curvature = pair(row)
            return row, step, change, curvature, (curvature > 0) & (age < count)

        def first_loop(age, rest, coefficients, newest_usable):
            row, step, change, curvature, usable = pair_of_age(age)
            coefficient = tf.where(usable, tf.math.divide_no_nan(dot(step, rest), curvature), 0.0)
            newest_usable = tf.where(usable & (newest_usable < 0), row, newest_usable)
            return age + 1, rest - coefficient * change, coefficients.write(age, coefficient), newest_usable

        coefficients = tf.TensorArray(tf.float32, size=self._size, element_shape=(), clear_after_read=False)
        _, rest, coefficients, newest_usable = tf.while_loop(
            lambda age, *_: age < turns,
            first_loop,
            (0, vector, coefficients, tf.constant(-1, tf.int64)),
            parallel_iterations=1,
        )

        def second_loop(age, product):
            _, step, change, curvature, usable = pair_of_age(age)
            correction = tf.math.divide_no_nan(dot(change, product), curvature)
            factor = tf.where(usable, coefficients.read(age) - correction, 0.0)
            return age - 1, product + factor * step

        _, change, curvature = pair(tf.maximum(newest_usable, 0))
        length = scale * tf.math.divide_no_nan(curvature, dot(change, initial(change)))
        length = tf.where((newest_usable >= 0) & (length > 0), length, 1.0)
        _, product = tf.while_loop(
            lambda age, _: age >= 0, second_loop, (turns - 1, length * initial(rest)), parallel_iterations=1
        )
        return product


def dot(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Inner product of two vectors [n]; scalar."""
    return tf.tensordot(left, right, 1)


# ---- an initial metric for pictures: what is alike over larger areas may move further ----


def over_octaves(
    image: tf.Tensor, octaves: int, *, weight: float | tf.Tensor = 1.0, circular: bool = False
) -> tf.Tensor:
    """P v = v + sum for k = 1..octaves of w^k U_k U_k^T v / 4^k, for an image v [1, H, W, C] of any size.

    ``weight`` w >= 0 is how much more an octave counts than the next finer one.

    U_k enlarges an image 2^k times by linear interpolation, so U_k^T / 4^k takes weighted means around the
    points of a coarser grid (beyond the lower and right border v is 0). Each term is symmetric without
    negative eigenvalues, so P is symmetric with eigenvalues of at least 1: a metric.

    It is steepest descent on a sum of images at several resolutions, seen from the pixels. The loss of style
    transfer is stiff in fine detail and soft in what is coarse: plain gradients move detail first. Repeating
    pixels in the place of interpolation leaves the edges of squares in areas without detail.

    ``circular``: beyond a border v is what it is at the opposite one, and octaves whose 2^k does not divide
    both sides, which have no such grid, are left out. On a torus no place then moves in another way.
    """
    total = image
    for octave, means in enumerate(_means_of_octaves(image, octaves, circular), 1):
        if means is not None:
            total += weight**octave * means
    return total


def weight_of_pair(step: tf.Tensor, change: tf.Tensor, octaves: int, *, circular: bool = False) -> tf.Tensor:
    """Images s and y [1, H, W, C] of a pair -> the weight for ``over_octaves`` that fits them best; scalar.

    An inverse Hessian takes the change y of the gradient to the step s (the secant equation, Nocedal and
    Wright 2006, equation 6.6). The best metric P is that whose P y is nearest to s in direction, that is of
    the largest cosine (s.P y) / (|s| |P y|): its length follows from equation 7.20.
    """
    sides = _sides(step)
    height, width = (min(side, _SIDE_THAT_TELLS) for side in sides)
    top, left = (sides[0] - height) // 2, (sides[1] - width) // 2
    step, change = (one[:, top : top + height, left : left + width] for one in (step, change))
    circular &= (height, width) == sides
    # P y is a polynomial in w, so the sums of its terms' products give the cosine for every w
    terms = [change, *_means_of_octaves(change, octaves, circular)]
    found = [(power, tf.reshape(one, [-1])) for power, one in enumerate(terms) if one is not None]
    columns = tf.stack([one for _, one in found])
    powers = tf.constant([[weight**power for power, _ in found] for weight in _WEIGHTS], step.dtype)
    along = tf.linalg.matvec(powers, tf.linalg.matvec(columns, tf.reshape(step, [-1])))
    products = tf.matmul(columns, columns, transpose_b=True)
    lengths = tf.sqrt(tf.reduce_sum(tf.matmul(powers, products) * powers, axis=1))
    return tf.gather(tf.constant(_WEIGHTS, step.dtype), tf.argmax(tf.math.divide_no_nan(along, lengths)))


def _means_of_octaves(image: tf.Tensor, octaves: int, circular: bool) -> Iterator[tf.Tensor | None]:
    """U_k U_k^T v / 4^k for k = 1..octaves; None for those that a torus does not have."""
    height, width = _sides(image)
    for octave in range(1, octaves + 1):
        side = 2**octave
        if circular:
            yield None if height % side or width % side else _octave_of_torus(image, side)
            continue
        down, across = -(-height // side), -(-width // side)
        padded = tf.pad(image, [[0, 0], [0, down * side - height], [0, across * side - width], [0, 0]])
        coarse = tf.zeros((1, down, across, image.shape[-1]), image.dtype)
        # the gradient of an interpolation is its transpose
        sums = tf.raw_ops.ResizeBilinearGrad(grads=padded, original_image=coarse, half_pixel_centers=True)
        means = sums / side**2
        yield tf.image.resize(means, (down * side, across * side), "bilinear")[:, :height, :width]


def _sides(image: tf.Tensor) -> tuple[int, int]:
    return int(image.shape[1]), int(image.shape[2])  # pyright: ignore[reportArgumentType]


def _octave_of_torus(image: tf.Tensor, side: int) -> tf.Tensor:
    """U U^T v / side^2 for one octave: a cell of the coarser grid reaches half a cell into its neighbours."""
    padded = wrapped(image, side)
    coarse = tf.zeros_like(padded[:, ::side, ::side])
    sums = tf.raw_ops.ResizeBilinearGrad(grads=padded, original_image=coarse, half_pixel_centers=True)
    means = wrapped(sums[:, 1:-1, 1:-1] / side**2, 1)
    return tf.image.resize(means, tuple(padded.shape[1:3]), "bilinear")[:, side:-side, side:-side]


# ---- what all kinds of L-BFGS share: many variables as one vector, in the way of a Keras optimizer ----


def flatten(tensors: Sequence) -> tf.Tensor:
    """Tensors or variables of any shapes -> one float32 vector [n]."""
    parts = [tf.reshape(tf.cast(tf.convert_to_tensor(one), tf.float32), [-1]) for one in tensors]
    return parts[0] if len(parts) == 1 else tf.concat(parts, 0)


def unflattened(variables: Sequence, vector: tf.Tensor) -> list[tuple[Any, tf.Tensor]]:
    """Each of the variables with its share of a vector [n], in its shape and type."""
    start, pairs = 0, []
    for variable in variables:
        size = int(np.prod(variable.shape))
        value = tf.reshape(vector[start : start + size], variable.shape)
        pairs.append((variable, tf.cast(value, variable.dtype)))
        start += size
    return pairs


def assign_flat(variables: Sequence, vector: tf.Tensor) -> None:
    """Write a vector [n] back into the variables it was made of."""
    for variable, value in unflattened(variables, vector):
        variable.assign(value)


def count_parameters(variables: Sequence) -> int:
    """The length of the vector that ``flatten`` makes of the variables."""
    return sum(int(np.prod(variable.shape)) for variable in variables)


def count_update(optimizer: keras.optimizers.Optimizer) -> None:
    """Count one more application, as Keras' own optimizers do."""
    iterations: Any = optimizer.iterations
    iterations.assign_add(1)
