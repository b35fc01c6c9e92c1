"""The rules that explain failures, one function for each kind of failure. To add one, copy the nearest."""
