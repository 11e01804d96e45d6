"""The device that is checked: a GPU, or the CPU, on which everything can be rehearsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf


@dataclass(frozen=True)
class Device:
    """``kind`` is GPU or CPU: TensorFlow's first device of it."""

    kind: str

    @property
    def name(self) -> str:
        """As ``tf.device`` takes it."""
        return f"{self.kind}:0"

    @property
    def is_gpu(self) -> bool:
        """Whether what is measured here is what was asked for, and no rehearsal."""
        return self.kind == "GPU"

    def there(self) -> bool:
        """Whether TensorFlow sees it."""
        return bool(tf.config.list_physical_devices(self.kind))

    def facts(self) -> dict[str, Any]:
        """Name, compute capability and driver where TensorFlow knows them, and what it was built with."""
        details = tf.config.experimental.get_device_details(tf.config.list_physical_devices(self.kind)[0])
        built = {f"built_{name}": value for name, value in tf.sysconfig.get_build_info().items()}
        return {"kind": self.kind, **{name: str(value) for name, value in (details | built).items()}}

    def peak_bytes(self) -> int:
        """The most that TensorFlow's allocator gave away since its figures were reset."""
        return tf.config.experimental.get_memory_info(self.name)["peak"]
