"""Run folders and experiment files that try to run code, to write elsewhere or to exhaust the machine.

Whatever would run makes the file ``canary`` in the present folder.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

Change = Callable[[Path], None]

TOUCH = "touch canary"


class MakesCanary:
    """Unpickling it runs a command."""

    def __reduce__(self):
        return os.system, (TOUCH,)


def replaced(old: str, new: str) -> Change:
    def change(run: Path) -> None:
        text = (run / "config.yaml").read_text()
        assert old in text
        (run / "config.yaml").write_text(text.replace(old, new, 1))

    return change


def configuration(text: str | bytes) -> Change:
    content = text if isinstance(text, bytes) else text.encode()
    return lambda run: (run / "config.yaml").write_bytes(content) and None


def added(lines: str) -> Change:
    def change(run: Path) -> None:
        with (run / "config.yaml").open("a") as file:
            file.write(lines)

    return change


def optimizer(target: str, more: str = "") -> Change:
    """The optimizer is something else: with ``command`` and ``_args_`` for whatever takes one."""
    return replaced("  _target_: nst_tf.optim.LBFGS\n", f"  _target_: {target}\n{more}")


def a_word_as_statistic(run: Path) -> None:
    settings = OmegaConf.load(run / "config.yaml")
    settings.objective.style.pop("statistic")
    settings.objective.style.statistic = "gram"
    OmegaConf.save(settings, run / "config.yaml")


def summary(**facts: Any) -> Change:
    def change(run: Path) -> None:
        known = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps(known | facts))

    return change


def copy_of_content(relative: Any, make: Change = lambda run: None) -> Change:
    def change(run: Path) -> None:
        make(run)
        inputs = json.loads((run / "run.json").read_text())["inputs"]
        inputs["content"]["copy"] = relative
        summary(inputs=inputs)(run)

    return change


def linked(name: str, target: str) -> Change:
    def change(run: Path) -> None:
        (run / name).unlink(missing_ok=True)
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).symlink_to(target)

    return change


def a_link_that_ran_away(run: Path) -> None:
    shutil.rmtree(run / "inputs")
    (run.parent / "elsewhere").mkdir(exist_ok=True)
    (run.parent / "elsewhere" / "content.png").touch()
    (run / "inputs").symlink_to("../elsewhere")


ARGUMENTS = f"  _args_: ['{TOUCH}']\n"
LAUGHS = "a0: &a0 [ha,ha,ha,ha,ha,ha,ha,ha,ha]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
# case: (what is done to a sound folder, what the sentence must say)
FOLDERS: dict[str, tuple[Change, str]] = {
    # code to call
    "another program": (optimizer("os.system", ARGUMENTS), "os.system"),
    "a module that ours imports": (optimizer("nst_tf.run.os.system", ARGUMENTS), "run.os.system"),
    "a function of ours": (optimizer("nst_tf.files.write_text_atomically"), "write_text_atomically"),
    "a module behind a class": (optimizer("nst_tf.statistics.gram.tf.io.write_file"), "tf.io.write_file"),
    "a class's attribute": (optimizer("nst_tf.statistics.Gram.__init__.__globals__"), "__globals__"),
    "a function of Keras": (optimizer("keras.optimizers.deserialize"), "keras.optimizers.deserialize"),
    "a module behind Keras": (optimizer("keras.optimizers.adam.ops"), "keras.optimizers.adam.ops"),
    "a base class of Keras": (optimizer("keras.optimizers.Optimizer"), "keras.optimizers.Optimizer"),
    "the builder itself": (optimizer("hydra.utils.call"), "hydra.utils.call"),
    "a target that is no text": (optimizer("[os.system]"), "os.system"),
    "positional arguments": (replaced("optimizer:\n", f"optimizer:\n{ARGUMENTS}"), "'_args_'"),
    "a partial call": (replaced("optimizer:\n", "optimizer:\n  _partial_: true\n"), "'_partial_'"),
    "no recursion": (replaced("optimizer:\n", "optimizer:\n  _recursive_: false\n"), "'_recursive_'"),
    "another conversion": (replaced("optimizer:\n", "optimizer:\n  _convert_: none\n"), "'_convert_'"),
    "a nested target": (
        replaced(
            "  learning_rate: 1.0\n", f"  learning_rate:\n    _target_: os.system\n    command: {TOUCH}\n"
        ),
        "os.system",
    ),
    "a target in a list": (
        replaced(
            "  history_size: 20\n", f"  history_size:\n  - [{{_target_: os.system, command: {TOUCH}}}]\n"
        ),
        "os.system",
    ),
    "a logger of theirs": (replaced("logger: {}", "logger: {x: {_target_: os.system}}"), "os.system"),
    # YAML
    "a Python object": (added(f"average: !!python/object/apply:os.system ['{TOUCH}']\n"), "tag"),
    "a Python name": (added("average: !!python/name:os.system\n"), "tag"),
    "a tag of their own": (added("average: !run {}\n"), "tag"),
    "a path object": (added("average: !!python/object/apply:pathlib.Path [canary]\n"), "tag"),
    "a billion laughs": (configuration(LAUGHS), "anchors and aliases"),
    "an alias of itself": (configuration("a: &a [*a]\n"), "anchors and aliases"),
    "more values than a configuration has": (
        configuration("a:\n" + "- 1\n" * 30_000),
        "more than 20,000 keys and values",
    ),
    "deep brackets": (configuration("a: " + "[" * 9000), "levels"),
    "a large file": (configuration("a: " + "x" * (1 << 20)), "262,144 bytes"),
    "not text": (configuration(b"\xff\xfe\x00"), "not UTF-8"),
    "not a mapping": (configuration("- 1\n"), "no keys with values"),
    "no YAML": (configuration("a: [1\nb: }"), "YAML"),
    "a link": (linked("config.yaml", "../outside.yaml"), "symbolic link"),
    # interpolations
    "the environment": (replaced("seed: 0", "seed: ${oc.env:HOME}"), "oc.env:HOME"),
    "the environment, hidden": (replaced("seed: 0", "seed: '\\${oc.env:HOME}'"), "oc.env:HOME"),
    "a resolver": (replaced("seed: 0", "seed: ${oc.decode:'1'}"), "oc.decode"),
    "a reference": (replaced("seed: 0", "seed: ${steps}"), "${steps}"),
    "a resolver in a key": (added("${oc.env:HOME}: 1\n"), "oc.env:HOME"),
    # values that no run has
    "an object as a word": (replaced("style_weights: null", "style_weights: {a: b}"), "style_weights"),
    "a group as a word": (configuration("optimizer: adam\n"), "objective.content is not a mapping"),
    "no value": (replaced("content: samples/landscape.jpg", "content: ???"), "content has no value"),
    "no value of a group": (replaced("optimizer:\n", "optimizer:\n  x: ???\n"), "optimizer.x has no value"),
    "a word as an object": (a_word_as_statistic, "objective.style.statistic is no mapping"),
    "an object as a picture": (replaced("content: samples/landscape.jpg", "content: {a: 1}"), "pictures"),
    "a device as a picture": (replaced("content: samples/landscape.jpg", "content: /dev/zero"), "/dev/zero"),
    "a picture to write elsewhere": (replaced("picture: image.png", "picture: ../x.png"), "../x.png"),
    "another run to go on with": (replaced("resume: null", "resume: ../other"), "resume"),
    # run.json
    "a picture above": (summary(picture="../image.png"), "'../image.png'"),
    "a picture anywhere": (summary(picture="/etc/hostname"), "'/etc/hostname'"),
    "a picture that is no name": (summary(picture=["image.png"]), "['image.png']"),
    "a picture that is a link": (linked("image.png", "/etc/hostname"), "symbolic link"),
    "a copy above": (copy_of_content("../outside.png"), "'../outside.png'"),
    "a copy above, below inputs": (copy_of_content("inputs/../../x.png"), "'inputs/../../x.png'"),
    "a copy anywhere": (copy_of_content("/etc/hostname"), "'/etc/hostname'"),
    "a copy that is a link": (
        copy_of_content("inputs/x.png", linked("inputs/x.png", "/etc/hostname")),
        "link",
    ),
    "copies behind a link": (copy_of_content("inputs/content.png", a_link_that_ran_away), "symbolic link"),
    "a copy with a null": (copy_of_content("inputs/a\0b"), "inputs/a"),
    "inputs of another shape": (summary(inputs=[1, 2]), "pictures"),
    "deep JSON": (lambda run: (run / "run.json").write_text("[" * 200_000) and None, "run.json"),
    "JSON of another kind": (lambda run: (run / "run.json").write_text("[]") and None, "not an object"),
}

# pickles lie wherever other programs look for them: they are not even opened
PICKLES = (".hydra/config.pickle", "config.pickle", "run.pickle", "inputs/content.pkl")


def lay_pickles(run: Path) -> None:
    for name in PICKLES:
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_bytes(pickle.dumps(MakesCanary()))


# content of an experiment file: what the sentence must say
EXPERIMENTS: dict[str, tuple[str, str]] = {
    "a target": ("optimizer: {_target_: os.system}\n", "os.system"),
    "a target that ours imports": ("init: {_target_: nst_tf.run.os.system}\n", "os.system"),
    "arguments": (f"init: {{_args_: ['{TOUCH}']}}\n", "_args_"),
    "a callback": (f"hydra: {{callbacks: {{x: {{_target_: os.system, command: {TOUCH}}}}}}}\n", "mode and"),
    "a logging factory": ("hydra: {job_logging: {handlers: {x: {(): os.system}}}}\n", "mode and"),
    "a launcher": ("hydra: {launcher: {_target_: os.system}}\n", "mode and"),
    "a sweeper": ("hydra: {sweeper: {_target_: os.system}}\n", "mode and"),
    "a folder": ("hydra: {run: {dir: /tmp/elsewhere}}\n", "mode and"),
    "other configurations": ("hydra: {searchpath: ['file:///tmp']}\n", "mode and"),
    "the environment to set": ("hydra: {job: {env_set: {PATH: x}}}\n", "mode and"),
    "an odd mode": ("hydra: {mode: EVIL}\n", "EVIL"),
    "a swept part of Hydra": (
        "hydra: {sweeper: {params: {+hydra.callbacks.x._target_: os.system}}}\n",
        "swept",
    ),
    "a swept package": ("hydra: {sweeper: {params: {optimizer@hydra.callbacks.x: adam}}}\n", "swept"),
    "a swept removal": ("hydra: {sweeper: {params: {~hydra: null}}}\n", "swept"),
    "a swept path": ("hydra: {sweeper: {params: {optimizer: ../../evil}}}\n", "../../evil"),
    "a list of values": ("hydra: {sweeper: {params: {seed: [1, 2]}}}\n", "one text"),
    "a default that leaves": ("defaults: [{override /optimizer: ../../evil}]\n", "../../evil"),
    "a default of Hydra's": ("defaults: [{override /hydra/launcher: joblib}]\n", "hydra/launcher"),
    "a default elsewhere": ("defaults: [{/optimizer@hydra.callbacks.x: adam}]\n", "override /GROUP"),
    "another experiment": ("defaults: [{override /experiment: gatys2016}]\n", "override /GROUP"),
    "a config as a default": ("defaults: [/etc/passwd]\n", "override /GROUP"),
    "the environment": ("content: ${oc.env:HOME}\n", "oc.env"),
    "the environment in a sweep": ("hydra: {sweeper: {params: {content: '${oc.env:HOME},a'}}}\n", "oc.env"),
    "a nested resolver": ("seed: ${${oc.env:HOME}}\n", "oc.env"),
    "a tag": (f"seed: !!python/object/apply:os.system ['{TOUCH}']\n", "tag"),
    "laughs": (LAUGHS, "anchors and aliases"),
    "a server": ("logger: {x: {_target_: nst_tf.loggers.mlflow.MLflow}}\n", "'logger'"),
    "another run": ("resume: ../other\n", "'resume'"),
    "an unknown key": ("evil: 1\n", "'evil'"),
}
