"""Why? Reads everything, changes nothing."""
