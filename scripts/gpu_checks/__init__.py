"""What ``scripts/gpu_check.py`` checks and measures, one idea a file."""
