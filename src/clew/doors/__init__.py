"""Ways in: check and decode what a sender sent, bytes and headers to records. Nothing here stores anything."""
