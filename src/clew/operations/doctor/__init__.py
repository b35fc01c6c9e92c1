"""Is it well? What a server needs, looked at from outside, changing nothing."""
