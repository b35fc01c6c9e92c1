"""Monitoring & Troubleshooting: where to look, and a check that says why an integration did not run."""
