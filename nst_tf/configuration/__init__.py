"""The typed configuration of a run, and everything about it that can be checked before TensorFlow is loaded."""
