"""Customers: their list, and a customer's page with the application events and what became of each."""
