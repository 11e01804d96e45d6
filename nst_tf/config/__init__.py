"""The typed configuration of a run, and all that can be checked of it before TensorFlow is loaded."""

from __future__ import annotations
