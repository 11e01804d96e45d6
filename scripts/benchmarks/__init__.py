"""What ``scripts/benchmark.py`` measures, one idea a file."""
