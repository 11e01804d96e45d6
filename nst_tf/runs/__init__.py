"""Runs: their folders, checkpoints, signals, memory and sizes. Nothing here imports TensorFlow."""

from __future__ import annotations
