"""Neural style transfer as an experiment tool."""

__version__ = "0.1.0"
