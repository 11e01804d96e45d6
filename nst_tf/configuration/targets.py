"""What a configuration may build: a saved one may come from anybody, and ``_target_`` names code to call."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

from nst_tf.errors import InputError

_PACKAGE = Path(__file__).resolve().parent.parent

# rooms whose classes are plain descriptions: building one computes numbers or reads a picture, and no more
_ROOMS = ("balance", "colour", "losses", "optimizers", "pyramid", "start", "statistics", "video")
_OTHER_MODULES = (
    "nst_tf.configuration.guidance",
    "nst_tf.loggers.mlflow",
    "nst_tf.loggers.tensorboard",
    "nst_tf.objective.blending",
    "nst_tf.run.start_from_file",
)

# by name, for `keras.optimizers` also has functions that build whatever they are told, such as `deserialize`;
# these are the optimizers and schedules of Keras 3.8 to 3.15
_KERAS_OPTIMIZERS = (
    *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "Muon"),
    *("Nadam", "RMSprop", "SGD"),
)
_KERAS_SCHEDULES = (
    *("CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay"),
    *("PiecewiseConstantDecay", "PolynomialDecay"),
)
KERAS_TARGETS = frozenset(
    [f"keras.optimizers.{name}" for name in _KERAS_OPTIMIZERS]
    + [f"keras.optimizers.schedules.{name}" for name in _KERAS_SCHEDULES]
)
"""Every name of Keras that may be built."""

_TARGET = "_target_"


def check_targets(node: Any) -> None:
    """Raise InputError for the first ``_target_`` in a plain, resolved configuration that may not be built.

    Allowed are classes that are defined in the rooms of nst_tf that describe a run, and the optimizers and
    schedules of Keras by name. What a module merely imports is not allowed, so that
    ``nst_tf.run.job.os.system`` is refused; nothing is imported to find out. Hydra's other words
    (``_args_``, ``_partial_``, ``_recursive_``, ``_convert_``) are refused too: they change what is called.
    """
    if isinstance(node, dict):
        for key, child in node.items():
            if key == _TARGET:
                _check_target(child)
            elif isinstance(key, str) and key.startswith("_") and key.endswith("_"):
                raise InputError(
                    f"the key {key!r} is not allowed: of Hydra's own words only {_TARGET} may stand there"
                )
            check_targets(child)
    elif isinstance(node, list):
        for child in node:
            check_targets(child)


def _check_target(target: Any) -> None:
    if not isinstance(target, str) or not (target in KERAS_TARGETS or _is_class_of_ours(target)):
        raise InputError(
            f"_target_ {target!r} is not allowed: it must name a class of nst_tf.{', nst_tf.'.join(_ROOMS)},"
            " or an optimizer or schedule as keras.optimizers.NAME or keras.optimizers.schedules.NAME"
        )


def _is_class_of_ours(target: str) -> bool:
    parts = target.split(".")
    if not all(part.isidentifier() and part.isascii() and not part.startswith("_") for part in parts):
        return False
    module, _, name = target.rpartition(".")
    return _may_define(module) and name in _classes(module)


def _may_define(module: str) -> bool:
    package, _, rest = module.partition(".")
    return package == _PACKAGE.name and (rest.partition(".")[0] in _ROOMS or module in _OTHER_MODULES)


@cache
def _classes(module: str) -> frozenset[str]:
    """The public classes that a module of ours defines, or takes from another such module.

    Read from its source: importing it would bring TensorFlow before anything else is checked.
    """
    path = _PACKAGE.joinpath(*module.split(".")[1:])
    source = next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
    if source is None:
        return frozenset()
    names = set()
    for statement in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ClassDef):
            names.add(statement.name)
        elif source.name == "__init__.py" and isinstance(statement, ast.ImportFrom):
            defined = _classes(str(statement.module)) if _may_define(str(statement.module)) else ()
            names |= {alias.asname or alias.name for alias in statement.names if alias.name in defined}
    return frozenset(name for name in names if not name.startswith("_"))
