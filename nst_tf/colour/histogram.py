"""Matching histograms in one dimension, exactly."""

from __future__ import annotations

import numpy as np


def matched_values(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """``source`` [N] mapped by a rising function to the distribution of ``target`` [M]; float64.

    The sorted target is cut into N equal shares, and the i-th smallest value gets the mean of the i-th: no
    bins stand between. Equal values get one value, the mean of theirs, so that what was flat stays flat. So
    the mean is always the target's, and with as many values, all different, so are the sorted results.
    """
    order = np.argsort(source, kind="stable")
    in_order = source[order]
    wanted = _quantiles(np.sort(target).astype(np.float64), len(source))
    begins = np.concatenate([[True], in_order[1:] > in_order[:-1]])
    firsts = np.flatnonzero(begins)
    counts = np.diff(np.append(firsts, len(source)))
    means = np.add.reduceat(wanted, firsts) / counts
    result = np.empty(len(source))
    result[order] = np.repeat(means, counts)
    return result


def _quantiles(ordered: np.ndarray, count: int) -> np.ndarray:
    """The means of ``count`` equal shares of the M ordered values: their mean is that of the values."""
    edges = np.linspace(0, len(ordered), count + 1)
    total = np.interp(edges, np.arange(len(ordered) + 1), np.concatenate([[0], np.cumsum(ordered)]))
    return np.diff(total) * (count / len(ordered))
