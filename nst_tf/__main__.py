"""``python -m nst_tf``: the same program as ``nst``."""

from __future__ import annotations

from nst_tf.cli import main

if __name__ == "__main__":
    main()
