"""The run's folder: pictures, metrics, provenance."""

from __future__ import annotations

from nst_tf.runs.folder import RunFolder
from nst_tf.runs.provenance import provenance

__all__ = ["RunFolder", "provenance"]
