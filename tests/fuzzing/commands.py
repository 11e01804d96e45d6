"""The programs as functions: what they answer in this process, and what is wrong with an answer."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from logging_restored import logging_restored

from fuzzing.watch import Watch
from nst_tf.config.schema import is_option

_MOST_LETTERS = 1000  # of a sentence: a screen of ten lines; paths take most of it


class Reached(BaseException):
    """Raised in the place of the work itself: all checks were passed."""


@dataclass(frozen=True)
class Said:
    """What a program said and how it ended; ``status`` is None where it went on to its work."""

    status: int | None
    out: str
    err: str
    did: tuple[str, ...] = ()
    """What it did that it may not do."""

    @property
    def outcome(self) -> str:
        """In a word."""
        return {None: "accepted", 0: "done", 2: "refused"}.get(self.status, f"status {self.status}")

    def wrong(self, name: str) -> list[str]:
        """What is wrong: what it did, another status than 0 or 2, other words than one sentence."""
        wrong = list(self.did)
        if self.status not in (None, 0, 2):
            wrong.append(f"status {self.status}: {self.err[-500:]!r}")
        # before the refusal there may be warnings, of which each has its own line
        if self.status == 2 and not self.err.rstrip("\n").split("\n")[-1].startswith(f"{name}: "):
            wrong.append(f"no sentence of {name}: {self.err[-500:]!r}")
        if self.status == 2 and self.out:
            wrong.append(f"answers and refuses: {self.out[:200]!r}")
        for line in (self.err + self.out).split("\n"):
            if line.strip() and (self.status == 2 or not line.isprintable()):
                wrong += wrong_sentence(line)
        return wrong


def wrong_sentence(sentence: str) -> list[str]:
    """What is wrong with a sentence to a user: more than one line, say, or signs that command a terminal."""
    if not sentence.strip():
        return ["an empty sentence"]
    faults = {
        "more than one line": "\n" in sentence,
        f"{len(sentence)} letters": len(sentence) > _MOST_LETTERS,
        "unprintable signs": not sentence.replace("\n", "").isprintable(),
        "of Python's inside": "Traceback" in sentence or "object at 0x" in sentence,
    }
    return [f"{fault}: {sentence[:300]!r}" for fault, is_there in faults.items() if is_there]


def said_by(main: Callable[[], object], name: str, words: Sequence[str], folder: Path) -> Said:
    """What ``NAME WORD ...`` says in ``folder``; whatever it raises but ``SystemExit`` is passed on."""
    out, err, status, watch = io.StringIO(), io.StringIO(), 0, Watch()
    here, arguments = Path.cwd(), sys.argv
    os.chdir(folder)
    sys.argv = [name, *words]
    watch.begin(folder)
    try:
        with redirect_stdout(out), redirect_stderr(err), logging_restored():
            main()
    except Reached:
        status = None
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    finally:
        did = watch.end()
        os.chdir(here)
        sys.argv = arguments
    return Said(status, out.getvalue(), err.getvalue(), tuple(did))


def stopped_before_work() -> Callable[[], None]:
    """The main function of ``nst``, which raises ``Reached`` where a run or a sweep would begin to work."""
    from hydra._internal.core_plugins.basic_launcher import BasicLauncher

    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    from nst_tf.tensorflow_setup import load_tensorflow

    load_tensorflow()  # once, before the processes part; the first, for what follows imports it
    from nst_tf import experiment
    from nst_tf.cli import main
    from nst_tf.process_cache import CACHE
    from nst_tf.runs import memory

    def reached(*arguments: object, **others: object) -> None:
        raise Reached

    memory.visible_gpus = list  # else a program of the driver is asked
    experiment.prepare = BasicLauncher.launch = reached
    # what asks the machine or draws numbers by the million: the same for all cases
    CACHE.weights = lambda *_: None  # type: ignore[method-assign]
    if not is_option("optimizer", "lbfgs"):
        raise RuntimeError("the configuration files are not where they should be")
    return main
