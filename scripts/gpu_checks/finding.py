"""What a check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """``holds`` is None for what could not be found out here, such as by a profiler of GPUs on a CPU."""

    name: str
    holds: bool | None
    detail: str

    def as_json(self) -> dict[str, Any]:
        """Of plain types."""
        return asdict(self)
