"""The record of truth: what is accepted is on disk here first, and every later stage reads it from here."""
