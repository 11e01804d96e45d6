"""Building what a config group describes. It may come from anybody, and ``_target_`` names code to call."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from nst_tf.config.trust import TARGET, check_own_class, is_trusted, targets_in
from nst_tf.errors import InputError

_PACKAGE = Path(__file__).resolve().parent.parent

# what describes a run: building one of its classes computes numbers or reads a picture, and no more
_PACKAGES = (
    *("balance", "color", "init", "loggers", "losses", "optim", "parameterization", "pyramid", "statistics"),
    "structure",
    "video",
)
_OTHER_MODULES = (
    "nst_tf.guidance.masks",
    "nst_tf.objective.blending",
)

# what saved runs and people's own experiment files may still call by the name that it had in version 0.1
_FORMER_MODULES = {
    "nst_tf.colour": "nst_tf.color",
    "nst_tf.configuration.guidance": "nst_tf.guidance.masks",
    "nst_tf.optimizers": "nst_tf.optim",
    "nst_tf.run.start_from_file": "nst_tf.init",
    "nst_tf.start": "nst_tf.init",
}

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


def build(name: str, description: Any) -> Any:
    """The object that ``description``, a mapping with a ``_target_``, stands for.

    Raises InputError for a target that is not allowed, with the object's own sentence, or with one that
    begins with ``name``. Classes of somebody's own are imported: see ``nst_tf.config.trust``.
    """
    if isinstance(description, DictConfig):
        description = OmegaConf.to_container(description, resolve=True)
    description = with_present_names(description)
    check_targets(description)
    own = own_targets(description)
    for target in own:
        check_own_class(target)
    try:
        return instantiate(description, _convert_="all")
    except InstantiationException as error:
        cause: BaseException = error
        while cause.__cause__ is not None and not isinstance(cause, InputError):
            cause = cause.__cause__
        if isinstance(cause, InputError):
            raise cause from None
        reason = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
        if own:
            raise InputError(
                f"{name} can't be built with {' and '.join(own)}: {type(cause).__name__}: {reason}"
            ) from error
        if unknown := _unknown_keys(description):
            kind = description[TARGET].rpartition(".")[2]
            raise InputError(
                f"{name} can't be built: {kind} knows no {', '.join(unknown)}; if an experiment sets that for"
                f" another option, say {' '.join(f'~{name}.{key}' for key in unknown)}"
            ) from error
        raise InputError(f"{name} can't be built: {reason}") from error


def _unknown_keys(description: Any) -> list[str]:
    """The keys that a class of ours has no parameter for; none of what is not described by such a class."""
    target = description.get(TARGET) if isinstance(description, dict) else None
    if not isinstance(target, str) or not _is_class_of_ours(target):
        return []
    module, _, name = target.rpartition(".")
    known = _parameters(_classes(module)[name], _classes(module))
    return [key for key in description if key != TARGET and key not in known]


def _parameters(defined: ast.ClassDef, beside: Mapping[str, ast.ClassDef]) -> dict[str, ast.expr | None]:
    """The fields of a dataclass, its bases' first, or the arguments of ``__init__``, with their defaults."""
    found: dict[str, ast.expr | None] = {}
    for base in defined.bases:
        if isinstance(base, ast.Name) and base.id in beside:
            found |= _parameters(beside[base.id], beside)
    for statement in defined.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            arguments = statement.args
            positional = [one.arg for one in arguments.args]
            found |= dict.fromkeys(positional)
            found |= dict(zip(positional[::-1], arguments.defaults[::-1], strict=False))
            found |= zip([one.arg for one in arguments.kwonlyargs], arguments.kw_defaults, strict=True)
        elif isinstance(statement, ast.AnnAssign) and "ClassVar" not in ast.unparse(statement.annotation):
            found[ast.unparse(statement.target)] = statement.value
    return found


def class_defaults(target: str) -> dict[str, Any]:
    """The defaults of the parameters of a class of ours that YAML could say; InputError if it is not allowed.

    An object that was built without a key was built with these: a key that a class gains has the former
    behaviour as its default, whatever its option in conf/ says to new runs. Other classes gain none here.
    """
    target = _present_name(target)
    check_targets({TARGET: target})
    if not _is_class_of_ours(target):
        return {}
    module, _, name = target.rpartition(".")
    return _defaults(_classes(module)[name], _classes(module))


def _defaults(defined: ast.ClassDef, beside: Mapping[str, ast.ClassDef]) -> dict[str, Any]:
    """Those defaults of ``_parameters`` that YAML could say."""
    found: dict[str, Any] = {}
    for name, default in _parameters(defined, beside).items():
        with suppress(ValueError):  # of an object, which YAML describes in another way
            value = ast.literal_eval(default) if default is not None else ()
            if isinstance(value, (bool, int, float, str, type(None))):
                found[name] = value
    return found


def with_present_names(node: Any) -> Any:
    """The plain values, where every ``_target_`` with a former name of this package has the present one."""
    if isinstance(node, dict):
        return {
            key: _present_name(child) if key == TARGET else with_present_names(child)
            for key, child in node.items()
        }
    return [with_present_names(child) for child in node] if isinstance(node, list) else node


def _present_name(target: Any) -> Any:
    """``nst_tf.start.NoiseStart``, or the module in it, as ``nst_tf.init.NoiseStart``."""
    if not isinstance(target, str):
        return target
    module, _, name = target.rpartition(".")
    outer = module.rpartition(".")[0]
    present = _FORMER_MODULES.get(module) or _FORMER_MODULES.get(outer)
    if present is None and outer.startswith("nst_tf."):
        present = outer  # nst_tf.losses.style.StyleLoss is nst_tf.losses.StyleLoss
    return f"{present}.{name}" if present and _may_define(present) and name in _classes(present) else target


def check_targets(node: Any) -> None:
    """Raise InputError for the first ``_target_`` in a plain, resolved configuration that may not be built.

    Allowed are classes that are defined in the packages of nst_tf that describe a run, the optimizers and
    schedules of Keras by name, and what is trusted (``nst_tf.config.trust``). What a module merely imports is
    not allowed, so that ``nst_tf.run.os.system`` is refused; nothing is imported to find out. Hydra's other
    words (``_args_``, ``_partial_``, ``_recursive_``, ``_convert_``) are refused too: they change what is
    called.
    """
    if isinstance(node, dict):
        for key, child in node.items():
            if key == TARGET:
                _check_target(_present_name(child))
            elif isinstance(key, str) and key.startswith("_") and key.endswith("_"):
                raise InputError(
                    f"the key {key!r} is not allowed: of Hydra's own words only {TARGET} may stand there"
                )
            check_targets(child)
    elif isinstance(node, list):
        for child in node:
            check_targets(child)


def own_targets(node: Any) -> list[str]:
    """Every ``_target_`` in plain values that is neither ours nor Keras': one's own, if it is allowed."""
    return [one for one in dict.fromkeys(targets_in(node)) if not _is_known(_present_name(one))]


def _check_target(target: Any) -> None:
    if not _is_known(target) and not is_trusted(target):
        ours = ", ".join(f"nst_tf.{name}" for name in _PACKAGES)
        module = target.rpartition(".")[0] if isinstance(target, str) else ""
        is_name = all(part.isidentifier() for part in str(target).split("."))
        trust = f", or say --trust {module} if you know what it does" if module and is_name else ""
        raise InputError(
            f"_target_ {target!r} is not allowed: it must name a class of {ours},"
            " or an optimizer or schedule as keras.optimizers.NAME or keras.optimizers.schedules.NAME"
            f"{trust}"
        )


def _is_known(target: Any) -> bool:
    return isinstance(target, str) and (target in KERAS_TARGETS or _is_class_of_ours(target))


def _is_class_of_ours(target: str) -> bool:
    parts = target.split(".")
    if not all(part.isidentifier() and part.isascii() and not part.startswith("_") for part in parts):
        return False
    module, _, name = target.rpartition(".")
    return _may_define(module) and name in _classes(module)


def _may_define(module: str) -> bool:
    package, _, rest = module.partition(".")
    if package != _PACKAGE.name:
        return False
    # a class of somebody's own may stand in a new module of its package; but optim has more than optimizers
    name, _, inner = rest.partition(".")
    return module in _OTHER_MODULES or (name in _PACKAGES and not (inner and name == "optim"))


@cache
def _classes(module: str) -> Mapping[str, ast.ClassDef]:
    """The classes that a module of ours defines, or a package takes from its own modules.

    Read from its source: importing it would bring TensorFlow before anything else is checked.
    """
    path = _PACKAGE.joinpath(*module.split(".")[1:])
    source = next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
    found: dict[str, ast.ClassDef] = {}
    if source is None:
        return found
    for statement in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ClassDef):
            found[statement.name] = statement
        elif isinstance(statement, ast.ImportFrom) and f"{statement.module}.".startswith(f"{module}."):
            defined = _classes(str(statement.module))
            names = {alias.asname or alias.name: alias.name for alias in statement.names}
            found |= {name: defined[origin] for name, origin in names.items() if origin in defined}
            found |= {name: one for name, one in defined.items() if name.startswith("_")}  # bases
    return found
