"""What a figure was measured on."""

from __future__ import annotations

import os
from typing import Any

from nst_tf.runs.provenance import provenance


def machine() -> dict[str, Any]:
    """Processor, cores, versions, and how busy the machine was when this was called (1 minute's load)."""
    facts = provenance()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {**facts["machine"], "versions": facts["versions"], "git": facts["git_commit"], "load": load}
