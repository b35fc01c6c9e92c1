"""Looking after a server: where it is, whether it is well, what is kept of it elsewhere."""
