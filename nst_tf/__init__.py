"""Neural style transfer as an experiment tool.

``from nst_tf import stylize`` for the library; ``nst`` is the command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nst_tf.api import Stylized, stylize
    from nst_tf.errors import InputError

__all__ = ["InputError", "Stylized", "stylize"]


__version__ = "0.1.0"


def __getattr__(name: str):
    # late, so that importing a part of the package does not import Hydra and Pillow
    if name in ("Stylized", "stylize"):
        from nst_tf.api import Stylized, stylize

        return stylize if name == "stylize" else Stylized
    if name == "InputError":
        from nst_tf.errors import InputError

        return InputError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
