"""The face for machines: the HTTP API."""
