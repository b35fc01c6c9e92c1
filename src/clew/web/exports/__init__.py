"""Exports that take a while, with their progress."""
