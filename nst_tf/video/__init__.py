"""Animations: optical flow, where it can be believed, and what each frame begins from."""

from nst_tf.video.beginning import Beginning, FollowFlow, FromPrevious, Independent, Still, Video
from nst_tf.video.consistency import confidence, warping_error
from nst_tf.video.flow import DenseFlow, DisFlow, FarnebackFlow
from nst_tf.video.warp import warped

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
