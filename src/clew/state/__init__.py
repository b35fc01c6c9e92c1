"""The small transactional store that must be right: what is connected, who may look, what is in flight."""
