"""Settings: what is logged, and who changed what."""
