"""Load and soak: what many runs in one process, killed workers and many steps leave behind.

    python scripts/load.py sweep                  # 200 runs in one process: memory and open files of each
    python scripts/load.py killed --kills 10      # 200 runs in two workers, which are killed at random
    python scripts/load.py soak                   # 10,000 steps: memory, and CPU seconds a step
    python scripts/load.py sweep killed soak --output load.json

Each is a real ``nst`` in processes of its own, watched from outside through /proc, so on Linux only. It ends
with exit status 1 if something is not as docs/reliability.md promises. Runs are tiny: 64 pixels, untrained
weights, two blocks of the network, a single size.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

TINY = (
    "objective=relative",
    "model.weights=random",
    "image.size=64",
    "pyramid=single",
    "precision=float32",
    "layers.content=[block2_conv2]",
    "layers.style=[block1_conv1,block2_conv1]",
    "record.image_every=0",
)
CACHE = 10  # runs until everything that is kept for the next one is there
MOST_GROWTH = 1.0  # MB a run, after those
WINDOWS = 10  # of the soak
MOST_CHANGE = 0.10  # of the CPU seconds a step, from window to window
_LONGEST_WAIT = 0.5  # seconds, beyond which a kill is not put off: meanwhile the sweep could end
_PAGE, _TICK = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Do what is named on the command line."""
    arguments = _arguments()
    found: dict[str, Any] = {}
    if arguments.folder:
        arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        if "sweep" in arguments.what:
            found["sweep"] = sweep(Path(folder) / "sweep", arguments.runs)
        if "killed" in arguments.what:
            found["killed"] = killed(Path(folder) / "killed", arguments.runs, arguments.kills, arguments.seed)
        if "soak" in arguments.what:
            found["soak"] = soak(Path(folder) / "soak", arguments.steps)
    print(json.dumps(found, indent=2))
    if arguments.output:
        arguments.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    sys.exit(0 if all(one["kept"] for one in found.values()) else 1)


def sweep(folder: Path, runs: int) -> dict[str, Any]:
    """Memory of the one process after every run of a sweep, and the files that it has open."""
    process = _start(folder, *_words_of_sweep(runs), "hydra/launcher=basic")
    resident, own, opened = [], [], []
    for _ in _each_completed(process, folder, runs):
        resident.append(_resident_bytes(process.pid) / 1e6)
        own.append(_own_bytes(process.pid) / 1e6)
        opened.append(_open_files(process.pid, folder))
    status = process.wait()
    # the last one is read when the process may be ending
    warm, warm_own = (numbers[min(CACHE, runs) - 1 : -1] for numbers in (resident, own))
    growth = (warm[-1] - warm[0]) / max(1, len(warm) - 1)
    own_growth = (warm_own[-1] - warm_own[0]) / max(1, len(warm_own) - 1)
    completed, damaged = _completed(folder, runs)
    # when it is looked at, the next run may be writing some; what is left open is open every time
    left = min(opened[-max(1, runs // 4) : -1], default=0)
    flat = max(growth, own_growth) < MOST_GROWTH
    return {
        "kept": status == 0 and len(completed) == runs and not damaged and flat and left <= 1,
        "status": status,
        "completed": len(completed),
        "resident_MB_after_run_10": round(warm[0], 1),
        "resident_MB_at_the_end": round(warm[-1], 1),
        "growth_MB_a_run": round(growth, 3),
        "own_MB_after_run_10": round(warm_own[0], 1),
        "own_MB_at_the_end": round(warm_own[-1], 1),
        "own_growth_MB_a_run": round(own_growth, 3),
        "files_open_in_the_sweep": left,
    }


def killed(folder: Path, runs: int, kills: int, seed: int) -> dict[str, Any]:
    """A sweep in two workers; one of them is killed now and then, and the sweep is gone on with.

    A kill waits until its call of the sweep has begun a random number of runs, however long that takes, and
    then for a random part of a run. Those numbers are so small that runs are left for the last call.
    """
    chance = random.Random(seed)
    words = (*_words_of_sweep(runs), "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    first_seen: dict[Path, int] = {}
    done, calls, status = 0, 0, 1
    while status != 0 and calls <= kills + 2:
        calls += 1
        begun: dict[Path, float] = {}
        _look_for_progress(folder, first_seen, {})
        most = (runs - len(first_seen)) // (kills - done + 2)
        wanted, part = chance.randint(1, max(1, most)), chance.random()
        process = _start(folder, *words)
        is_killed = done == kills
        while process.poll() is None:
            _look_for_progress(folder, first_seen, begun)
            if not is_killed and len(begun) >= wanted:
                moments = sorted(begun.values())
                each = (moments[-1] - moments[0]) / max(1, len(moments) - 1)
                time.sleep(part * min(each, _LONGEST_WAIT))
                if workers := _running_workers(folder, process.pid):
                    os.kill(chance.choice(workers), signal.SIGKILL)
                    done += 1
                    is_killed = True  # the launcher gives the sweep up
            time.sleep(0.05)
        _look_for_progress(folder, first_seen, begun)
        status = process.returncode
    completed, damaged = _completed(folder, runs)
    twice = [path for path, moment in first_seen.items() if path.stat().st_mtime_ns != moment]
    return {
        "kept": status == 0 and len(completed) == runs and not damaged and not twice and done == kills,
        "status": status,
        "kills": done,
        "calls": calls,
        "completed": len(completed),
        "run_twice": len(twice),
        "damaged": damaged,
    }


def soak(folder: Path, steps: int) -> dict[str, Any]:
    """Memory and speed of one long run, in ten windows; the first one, which compiles, counts for neither."""
    words = (*TINY, "optimizer=adam", f"steps={steps}", "hydra.run.dir=run")
    process = _start(folder, *words)
    metrics, samples = folder / "run" / "metrics.jsonl", []
    rows, place = 0, 0
    while process.poll() is None:
        time.sleep(0.2)
        if metrics.exists():
            with metrics.open("rb") as opened:
                opened.seek(place)
                new = opened.read()
            rows, place = rows + new.count(b"\n"), place + len(new)
            try:
                samples.append((rows, *_processor_and_resident(process.pid), time.monotonic()))
            except (OSError, IndexError):
                break
    status = process.wait()
    bounds = [steps * window // WINDOWS for window in range(1, WINDOWS + 1)]
    at = [min(samples, key=lambda sample: abs(sample[0] - bound)) for bound in bounds]
    pairs = list(pairwise(at))
    processor = [1e3 * (after[1] - before[1]) / (after[0] - before[0]) for before, after in pairs]
    wall = [1e3 * (after[3] - before[3]) / (after[0] - before[0]) for before, after in pairs]
    resident = [sample[2] / 1e6 for sample in at]
    usual = sorted(processor)[len(processor) // 2]
    change = max(abs(one / usual - 1) for one in processor)
    return {
        "kept": status == 0 and change < MOST_CHANGE and resident[-1] - resident[0] < 0.02 * resident[0],
        "status": status,
        "steps": steps,
        "resident_MB": [round(one, 1) for one in resident],
        "processor_ms_a_step": [round(one, 3) for one in processor],
        "largest_change_of_it": round(change, 3),
        "wall_ms_a_step": [round(one, 3) for one in wall],
        "load_average": os.getloadavg(),
    }


def _words_of_sweep(runs: int) -> tuple[str, ...]:
    weights = f"objective.style.weight=range(1,{runs + 1})"
    return ("-m", *TINY, "steps=2", "sweep.compare=false", weights, "hydra.sweep.dir=sweep")


def _start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    repository = Path(__file__).resolve().parents[1]
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "nst_tf", *words],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(repository)},
            stdout=said,
            stderr=said,
        )


def _each_completed(process: subprocess.Popen[bytes], folder: Path, runs: int) -> Iterator[int]:
    """The number of each run, as soon as it is seen to be completed; in their order."""
    for number in range(runs):
        while _status(folder / "sweep" / str(number)) != "completed":
            if process.poll() is not None:
                return
            time.sleep(0.01)
        yield number


def _status(run: Path) -> str | None:
    try:
        return json.loads((run / "run.json").read_text(encoding="utf-8")).get("status")
    except (OSError, ValueError):
        return None


def _look_for_progress(folder: Path, first_seen: dict[Path, int], begun: dict[Path, float]) -> None:
    """Note when the picture of each completed run was written, and when each other run was seen to begin."""
    for summary in folder.glob("sweep/*/run.json"):
        picture = summary.parent / "image.png"
        if picture in first_seen:
            continue
        status = _status(summary.parent)
        if status == "completed":
            first_seen[picture] = picture.stat().st_mtime_ns
        # what an earlier call left in the middle is not begun
        if status == "completed" or (status == "running" and _is_alive(summary)):
            begun.setdefault(summary, time.monotonic())


def _is_alive(summary: Path) -> bool:
    try:
        os.kill(json.loads(summary.read_text(encoding="utf-8"))["process"]["number"], 0)
    except (OSError, ValueError, KeyError):
        return False
    return True


def _completed(folder: Path, runs: int) -> tuple[list[int], list[str]]:
    """The runs that are completed; and those that are not what was asked for, or hold more."""
    from nst_tf.images.read import read_picture

    whole, damaged = [], []
    for number in range(runs):
        run = folder / "sweep" / str(number)
        try:
            rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
            summary = json.loads((run / "run.json").read_text())
            weight = f"objective.style.weight={number + 1}"
            sound = (
                [row["step"] for row in rows] == [0, 1]
                and weight in summary["overrides"]
                and max(read_picture(run / "image.png").pixels.shape) == 64
                and not list(run.glob(".unfinished-*"))
                and not list(run.glob("checkpoint*"))
            )
        except (OSError, ValueError, KeyError) as error:
            damaged.append(f"{number}: {error}")
            continue
        if summary["status"] == "completed":
            whole.append(number)
        if not sound:
            damaged.append(f"{number}: is not what was asked for")
    return whole, damaged


def _running_workers(folder: Path, launcher: int) -> list[int]:
    found = []
    for path in folder.glob("sweep/.jobs/[0-9]*.json"):
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
            number = note["process"]["number"]
            os.kill(number, 0)
        except (OSError, ValueError, KeyError):
            continue
        if note["status"] == "running" and number != launcher:
            found.append(number)
    return found


def _resident_bytes(number: int) -> int:
    return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * _PAGE


def _own_bytes(number: int) -> int:
    """Without the pages of files, which the system takes back where memory is short."""
    lines = Path(f"/proc/{number}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def _processor_and_resident(number: int) -> tuple[float, int]:
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK, _resident_bytes(number)


def _open_files(number: int, folder: Path) -> int:
    count = 0
    for one in Path(f"/proc/{number}/fd").iterdir():
        try:
            count += one.readlink().is_relative_to(folder / "sweep")
        except OSError:
            continue
    return count


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="+", choices=("sweep", "killed", "soak"))
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the runs are written; they are removed at the end")
    parser.add_argument("--output", type=Path, help="the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
