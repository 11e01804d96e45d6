"""Configuration files read once for all tests: a run of the tests composes them thousands of times.

Hydra reads each file anew for each composition, which takes a third of its time; it composes once to see what
is asked for and once more to do it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hydra._internal.config_repository import ConfigRepository
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult

from nst_tf.config.schema import CONFIGURATION


@contextmanager
def configuration_files() -> Iterator[None]:
    """Those of the package and of Hydra itself; files that tests write are read as ever."""
    load, known = ConfigRepository.load_config, {}

    def loaded(self: ConfigRepository, config_path: str) -> ConfigResult | None:
        source = self._find_object_source(config_path, ObjectType.CONFIG)
        ours = source and source.path in (str(CONFIGURATION), "hydra.conf")
        if not ours:
            return load(self, config_path)
        key = source.path, config_path
        if key not in known:
            known[key] = load(self, config_path)
        return copy.deepcopy(known[key])  # what is composed of it is written into it

    def with_sources_of_its_own(self: ConfigRepository, _: object) -> ConfigRepository:
        """Hydra copies it to give the copy another list of sources: the sources need no copies."""
        return copy.copy(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConfigRepository, "load_config", loaded)
        patch.setattr(ConfigRepository, "__deepcopy__", with_sources_of_its_own, raising=False)
        yield
