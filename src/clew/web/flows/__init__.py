"""The flows that are declared: what starts each, its nodes, and how it does."""
