"""Configurations composed once for all tests: a run of the tests composes them thousands of times.

Hydra reads each file and merges all of them anew for each composition. What it makes of the files depends
on the choices of the config groups only (``optimizer=adam``); the values (``steps=3``) are put in
afterwards, each time.
"""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hydra._internal import config_loader_impl
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository, IConfigRepository
from hydra._internal.defaults_list import DefaultsList
from hydra.core.config_store import ConfigStore
from hydra.core.default_element import ResultDefault
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf

from nst_tf.config.schema import CONF_FOLDER, EXPERIMENT

# the package's own files, those of Hydra, and the dataclasses that both register
_NEVER_CHANGE = {str(CONF_FOLDER), "hydra.conf", ""}


@contextmanager
def configuration_files() -> Iterator[None]:
    """Those of the package and of Hydra itself; with files that tests write, all is done as ever."""
    with pytest.MonkeyPatch.context() as patch:
        _read_once(patch)
        _choose_once(patch)
        _merge_once(patch)
        yield


def _read_once(patch: pytest.MonkeyPatch) -> None:
    load, known = ConfigRepository.load_config, {}

    def loaded(self: ConfigRepository, config_path: str) -> ConfigResult | None:
        source = self._find_object_source(config_path, ObjectType.CONFIG)
        ours = source and source.path in (str(CONF_FOLDER), "hydra.conf")
        if not ours:
            return load(self, config_path)
        key = source.path, config_path
        if key not in known:
            known[key] = pickle.dumps(load(self, config_path))
        return pickle.loads(known[key])  # a copy: what is composed of it is written into it

    def with_sources_of_its_own(self: ConfigRepository, _: object) -> ConfigRepository:
        """Hydra copies it to give the copy another list of sources: the sources need no copies."""
        return copy.copy(self)

    patch.setattr(ConfigRepository, "load_config", loaded)
    patch.setattr(ConfigRepository, "__deepcopy__", with_sources_of_its_own, raising=False)


def _choose_once(patch: pytest.MonkeyPatch) -> None:
    """The list of files that make up a configuration: one for each set of choices."""
    create, known = config_loader_impl.create_defaults_list, {}

    def chosen(
        repo: IConfigRepository, config_name: str | None, overrides_list: list[Override], **options: bool
    ) -> DefaultsList:
        given = [one for one in overrides_list if not one.is_sweep_override()]  # those are for the jobs
        choices = [one for one in given if repo.group_exists(one.key_or_group)]
        if not _never_changes(repo, [f"{one.key_or_group}/{one.value()}" for one in choices]):
            return create(repo, config_name, overrides_list, **options)
        key = config_name, tuple(one.input_line for one in choices), tuple(sorted(options.items()))
        if key not in known:
            known[key] = create(repo, config_name, overrides_list, **options)
        values = [one for one in given if one not in choices or isinstance(one.value(), dict)]
        return dataclasses.replace(known[key], config_overrides=values)

    patch.setattr(config_loader_impl, "create_defaults_list", chosen)


def _merge_once(patch: pytest.MonkeyPatch) -> None:
    """The files of such a list merged, before any value of the command line."""
    compose, known = ConfigLoaderImpl._compose_config_from_defaults_list, {}

    def merged(self: ConfigLoaderImpl, defaults: list[ResultDefault], repo: IConfigRepository) -> DictConfig:
        if not _never_changes(repo, [str(one.config_path) for one in defaults]):
            return compose(self, defaults, repo)
        key = repr(defaults)
        if key not in known:
            made = compose(self, defaults, repo)
            OmegaConf.clear_cache(made)  # it would keep the time of the first run, ${now:...}, for all others
            known[key] = pickle.dumps(made)
        return pickle.loads(known[key])  # a fifth of the time of a deep copy

    patch.setattr(ConfigLoaderImpl, "_compose_config_from_defaults_list", merged)


def _never_changes(repo: IConfigRepository, paths: list[str]) -> bool:
    """Whether all is the package's own or Hydra's: experiments that tests write are in Hydra's store."""
    written = {f"{EXPERIMENT}/{Path(name).stem}" for name in ConfigStore.instance().repo.get(EXPERIMENT, {})}
    return written.isdisjoint(paths) and all(source.path in _NEVER_CHANGE for source in repo.get_sources())
