"""What is connected: products, integrations and connections, each with how it did in the last 24 hours."""
