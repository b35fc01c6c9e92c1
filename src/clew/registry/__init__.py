"""What is connected: products, integrations, customers, sources; and who may look: keys, members, sessions."""
