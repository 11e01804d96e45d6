"""Neural style transfer as an experiment tool.

``from nst_tf import stylize`` for the library; ``nst`` is the command.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nst_tf.api import Stylized, build_experiment, stylize
    from nst_tf.errors import InputError

__all__ = ["InputError", "Stylized", "build_experiment", "stylize"]

__version__ = "0.1.0"


def __getattr__(name: str):
    # late, so that importing a part of the package does not import Hydra and Pillow
    if name in __all__:
        return getattr(
            importlib.import_module("nst_tf.errors" if name == "InputError" else "nst_tf.api"), name
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
