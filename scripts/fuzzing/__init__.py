"""Damaged and hostile input, made by the thousand: see scripts/fuzz.py."""
