"""A plan without steps: for pictures that are made in another way."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nst_tf.pyramid.sizes import Pyramid, Scale


@dataclass(frozen=True)
class NoSteps:
    """The last size of another plan, with no step there."""

    plan: Pyramid
    carry_state: bool = False
    detail: float = 0.0

    def scales(self, size: int, style_size: int, steps: int) -> list[Scale]:
        """One scale."""
        return [replace(self.plan.scales(size, style_size, steps)[-1], steps=0)]
