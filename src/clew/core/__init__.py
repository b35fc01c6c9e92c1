"""The words every folder uses. No I/O."""
