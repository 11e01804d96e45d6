"""From a description with ``_target_`` to the object."""

from __future__ import annotations

from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from nst_tf.errors import InputError


def made(name: str, description: Any) -> Any:
    """The object that the description says; ``name`` is its key. Raises InputError for one that can't be."""
    if isinstance(description, DictConfig):
        description = OmegaConf.to_container(description, resolve=True)
    try:
        return instantiate(description, _convert_="all")
    except InstantiationException as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        if isinstance(cause, InputError):
            raise cause from None
        reason = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
        raise InputError(f"{name} can't be built: {reason}") from error
