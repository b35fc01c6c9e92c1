"""Dots: red leads to a failure, everything else is quiet."""

from __future__ import annotations

from typing import Literal

from clew.core.record import Status

Dot = Literal["failure", "below", "success", "info", "running"]
"""A record's dot. `below`: it did not fail itself, something it led to did. `running`: it has not ended yet."""

DOT_OF_STATUS: dict[Status, Dot] = {"failure": "failure", "success": "success", "info": "info"}
