"""Give damaged and hostile input to the programs by the thousand, and tell what goes wrong.

    python scripts/fuzz.py                                # all of it, two at a time
    python scripts/fuzz.py --pictures 20000 --seed 5      # more of one kind, from another seed
    python scripts/fuzz.py --only overrides:123           # one case again, in this process

Each case must end in a result or in one clear sentence with exit status 2: never in a traceback, a hang
(``--seconds``), more than 2 GB, a file outside of its own folder, a program that was started or an object
that was unpickled. A case is known by kind, seed and number. Exit status 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fuzzing.batches import MOST_BYTES, Tally, run_cases

KINDS = {"pictures": 2000, "overrides": 2000, "folders": 500}
"""Cases of each kind, unless the command line says otherwise."""

_MOST_LETTERS = 600  # of a reason


def main() -> None:
    """Fuzz what the command line names."""
    arguments = _arguments()
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory(prefix="nst_tf-fuzz-") as scratch:
        if arguments.only:
            _one(arguments, Path(scratch))
            return
        wrong = 0
        for kind in KINDS:
            if count := getattr(arguments, kind):
                wrong += _all(kind, count, arguments, Path(scratch))
    sys.exit(1 if wrong else 0)


def _all(kind: str, count: int, arguments: argparse.Namespace, scratch: Path) -> int:
    folder = scratch / kind
    folder.mkdir()
    check = importlib.import_module(f"fuzzing.{kind}").checker(arguments.seed, folder)
    numbers = range(arguments.first, arguments.first + count)

    def tell(number: int, reasons: Sequence[str]) -> None:
        for reason in reasons:
            print(f"  {kind}:{number}  {reason[:_MOST_LETTERS]}", flush=True)

    tally = run_cases(check, numbers, arguments.seconds, arguments.workers, tell)
    _tell(kind, count, tally)
    left = sorted(folder.iterdir())
    if left and not tally.wrong:
        print(f"  left behind: {left[:5]}")
        return 1
    return len(tally.wrong)


def _tell(kind: str, count: int, tally: Tally) -> None:
    said = ", ".join(f"{number} {outcome}" for outcome, number in tally.outcomes.most_common())
    print(
        f"{kind}: {count} cases in {tally.seconds:.0f} s: {said}; {len(tally.wrong)} wrong; the slowest"
        f" {tally.slowest[0]:.1f} s (number {tally.slowest[1]}), the largest {tally.most_bytes / 1e9:.2f} GB"
        f" of {MOST_BYTES / 1e9:.0f}"
    )
    sys.stdout.flush()


def _one(arguments: argparse.Namespace, scratch: Path) -> None:
    kind, _, number = arguments.only.partition(":")
    if kind not in KINDS or not number.isdigit():
        sys.exit(f"--only takes KIND:NUMBER with a kind of {', '.join(KINDS)}, but got {arguments.only}")
    os.environ["NST_TF_FUZZ_SHOW"] = "1"  # the case shows what it gives and what it gets
    folder = scratch / kind
    folder.mkdir()
    check = importlib.import_module(f"fuzzing.{kind}").checker(arguments.seed, folder)
    print(check(int(number)))


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
