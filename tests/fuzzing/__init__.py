"""Damaged and hostile input, made by the thousand: see tests/fuzz.py."""
