"""A sweep: several runs of one command, each contained, counted, resumed and told of together."""

from __future__ import annotations
