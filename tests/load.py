"""Load and soak: what many runs in one process, killed workers and many steps leave behind.

    python tests/load.py sweep                  # 200 runs in one process: memory and open files of each
    python tests/load.py killed --kills 10      # 200 runs in two workers, which are killed at random
    python tests/load.py soak                   # 10,000 steps: memory, and CPU seconds a step
    python tests/load.py sweep killed soak --output load.json

Each is a real ``nst`` in processes of its own, watched from outside, on Linux. It ends with exit status 1 if
something is not as docs/reliability.md promises. Runs are tiny: 64 pixels, untrained weights, two blocks of
the network, a single size.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

TINY = (
    *("objective=relative", "model.weights=random", "image.size=64", "pyramid=single", "precision=float32"),
    *("layers.content=[block2_conv2]", "layers.style=[block1_conv1,block2_conv1]", "record.image_every=0"),
)
CACHE = 10  # runs until everything that is kept for the next one is there
MOST_GROWTH = 1.0  # MB a run, after those
WINDOWS = 10  # of the soak
MOST_CHANGE = 0.10  # of the CPU seconds a step, from window to window
_LONGEST_WAIT = 0.5  # seconds, beyond which a kill is not put off: meanwhile the sweep could end


def main() -> None:
    """Do what is named on the command line."""
    asked = _arguments()
    found: dict[str, Any] = {}
    if asked.folder:
        asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        if "sweep" in asked.what:
            found["sweep"] = sweep(folder / "sweep", asked.runs)
        if "killed" in asked.what:
            found["killed"] = killed(folder / "killed", asked.runs, asked.kills, asked.seed)
        if "soak" in asked.what:
            found["soak"] = soak(folder / "soak", asked.steps)
    print(json.dumps(found, indent=2))
    if asked.output:
        asked.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    sys.exit(0 if all(one["kept"] for one in found.values()) else 1)


def sweep(folder: Path, runs: int) -> dict[str, Any]:
    """Memory of the one process after every run of a sweep, and the files that it has open.

    Its own memory is that without the pages of files, which the system takes back where memory is short.
    """
    process = _start(folder, *_words_of_sweep(runs), "hydra/launcher=basic")
    resident, own, opened = [], [], []
    for number in range(runs):
        while (_read(folder / "sweep" / str(number) / "run.json") or {}).get("status") != "completed":
            if process.poll() is not None:
                break
            time.sleep(0.01)
        try:
            memory = process.memory_info()
            opened.append(sum(file.path.startswith(f"{folder}/sweep") for file in process.open_files()))
        except psutil.NoSuchProcess:  # it ended when it was looked at
            break
        resident.append(memory.rss / 1e6)
        own.append((memory.rss - memory.shared) / 1e6)
    status = process.wait()
    # the last one is read when the process may be ending
    warm, warm_own = (numbers[min(CACHE, runs) - 1 : runs - 1] for numbers in (resident, own))
    growth, own_growth = ((one[-1] - one[0]) / max(1, len(one) - 1) for one in (warm, warm_own))
    completed, damaged = _completed(folder, runs)
    # when it is looked at, the next run may be writing some; what is left open is open every time
    left = min(opened[-max(1, runs // 4) : -1], default=0)
    flat = max(growth, own_growth) < MOST_GROWTH
    return {
        "kept": status == 0 and completed == runs and not damaged and flat and left <= 1,
        "status": status,
        "completed": completed,
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
                notes = [note for path in folder.glob("sweep/.jobs/[0-9]*.json") if (note := _running(path))]
                workers = [note["process"]["number"] for note in notes]
                if workers := [number for number in workers if number != process.pid]:
                    os.kill(chance.choice(workers), signal.SIGKILL)
                    done += 1
                    is_killed = True  # the launcher gives the sweep up
            time.sleep(0.05)
        _look_for_progress(folder, first_seen, begun)
        status = process.wait()
    completed, damaged = _completed(folder, runs)
    twice = sum(path.stat().st_mtime_ns != moment for path, moment in first_seen.items())
    return {
        "kept": status == 0 and completed == runs and not damaged and not twice and done == kills,
        "status": status,
        "kills": done,
        "calls": calls,
        "completed": completed,
        "run_twice": twice,
        "damaged": damaged,
    }


def soak(folder: Path, steps: int) -> dict[str, Any]:
    """Memory and speed of one long run, in ten windows; the first one, which compiles, counts for neither."""
    process = _start(folder, *TINY, "optimizer=adam", f"steps={steps}", "hydra.run.dir=run")
    metrics, samples, content = folder / "run" / "metrics.jsonl", [], b""
    while process.poll() is None:
        time.sleep(0.2)
        if metrics.exists():
            with metrics.open("rb") as opened:
                opened.seek(len(content))
                content += opened.read()
            try:
                times, resident = process.cpu_times(), process.memory_info().rss
            except psutil.NoSuchProcess:
                break
            samples.append((content.count(b"\n"), times.user + times.system, resident, time.monotonic()))
    status = process.wait()
    bounds = [steps * window // WINDOWS for window in range(1, WINDOWS + 1)]
    at = [min(samples, key=lambda sample: abs(sample[0] - bound)) for bound in bounds]
    processor, wall = (
        [1e3 * (after[which] - before[which]) / (after[0] - before[0]) for before, after in pairwise(at)]
        for which in (1, 3)
    )
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


def _start(folder: Path, *words: str) -> psutil.Popen:
    folder.mkdir(exist_ok=True)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    command = [sys.executable, "-m", "nst_tf", *words]
    with (folder / "said.txt").open("ab") as said:
        return psutil.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _running(path: Path) -> dict[str, Any] | None:
    """What the file says, if that is of something running whose process is alive."""
    note = _read(path) or {}
    is_running = note.get("status") == "running" and psutil.pid_exists(note["process"]["number"])
    return note if is_running else None


def _look_for_progress(folder: Path, first_seen: dict[Path, int], begun: dict[Path, float]) -> None:
    """Note when the picture of each completed run was written, and when each other run was seen to begin."""
    for file in folder.glob("sweep/*/run.json"):
        picture = file.parent / "image.png"
        if picture in first_seen:
            continue
        is_completed = (_read(file) or {}).get("status") == "completed"
        if is_completed:
            first_seen[picture] = picture.stat().st_mtime_ns
        if is_completed or _running(file):  # what an earlier call left in the middle is not begun
            begun.setdefault(file, time.monotonic())


def _completed(folder: Path, runs: int) -> tuple[int, list[str]]:
    """How many runs are completed; and those that are not what was asked for, or hold more."""
    from nst_tf.images.read import read_picture

    completed, damaged = 0, []
    for number in range(runs):
        run = folder / "sweep" / str(number)
        try:
            rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
            summary = json.loads((run / "run.json").read_text())
            sound = (
                [row["step"] for row in rows] == [0, 1]
                and f"objective.style.weight={number + 1}" in summary["overrides"]
                and max(read_picture(run / "image.png").pixels.shape) == 64
                and not [*run.glob(".unfinished-*"), *run.glob("checkpoint*")]
            )
        except (OSError, ValueError, KeyError) as error:
            damaged.append(f"{number}: {error}")
            continue
        completed += summary["status"] == "completed"
        if not sound:
            damaged.append(f"{number}: is not what was asked for")
    return completed, damaged


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
