"""Which classes of others may be built: those that a person typed, configured or vouches for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.singleton import Singleton
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nst_tf.config.schema import config_groups, is_there
from nst_tf.errors import InputError

TARGET = "_target_"
_CONFIG_DIR = ("--config-dir", "-cd")
_FILE = ".py"
_INSTALLED = ("nst_tf.", "keras.")


@dataclass(frozen=True)
class Trust:
    """``targets`` may be built, and the classes that one of the ``modules``, or a module in it, defines.

    ``folders``: where their modules are looked for after all other places, so that a file there takes the
    place of no installed package.
    """

    targets: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()

    def allows(self, target: str) -> bool:
        """Whether the class of this name may be imported."""
        is_dotted = "." in target and all(part.isidentifier() for part in target.split("."))
        return is_dotted and (target in self.targets or self.has_module(target.rpartition(".")[0]))

    def has_module(self, module: str) -> bool:
        """Whether somebody vouches for the module, or for a package that it is in."""
        return any(f"{module}.".startswith(f"{one}.") for one in self.modules)


# ---- The trust of this process ----


class _Present(metaclass=Singleton):
    """Holds it. Being one of Hydra's singletons, it travels to the processes that run the jobs of a sweep."""

    def __init__(self) -> None:
        self.trust = Trust()


@contextmanager
def trusting(trust: Trust) -> Iterator[None]:
    """Meanwhile this, and no other, is the trust of the process."""
    before, path = _Present().trust, list(sys.path)
    _Present().trust = trust
    try:
        # not for those alone that are installed anyway: what is imported later if it is there, such as an
        # extra, would be looked for in the present folder, which may have come from anybody
        if trust.modules or not all(one.startswith(_INSTALLED) for one in trust.targets):
            _make_importable(trust)
        yield
    finally:
        _Present().trust = before
        for folder in trust.folders:
            if folder not in path and folder in sys.path:
                sys.path.remove(folder)


def is_trusted(target: Any) -> bool:
    """Whether a class that is not ours may be built."""
    return isinstance(target, str) and _Present().trust.allows(target)


def check_own_class(target: str) -> None:
    """Import the module of a trusted target; raises InputError unless the target is a class in it."""
    trust = _Present().trust
    _make_importable(trust)
    module, _, name = target.rpartition(".")
    try:
        found = getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise _not_imported(target, module, error) from error
        raise InputError(
            f"_target_ {target!r} can't be found: there is no module {error.name}, neither installed nor in"
            f" {' or '.join(trust.folders)}; give the file of one that is elsewhere, --trust FOLDER/NAME.py"
        ) from None
    except (Exception, SystemExit) as error:  # whatever somebody's own file may raise
        raise _not_imported(target, module, error) from error
    if not isinstance(found, type):
        said = "has nothing of this name" if found is None else "has something else of this name"
        raise InputError(
            f"_target_ {target!r} is no class: the module {module} {said}; a class of your own or of nst_tf,"
            " or keras.optimizers.NAME may stand there"
        )
    if target not in trust.targets and not trust.has_module(found.__module__):
        raise InputError(
            f"_target_ {target!r} is not allowed: {module} only imports it, from {found.__module__}, which"
            " --trust does not name"
        )


def _not_imported(target: str, module: str, error: BaseException) -> InputError:
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return InputError(f"_target_ {target!r} can't be used, for {module} can't be imported ({reason})")


def _make_importable(trust: Trust) -> None:
    sys.path += [folder for folder in trust.folders if folder not in sys.path]
    invalidate_caches()  # a file may have been written a moment ago


# ---- What a person trusts, from the words that they typed ----


def with_trust(words: Sequence[str]) -> tuple[list[str], Trust]:
    """The words without ``--trust MODULE[,MODULE]``, and what they say is to be trusted.

    MODULE is the name of a module or a package, or the path of a module's file. Trusted besides is every
    ``_target_`` in a word, and in the files for our config groups in the folder of Hydra's ``--config-dir``.
    What a word merely names (``experiment=FILE``, ``resume=FOLDER``) may be anybody's.
    """
    rest: list[str] = []
    modules: list[str] = []
    folders: list[Path] = []
    coming = iter(words)
    for word in coming:
        flag, equals, value = word.partition("=")
        if flag == "--trust":
            for one in (value if equals else next(coming, "")).split(","):
                modules.append(_module_name(one))
                if one.endswith(_FILE):
                    folders.append(Path(one).absolute().parent)
        else:
            rest.append(word)
    targets = set(_typed(rest))
    for word, following in zip(rest, [*rest[1:], ""], strict=False):
        flag, equals, value = word.partition("=")
        if flag in _CONFIG_DIR:
            folders.append(Path(value if equals else following).absolute())
            targets.update(_in_config_dir(folders[-1]))
    places = dict.fromkeys(str(folder) for folder in (Path.cwd(), *folders))
    return rest, Trust(frozenset(targets), frozenset(modules), tuple(places))


def targets_in(node: Any, key: str = "") -> Iterator[str]:
    """Every text that stands at a ``_target_`` in plain values; several with commas between are a sweep."""
    if isinstance(node, dict):
        for name, child in node.items():
            yield from targets_in(child, str(name))
    elif isinstance(node, list):
        for child in node:
            yield from targets_in(child)
    elif isinstance(node, str) and key.rpartition(".")[2] == TARGET:
        yield from (one.strip() for one in node.split(","))


def _module_name(given: str) -> str:
    name = Path(given).stem if given.endswith(_FILE) else given
    is_name = all(part.isidentifier() for part in name.split("."))
    if not is_name or (name != given and not is_there(Path(given))):
        raise InputError(
            f"--trust takes a module, by name (my_module, my_package.part) or FOLDER/NAME.py, not {given!r}"
        )
    return name


def _typed(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        if TARGET in word:
            with suppress(HydraException, ValueError):  # Hydra itself will say what is wrong with it
                override = OverridesParser.create().parse_override(word)
                key = override.get_key_element()
                if override.is_discrete_sweep():
                    yield from _typed([f"{key}={value}" for value in override.sweep_string_iterator()])
                else:
                    yield from targets_in(override.value(), key)


def _in_config_dir(folder: Path) -> Iterator[str]:
    groups = ["hydra", *(group for group in config_groups() if "/" not in group)]
    of_groups = [file for group in groups for file in (folder / group).rglob("*.yaml")]
    for file in (*folder.glob("*.yaml"), *of_groups):
        with suppress(OSError, ValueError, yaml.YAMLError, OmegaConfBaseException):  # Hydra will say why
            yield from targets_in(OmegaConf.to_container(OmegaConf.load(file)))
