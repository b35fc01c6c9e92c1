"""The lists: all records, and one page for each kind."""
