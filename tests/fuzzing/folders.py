"""Folders of runs, damaged and hostile, for every program that reads them."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from omegaconf import OmegaConf
from PIL import Image

from fuzzing.batches import Answer
from fuzzing.commands import Said, said_by, stopped_before_work
from fuzzing.hostile_values import SECRET, TEXTS, VARIABLE, put_somewhere
from nst_tf.api import composed

_OTHER, _THEIRS = "0", "1"  # a sound run, and the one that is damaged
_WORDS = ("content=photo.png", "style=painting.png", "model.weights=random", "image.size=32", "steps=2")
_STATUSES = ("completed", "completed", "interrupted", "failed", "running")
_LONG = 10_000_000
_BOMB = "a0: &a0 [ha,ha,ha,ha,ha,ha,ha,ha,ha]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
# fmt: off
_NAMES = (
    "<img src=x onerror=window.ran=true>", "=1+1", "\x1b[31mred", "a\nb", "-m", "$(touch canary)", "é日本語",
    " ", "\udcff\udcfe", "'\"", "a&b", "x" * 250, "\u202eabc", "%s", "{a}", "--output", "#", "100%",
)
_TEXT_FILES = (
    "run.json", "config.yaml", "metrics.jsonl", "nst.log", ".hydra/overrides.yaml", "yardstick.json",
)
# fmt: on
_PICTURES = ("image.png", "inputs/content.png", "inputs/style-0.png")


def make_seed(folder: Path) -> Path:
    """A sweep of two sound runs as ``nst`` leaves them, without running anything; and what lies outside."""
    outside = folder / "outside"
    outside.mkdir(parents=True)
    (outside / "secret.txt").write_text(f"{SECRET}\n")
    noise = Image.effect_noise((48, 40), 50).convert("RGB")
    noise.save(outside / "secret.png", description=SECRET)
    noise.save(folder / "photo.png")
    noise.rotate(90, expand=True).save(folder / "painting.png")
    settings, choices = composed(_WORDS)
    for number in (_OTHER, _THEIRS):
        _make_run(folder, folder / "theirs" / number, number, copy.deepcopy(settings), choices)
    jobs = [
        {"number": int(number), "folder": number, "overrides": [f"seed={number}"], "status": "completed"}
        for number in (_OTHER, _THEIRS)
    ]
    facts = {"overrides": ["seed=0,1"], "status": "completed", "jobs": jobs}
    (folder / "theirs" / "sweep.json").write_text(json.dumps(facts))
    return folder


def _make_run(home: Path, folder: Path, number: str, settings: Any, choices: dict[str, str]) -> None:
    settings.precision, settings.seed = "float32", int(number)
    for below in ("inputs", "progress", ".hydra"):
        (folder / below).mkdir(parents=True)
    entries = []
    for name, copied in (("photo.png", "inputs/content.png"), ("painting.png", "inputs/style-0.png")):
        shutil.copy(home / name, folder / copied)
        sha256 = hashlib.sha256((home / name).read_bytes()).hexdigest()
        entries.append({"file": name, "sha256": sha256, "copy": copied})
    summary = {
        "status": "completed",
        "overrides": [*_WORDS, f"seed={number}"],
        "choices": {group: option for group, option in choices.items() if not group.startswith("hydra/")},
        "inputs": {"content": entries[0], "styles": entries[1:]},
        "working_folder": str(home),
        "versions": {"python": "3.11.0", "tensorflow": "2.21.0"},
        "machine": {"system": "Linux", "processor": "a processor", "cores": 2},
        "weights": {"source": "random", "sha256": "0" * 64},
        "process": {"number": 4_000_000, "host": "elsewhere", "began": 1},
        "seconds": {"tensorflow": 6.0, "steps": 2.5},
        "steps": 2,
        "peak_memory_bytes": 10**9,
        "loss_of_saved_picture": 1.25,
        "parts_of_saved_picture": {"content": 1.0, "style": 0.25},
        "size": {"height": 27, "width": 32},
        "picture": "image.png",
        "seed": int(number),
        "device": "CPU",
    }
    (folder / "run.json").write_text(json.dumps(summary, indent=2))
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(settings, resolve=True))
    rows = [{"step": step, "size": 32, "seconds": 0.1, "loss": 2.0 - step, "style": 1.0} for step in (0, 1)]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (folder / "nst.log").write_text(
        "[2026-01-01 00:00:00,000] INFO nst_tf.run: loss of the saved picture: 1\n"
    )
    (folder / ".hydra" / "overrides.yaml").write_text("- steps=2\n")
    (folder / "yardstick.json").write_text(json.dumps({"measures": {"style_distance": 1.0}}))
    Image.effect_noise((32, 27), 50).convert("RGB").save(folder / "image.png")
    image = np.zeros((27, 32, 3), np.float32)
    np.savez(folder / "checkpoint.npz", numbers=np.array([0, 1, 1, 0.5]), image=image)


def damage(sweep: Path, chance: random.Random) -> tuple[str, Path]:
    """Do something bad to the second run of the sweep; returns what was done, and the folder of that run."""
    run = sweep / _THEIRS
    done = []
    status = chance.choice(_STATUSES)
    summary = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(summary | {"status": status}))
    for _ in range(chance.choice((1, 1, 2, 3))):
        action = chance.choice(_ACTIONS)
        done.append(f"{action.__name__.strip('_')} {action(run, chance)}")
    if chance.random() < 0.1:
        renamed = sweep / chance.choice(_NAMES)
        run.rename(renamed)
        run = renamed
        done.append(f"named {run.name!r}")
    return f"{status}, {', '.join(done)}", run


def _is_own(path: Path) -> bool:
    """Whether writing to the file changes it alone.

    An earlier damage may have made it, or its folder, a link, through which this one would do what the
    programs may not, or a device, which never ends.
    """
    return path.is_file() and not path.is_symlink() and not path.parent.is_symlink()


def _json_value(run: Path, chance: random.Random) -> str:
    path = chance.choice((run / "run.json",) * 4 + (run.parent / "sweep.json", run / "yardstick.json"))
    return _changed(path, 4, chance, json.loads, json.dumps)


def _yaml_value(run: Path, chance: random.Random) -> str:
    def written(document: Any) -> str:
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        return yaml.dump(document, Dumper=dumper, allow_unicode=chance.random() < 0.5, sort_keys=False)

    return _changed(run / "config.yaml", 3, chance, yaml.safe_load, written)


def _changed(
    path: Path, most: int, chance: random.Random, read: Callable[[str], Any], written: Callable[[Any], str]
) -> str:
    """Change up to so many values of a document."""
    if not _is_own(path):
        return "nothing"
    try:
        document = read(path.read_text())
        for _ in range(chance.randint(1, most)):
            put_somewhere(document, chance)
        path.write_text(written(document))
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError):
        return "nothing"  # what an earlier damage left can't be read any more
    return path.name


def _text(run: Path, chance: random.Random) -> str:
    path = run / chance.choice(_TEXT_FILES)
    hostile = chance.choice(TEXTS).encode("utf-8", "surrogatepass")
    if not _is_own(path):
        return "nothing"
    content = path.read_bytes()
    place = chance.randrange(len(content) + 1)
    ways: dict[str, Callable[[], bytes]] = {
        "cut": lambda: content[:place],
        "emptied": lambda: b"",
        "joined": lambda: content[:place] + hostile + content[place:],
        "replaced": lambda: hostile,
        "bits": lambda: _bits(content, chance),
        "not UTF-8": lambda: content[:place] + b"\xff\xfe\x80" + content[place:],
        "UTF-16": lambda: content.decode("utf-8", "replace").encode("utf-16"),
        "a mark": lambda: b"\xef\xbb\xbf" + content,
        "10 MB": lambda: content[:place] + b"x" * _LONG + content[place:],
        "10 MB of lines": lambda: content + (b'{"step": 1, "loss": 1}\n' * (_LONG // 23)),
        "deep": lambda: b"[" * 100_000,
        "deep mapping": lambda: b'{"a":' * 100_000,
        "a bomb": lambda: _BOMB.encode(),
        "tags": lambda: content + b"\nx: !!python/object/apply:os.system ['touch canary']\n",
        "twice": lambda: content + content,
        "a list": lambda: b"[1, 2]",
        "zeros": lambda: bytes(len(content)),
        "digits": lambda: content.replace(b": 2", b": " + b"9" * 5000, 1),
    }
    name = chance.choice(list(ways))
    path.write_bytes(ways[name]())
    return f"{path.name} {name}"


def _bits(content: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(chance.choice((1, 5, 50)) if damaged else 0):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _picture(run: Path, chance: random.Random) -> str:
    from fuzzing.pictures import BOMBS, case

    path = run / chance.choice(_PICTURES)
    name, content = case(chance.randrange(1 << 30), len(BOMBS) + chance.randrange(1 << 30))
    if _is_own(path):
        path.write_bytes(content)
    return f"{path.name}: {name}"


def _file(run: Path, chance: random.Random) -> str:
    names = (*_TEXT_FILES, *_PICTURES, "checkpoint.npz", "inputs", "progress", "../sweep.json")
    path = run / chance.choice(names)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    outside = "../../outside"
    targets = (f"{outside}/secret.txt", f"{outside}/secret.png", outside, path.name, "/dev/zero", "..")
    ways: dict[str, Callable[[], object]] = {
        "gone": lambda: None,
        "a folder": path.mkdir,
        "a pipe": lambda: os.mkfifo(path),
        **{f"a link to {target}": lambda target=target: path.symlink_to(target) for target in targets},
        "a link to another's": lambda: path.symlink_to(f"../{_OTHER}/{path.name}"),
    }
    name = chance.choice(list(ways))
    if path.parent.is_dir():
        ways[name]()
    return f"{path.name} {name}"


def _checkpoint(run: Path, chance: random.Random) -> str:
    path = run / "checkpoint.npz"
    if _is_own(path):
        path.write_bytes(_bits(path.read_bytes(), chance)[: chance.choice((10, 200, None))])
    return ""


_ACTIONS = (*([_json_value] * 5), *([_yaml_value] * 4), *([_text] * 4), *([_file] * 2), _picture, _checkpoint)


def checker(seed: int, sound: Path, show: Callable[..., None]) -> Callable[[int, Path], Answer]:
    """A check of one case in the folder that it is given; ``sound`` holds the runs that are damaged."""
    os.environ[VARIABLE] = SECRET
    nst = stopped_before_work()
    from nst_tf.compare.cli import main as compare
    from nst_tf.rerun.cli import main as rerun

    make_seed(sound)

    def check(number: int, place: Path) -> Answer:
        chance = random.Random(f"folder {seed} {number}")
        shutil.copytree(sound, place, symlinks=True, dirs_exist_ok=True)
        done, run = damage(place / "theirs", chance)
        show(done)
        inside = f"theirs/{run.name}"
        commands: list[tuple[str, Callable[[], object], list[str]]] = [
            ("nst-compare", compare, ["theirs", "--no-yardstick"]),
            ("nst-compare", compare, ["--diff", f"theirs/{_OTHER}", inside, "--no-yardstick"]),
            ("nst-rerun", rerun, [inside]),
        ]
        if chance.random() < 0.3:  # these compose, which takes most of a second
            whose = chance.choice((inside, "theirs"))
            commands.append(("nst-rerun", rerun, [whose, "--export", "study.yaml"]))
        if chance.random() < 0.2:
            commands.append(("nst", nst, [f"resume={inside}"]))
        wrong, outcomes = [], set()
        for name, main, words in commands:
            said = said_by(main, name, words, place)
            show(name, words, said)
            outcomes.add(said.outcome)
            wrong += [f"{name} {' '.join(words)}: {one}" for one in _wrong_answer(said, name, words)]
        wrong += _wrong_files(place, sound)
        return Answer(" ".join(sorted(outcomes)), tuple(f"{done:.300}: {one}" for one in wrong))

    for name, main, words in (  # what is loaded once, before the processes part
        ("nst-compare", compare, ["theirs", "--no-yardstick"]),
        ("nst-rerun", rerun, [f"theirs/{_OTHER}"]),
    ):
        said_by(main, name, words, warm := shutil.copytree(sound, sound / "warm"))
        shutil.rmtree(warm)
    return check


def _wrong_answer(said: Said, name: str, words: list[str]) -> list[str]:
    wrong = said.wrong(name)
    if SECRET in said.out + said.err:
        wrong.append("tells a secret")
    if words == ["theirs", "--no-yardstick"] and said.status != 0:
        wrong.append(f"one bad run keeps the others from being compared: {said.err[-300:]!r}")
    return wrong


def _wrong_files(place: Path, sound: Path) -> list[str]:
    wrong = []
    for path in place.rglob("*"):
        if path.name == "canary":
            wrong.append("the canary sings")
        is_page = path.suffix in (".html", ".csv", ".yaml") and path.is_file() and not path.is_symlink()
        if is_page and SECRET.encode() in path.read_bytes():
            wrong.append(f"{path.name} tells a secret")
        if path.name.startswith(".") and path.suffix and path.name != ".hydra":
            wrong.append(f"leaves {path.name}")
    kept = (
        "outside/secret.txt",
        "outside/secret.png",
        "photo.png",
        "theirs/0/run.json",
        "theirs/0/config.yaml",
    )
    changed = [name for name in kept if (place / name).read_bytes() != (sound / name).read_bytes()]
    return wrong + [f"changes {name}" for name in changed]
