"""The typed configuration of a run, and all that can be checked of it before TensorFlow is loaded."""
