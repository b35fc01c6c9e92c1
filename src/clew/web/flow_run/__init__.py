"""One flow run: its graph, what each node did and why not, and what went wrong."""
