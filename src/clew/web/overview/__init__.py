"""The start page: how things are, and where to look first."""
