"""Runs of a sweep that are optimized at once: which go with a job, and what of them waits for its turn."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from nst_tf.check_before_run import checked_run
from nst_tf.config.inputs import Inputs, video_of
from nst_tf.config.schema import Settings
from nst_tf.runs.memory import is_out_of_memory, pictures_that_fit
from nst_tf.runs.provenance import requested_sha256
from nst_tf.sweep.plan import PlannedJob
from nst_tf.sweep.resume import Action, next_action
from nst_tf.sweep.state import Sweep

if TYPE_CHECKING:
    from nst_tf.batch_transfer import BatchedRun
    from nst_tf.experiment import Experiment


_log = logging.getLogger(__name__)

_Identity = tuple[str, ...]  # of a job: its configuration, and the hashes of its pictures

# Of ``auto``, an estimate until it is measured on a GPU. A step of 1024 x 1024 pixels is 1.5 TFLOP (378 GFLOP
# at 512 x 512), 2 ms at an H100's 790 TFLOP/s in bfloat16: no less than launching its hundreds of kernels.
_MOST_PIXELS = 1024 * 1024
# the optimizers of a batch are traced one by one
_MOST_RUNS = 16
# jobs that are set up for every one that is wanted: two optimizers by two statistics may take turns
_SET_UP_FOR_EACH = 4
# of reports and progress pictures that wait: a fourth of what compiled steps may keep
_MOST_KEPT_BYTES = 1 << 28
_BYTES_A_PIXEL = 12


class Batches:
    """Optimizes jobs of a sweep together, in the process that runs them one after another.

    The first job of a batch sets up the others; their results are kept until their turn comes.
    """

    current: ClassVar[Batches | None] = None

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self._results: dict[str, tuple[_Identity, BatchedRun]] = {}  # by the folder of the job
        self._kinds: dict[int, int] = {}
        self._alone: set[int] = set()
        self._given_up = False

    def result_of(
        self, number: int, requested: str, settings: Settings, inputs: Inputs, experiment: Experiment
    ) -> BatchedRun | None:
        """The result of the job of this number if it was, or is now, optimized with others, else None.

        ``requested`` is the identity of its settings as they were asked for; their precision and memory are
        resolved by now.
        """
        from nst_tf.batch_transfer import batch_key, optimize_batch
        from nst_tf.process_cache import CACHE

        job = next((job for job in self.sweep.plan.jobs or () if job.number == number), None)
        if job is None or number in self._alone:
            return None
        kept = self._results.pop(job.folder, None)
        if kept is not None and kept[0] == _identity(requested, inputs):
            return kept[1]
        if self._given_up or not _may_go_with_others(settings) or batch_key(experiment) is None:
            return None
        most = _most(settings, inputs, experiment)
        others = list(self._others(job, most, experiment)) if most > 1 else []
        if not others:
            return None
        _log.info("optimized together with %s", ", ".join(f"job {other.number}" for other, *_ in others))
        try:
            every = [experiment, *(one for _, one, _ in others)]
            mine, *theirs = optimize_batch(every, CACHE.batches)
        except Exception as error:  # whatever it is, each may still be possible alone
            self._given_up = True
            CACHE.forget_sizes()
            reason = "memory" if is_out_of_memory(error) else (str(error).splitlines() or [""])[0][:200]
            _log.warning("not together, but one by one, for %s: %s", type(error).__name__, reason)
            return None
        for (other, _, identity), made in zip(others, theirs, strict=True):
            if made is None:
                self._alone.add(other.number)
            else:
                self._results[other.folder] = identity, made
        return mine

    def _others(
        self, job: PlannedJob, most: int, experiment: Experiment
    ) -> Iterator[tuple[PlannedJob, Experiment, _Identity]]:
        """Later jobs of the kind of this one, set up, and what identifies them; ``most`` with it."""
        from nst_tf.batch_transfer import batch_key

        kind = batch_key(experiment)
        coming = [
            one
            for one in self.sweep.plan.jobs or ()
            if one.number > job.number and one.number not in self._alone and one.folder not in self._results
        ]
        wanted = most - 1
        for one in coming[: _SET_UP_FOR_EACH * wanted]:
            # a job of another kind is set up only once to find out; of the kinds only the hashes are kept,
            # because they hold networks
            if self._kinds.get(one.number, hash(kind)) != hash(kind):
                continue
            prepared = self._prepared(one)
            its_kind = prepared and batch_key(prepared[0])
            self._kinds[one.number] = hash(its_kind)
            if prepared is None or its_kind != kind:
                continue
            yield one, *prepared
            wanted -= 1
            if not wanted:
                return

    def _prepared(self, job: PlannedJob) -> tuple[Experiment, _Identity] | None:
        """Set up a job that is still to be run; None for another, or one that will fail in its turn."""
        from nst_tf.set_up import set_up_unbalanced

        try:
            settings, choices = self.sweep.plan.settings(job.overrides, job.number)
            action = next_action(self.sweep.folder / job.folder, settings, choices, job.overrides)
            if action not in (Action.RUN, Action.RESTART) or not _may_go_with_others(settings):
                return None
            run = checked_run(settings, choices, explicit=self.sweep.plan.explicit(job.overrides))
            identity = _identity(requested_sha256(settings), run.inputs)
            return set_up_unbalanced(run).experiment, identity
        except Exception:  # whatever it is: it is told when its turn comes, and harms no other job
            return None


def batches_of(state: Any) -> Batches | None:
    """The batches of a job's sweep; ``state`` is Hydra's part of its settings. None where there are none.

    Only Hydra's own launcher runs the jobs in the process that knows them all; a search has none to come.
    """
    sweep = Sweep.current
    if sweep is None or sweep.plan.jobs is None or "basic_launcher" not in state.launcher._target_:
        return None
    if Batches.current is None or Batches.current.sweep is not sweep:
        Batches.current = Batches(sweep)
    return Batches.current


def _may_go_with_others(settings: Settings) -> bool:
    """Whether nothing is asked of the run that only a run by itself can do.

    The same bits every time are the same only with the same others; a profile would be that of all.
    """
    return (
        not settings.deterministic
        and settings.resume is None
        and not settings.profile
        and not settings.record.keep_checkpoint
        and not settings.record.tensorflow_profile
        and not video_of(settings).takes_frames
    )


def _identity(requested: str, inputs: Inputs) -> _Identity:
    return (requested, *(one.sha256 for one in (inputs.content, *inputs.styles)))


def _most(settings: Settings, inputs: Inputs, experiment: Experiment) -> int:
    """How many runs at once: what was asked for, or what helps, as far as they fit."""
    import tensorflow as tf

    from nst_tf.device import device_bytes

    pixels = max(height * width for height, width in experiment.shapes)
    helps = 1  # nothing is idle on a CPU
    if tf.config.list_physical_devices("GPU"):
        helps = min(_MOST_RUNS, _MOST_PIXELS // pixels)
    most = helps if settings.sweep.batch == "auto" else settings.sweep.batch
    if most <= 1:
        return 1
    steps = sum(scale.steps for scale in experiment.scales)
    pictures = steps // experiment.image_every if experiment.image_every else 0
    most = min(most, 1 + _MOST_KEPT_BYTES // max(1, _BYTES_A_PIXEL * pixels * pictures))
    fit = pictures_that_fit(settings, inputs, device_bytes())
    return most if fit is None else min(most, fit)
