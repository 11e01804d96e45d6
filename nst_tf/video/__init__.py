"""Animations: optical flow, where it can be believed, and what each frame begins from."""

from __future__ import annotations

from nst_tf.video.flow import DenseFlow, DisFlow, FarnebackFlow, confidence, warped, warping_error
from nst_tf.video.frame_start import Beginning, FollowFlow, FromPrevious, Independent, Still, Video

__all__ = [
    "Beginning",
    "DenseFlow",
    "DisFlow",
    "FarnebackFlow",
    "FollowFlow",
    "FromPrevious",
    "Independent",
    "Still",
    "Video",
    "confidence",
    "warped",
    "warping_error",
]
