"""Watchers that tell other programs of a run: TensorBoard, MLflow."""
