"""What happens when something came: flows of nodes, whose every run is on record.

`flow` and `graph` are what is declared; `dispatch` and `scheduling` launch it. `embedded` opens the runs (`known_runs`,
`open_runs`, `lanes`); `run` is one that runs (`run_nodes`, `calling`, `attempts`, `backoff`); `records` is what is
written of it, and `recovery` and `replay` read that back.
"""
