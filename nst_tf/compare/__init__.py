"""Runs beside each other: one yardstick, a contact sheet, a report page, a table."""

from __future__ import annotations
