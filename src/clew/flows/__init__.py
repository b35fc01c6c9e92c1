"""What happens when something came: flows of nodes, whose every run is on record."""
