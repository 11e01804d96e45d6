"""Words of the command line, damaged and hostile: composed and checked by ``nst`` itself, and not run."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

from PIL import Image

from fuzzing.batches import Answer
from fuzzing.commands import Reached, Said, said_by, stopped_before_work
from nst_tf.config.schema import CONF_FOLDER, config_groups, config_keys

_MOST_WORDS = 6
_LONG = 5_000  # letters of a word: more than anybody types, less than a system takes
_BASE = ("hydra.run.dir=run", "model.weights=random", "precision=float32")
_SWEEPS = 0.1  # of the cases are sweeps
_PREFIXES = ("", "", "", "", "", "+", "++", "~")
# fmt: off
_VALUES = (
    # sound
    "1", "2", "0.5", "32", "64", "true", "false", "null", "auto", "random", "max", "gram", "lbfgs", "adam",
    "photo.png", "painting.png", "[photo.png,painting.png]", "samples/mosaic.jpg", "block1_conv1",
    "[block1_conv1,block2_conv1]", "{block1_conv1:1,block2_conv1:0.5}", "image.png", "a.webp", "square",
    # numbers that overflow, or are none
    "0", "-1", "-0.0", "1e999", "-1e999", "nan", "inf", "-inf", "1e-320", "9223372036854775808", "0x10",
    "99999999999999999999999999", "4294967296", "2147483647", "1_000", "1e5", "1e18", "١٢", "³", "1,5", ".5",
    "9" * 5000,
    # other kinds
    "", "''", '""', "[]", "{}", "[[]]", "[null]", "[1,two,3.0,[4]]", "{a:1}", "{a:{b:{c:[]}}}", "~", "NULL",
    "[" * 50 + "]" * 50, "{a:" * 50 + "1" + "}" * 50, "true false", "yes", "False", "None", "NaN", "!!str 5",
    # text
    "é", "日本語", "🎨", "\u202egnp.otohp", "", "a b", "a=b", "a\tb", "a\nb", "\x1b[31mred", "\x7f", "ﬁ",
    "\udcff", "%s%s%n", "%(message)s", "{0}", "'", '"', "\\", "\\'", "it's", "(", ")", "a(1).jpg", "#", "@",
    ":", "x" * _LONG,
    # places
    "../x.png", "/etc/passwd", "/dev/zero", "/dev/null", "/proc/self/mem", "folder", "fifo", "link", "loop",
    "~/x.png", "~nobody/x.png", "text.jpg", "cut.jpg", "empty.png", "a/b/c/d.png", "a" * 300 + ".png", ".",
    # code
    "${oc.env:HOME}", "${oc.env:NOTHING}", "${oc.decode:1}", "${steps}", "${nothing}", "${content}", "${",
    "$", "${oc.select:x}", "${now:%Y}", "${hydra:runtime.cwd}", "${run_suffix:}", "${oc.create:{a:1}}",
    "\\${a}", "$(touch canary)", "`touch canary`", ";touch canary", "|touch canary", "&& touch canary",
    "<script>", "{_target_:os.system,command:touch canary}", "{_target_:builtins.eval,_args_:['1']}",
    "os.system", "!!python/object/apply:os.system [touch canary]", "{_target_:nst_tf.run.os.system}",
    "<b>&amp;", "keras.optimizers.Adam", "nst_tf.statistics.gram.Gram", "__import__('os')",
    "{_partial_:true}",
    # Hydra's own functions
    "choice(1,2)", "range(1,4)", "interval(0,1)", "glob(*)", "shuffle(1,2)", "sort(2,1)", "int(x)", "str(5)",
    "float('nan')", "json_str({a:1})", "cast(1)", "tag(a,1)", "extend_list(1)", "int(1e999)", "bool(2)",
)
_NO_KEYS = (
    "a", "", "=", "stepz", "image.sise", "STEPS", "steps ", "hydra", "image.", ".image", "image..size",
    "a.b.c", "objective.style.statistic._target_", "optimizer._target_", "init._target_", "logger.x._target_",
    "_args_", "optimizer._partial_", "optimizer._args_", "objective/style@x", "optimizer@objective",
    "model/weights", "optimizer.learning_rate", "optimizer.history_size", "objective.style.weight",
    "init.noise", "init.path", "objective.content.weight", "pyramid.smallest", "pyramid.factor",
    "objective.style.statistic.kernel", "layers.style.block1_conv1", "style.0", "style[0]", "content.x",
    "steps.0", "é", "日本", "a b", "$x", "-x",
)
# sound words, so that most command lines fail of one word and not of all
_SOUND = (
    "content=photo.png", "style=painting.png", "style=[photo.png,painting.png]", "style_weights=[2,1]",
    "image.size=48", "image.size=64", "image.style_size=32", "steps=3", "seed=7", "optimizer=adam",
    "optimizer=lbfgs_torch", "optimizer.learning_rate=0.01", "pyramid=single", "init=noise", "init=content",
    "objective=gatys2016", "objective/style=covariance", "objective.style.weight=3", "layers=gatys2016",
    "layers.style=[block1_conv1]", "model.pooling=avg", "model=vgg16", "image.stretch=square", "average=0.9",
    "memory=recompute", "memory=tiles", "tile_size=256", "stop.patience=3", "record.picture=a.jpg",
    "experiment=gatys2016", "experiment=johnson", "profile=true", "init=file", "init.path=photo.png",
)
# fmt: on


@cache
def _keys() -> tuple[str, ...]:
    known = {*config_keys(), *config_groups()} - {"hydra"}
    return tuple(sorted(key for key in known if not key.startswith("hydra/")))


@cache
def _options() -> dict[str, tuple[str, ...]]:
    """Of the groups that have any, in the order of their names."""
    groups = sorted(group for group in config_groups() if not group.startswith("hydra"))
    found = {
        group: tuple(sorted(path.stem for path in (CONF_FOLDER / group).glob("*.yaml"))) for group in groups
    }
    return {group: options for group, options in found.items() if options}


def case(seed: int, number: int) -> list[str]:
    """Words of one command line."""
    chance = random.Random(f"overrides {seed} {number}")
    words = [_word(chance) for _ in range(chance.randint(1, _MOST_WORDS))]
    words = [chance.choice(_SOUND) if chance.random() < 0.6 else word for word in words]
    words = [_damaged(word, chance) if chance.random() < 0.1 else word for word in words]
    # where the run is written is the caller's own choice
    words = [word.replace("\0", "") for word in words if "hydra." not in word and "hydra/" not in word]
    return [*(["-m"] if chance.random() < _SWEEPS else []), *words]


def _word(chance: random.Random) -> str:
    if chance.random() < 0.2:
        group = chance.choice(list(_options()))
        option = chance.choice((*_options()[group], chance.choice(_VALUES)))
        return f"{chance.choice(_PREFIXES)}{group}={option}"
    key = chance.choice(_keys()) if chance.random() < 0.8 else chance.choice(_NO_KEYS)
    prefix, value = chance.choice(_PREFIXES), chance.choice(_VALUES)
    if prefix == "~" and chance.random() < 0.5:
        return f"~{key}"
    if chance.random() < 0.1:
        value = f"{value},{chance.choice(_VALUES)}"
    if chance.random() < 0.1:
        value = chance.choice(("'{}'", '"{}"', "[{}]", "{{a:{}}}")).format(value)
    return f"{prefix}{key}={value}"


def _damaged(word: str, chance: random.Random) -> str:
    letters = list(word)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(letters) + 1)
        letter = chance.choice("=,[]{}()'\"\\$:~+@#. \t\u00e9\u202e\x00\x1b\U0001f3a8a1-")
        replaced = chance.random() < 0.5 and place < len(letters)
        letters[place : place + replaced] = letter
    return "".join(letters)


def checker(seed: int, sound: Path, show: Callable[..., None]) -> Callable[[int, Path], Answer]:
    """A check of one case in the folder that it is given; ``sound`` holds pictures for all of them."""
    nst = stopped_before_work()
    _make_pictures(sound)
    said_by(nst, "nst", [*_SOUND[:2], *_BASE], sound)  # what is loaded once, before the processes part
    shutil.rmtree(sound / "run", ignore_errors=True)

    def check(number: int, place: Path) -> Answer:
        shutil.copytree(sound, place, symlinks=True, dirs_exist_ok=True)
        os.mkfifo(place / "fifo")
        before, words = set(place.rglob("*")), case(seed, number)
        said = said_by(nst, "nst", [*words, *_BASE], place)
        show(words, said)
        if f"({Reached.__name__})" in said.err:  # in a job of a sweep, whose end is told
            said = Said(None, said.out, said.err, said.did)
        if said.status == 1 and words[:1] == ["-m"] and " failed: " in said.err:
            said = Said(0, said.out, said.err, said.did)  # a sweep ends so when a job of it is refused
        wrong, left = said.wrong("nst"), set(place.rglob("*")) - before
        if said.status == 0 and words[:1] != ["-m"]:
            wrong.append(f"ends with status 0: {said.out[:200]!r}")
        if said.status == 2 and left:
            wrong.append(f"leaves {sorted(left)[:5]}")
        if (place / "canary").exists():
            wrong.append("the canary sings")
        return Answer(said.outcome, tuple(f"{words!r:.400}: {one}" for one in wrong))

    return check


def _make_pictures(folder: Path) -> None:
    noise = Image.effect_noise((80, 60), 50).convert("RGB")
    noise.save(folder / "photo.png")
    noise.rotate(90, expand=True).save(folder / "painting.png")
    noise.save(folder / "whole.jpg")
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:1200])
    (folder / "text.jpg").write_text("This is no picture.\n")
    (folder / "empty.png").touch()
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "loop").symlink_to("loop")
