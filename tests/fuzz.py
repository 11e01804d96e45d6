"""Give damaged and hostile input to the programs by the thousand, and tell what goes wrong.

    python tests/fuzz.py                                # all of it, two at a time
    python tests/fuzz.py --pictures 20000 --seed 5      # more of one kind, from another seed
    python tests/fuzz.py --only overrides:123           # one case again, in this process

Each case must end in a result or in one clear sentence with exit status 2: never in a traceback, a hang
(``--seconds``), more than 2 GB, a file outside of its own folder, a program that was started or an object
that was unpickled. A case is known by kind, seed and number. Exit status 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fuzzing.batches import MOST_BYTES, Answer, run_cases

KINDS = {"pictures": 2000, "overrides": 2000, "folders": 500}
"""Cases of each kind, unless the command line says otherwise; each is a module with a function checker()."""

_MOST_LETTERS = 600  # of a reason


def main() -> None:
    """Fuzz what the command line names."""
    arguments = _arguments()
    sys.dont_write_bytecode = True
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="nst_tf-fuzz-") as scratch:
        if arguments.only:
            kind, _, number = arguments.only.partition(":")
            if kind not in KINDS or not number.isdigit():
                sys.exit(
                    f"--only takes KIND:NUMBER with a kind of {', '.join(KINDS)}, but got {arguments.only}"
                )
            print(_check_of(kind, arguments.seed, Path(scratch), show=print)(int(number)))
            return
        for kind in KINDS:
            if count := getattr(arguments, kind):
                wrong += _all(kind, count, arguments, Path(scratch))
    sys.exit(1 if wrong else 0)


def _check_of(kind: str, seed: int, scratch: Path, show: Callable[..., None]) -> Callable[[int], Answer]:
    """What makes a case of this kind in a folder of its own, which is removed when the case is over.

    ``show`` is given what goes into the case and what comes out of it.
    """
    sound, cases = scratch / f"sound {kind}", scratch / kind
    sound.mkdir()
    cases.mkdir()
    check = importlib.import_module(f"fuzzing.{kind}").checker(seed, sound, show)

    def in_own_folder(number: int) -> Answer:
        place = cases / str(number)
        place.mkdir()
        try:
            return check(number, place)
        finally:
            shutil.rmtree(place)

    return in_own_folder


def _all(kind: str, count: int, arguments: argparse.Namespace, scratch: Path) -> int:
    """Make all cases of a kind and tell of them -> how many went wrong."""

    def tell(number: int, reasons: Sequence[str]) -> None:
        for reason in reasons:
            print(f"  {kind}:{number}  {reason[:_MOST_LETTERS]}", flush=True)

    check, began = _check_of(kind, arguments.seed, scratch, show=lambda *_: None), time.monotonic()
    numbers = range(arguments.first, arguments.first + count)
    tally = run_cases(check, numbers, arguments.seconds, arguments.workers, tell)
    said = ", ".join(f"{number} {outcome}" for outcome, number in tally.outcomes.most_common())
    print(
        f"{kind}: {count} cases in {time.monotonic() - began:.0f} s: {said}; {len(tally.wrong)} wrong; the"
        f" slowest {tally.slowest[0]:.1f} s (number {tally.slowest[1]}), the largest"
        f" {tally.most_bytes / 1e9:.2f} GB of {MOST_BYTES / 1e9:.0f}",
        flush=True,
    )
    left = sorted((scratch / kind).iterdir())
    if left and not tally.wrong:
        print(f"  left behind: {left[:5]}")
        return 1
    return len(tally.wrong)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for kind, count in KINDS.items():
        parser.add_argument(f"--{kind}", type=int, default=count, metavar="N", help="cases (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the chance (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case (%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=30, help="of the processor that a case may take (%(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    parser.add_argument("--only", metavar="KIND:NUMBER", help="one case again")
    return parser.parse_args()


if __name__ == "__main__":
    main()
