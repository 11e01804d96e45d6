"""Building what a config group describes."""

from __future__ import annotations

from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from nst_tf.errors import InputError


def made(name: str, description: Any) -> Any:
    """The object that ``description``, a mapping with a ``_target_``, stands for.

    Raises InputError, with the object's own sentence or with one that begins with ``name``.
    """
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
