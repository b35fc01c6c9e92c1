"""How the state database came to look as `tables.py` says. One file a revision, none is changed once released."""
