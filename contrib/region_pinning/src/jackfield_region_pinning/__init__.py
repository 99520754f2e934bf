"""Keeps each tenant's requests in its region."""
