"""The run's folder: pictures, metrics, provenance."""

from nst_tf.record.folder import RunFolder
from nst_tf.record.provenance import provenance

__all__ = ["RunFolder", "provenance"]
