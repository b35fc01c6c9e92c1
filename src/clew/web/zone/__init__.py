"""Choosing the time zone in which times are shown and read."""
