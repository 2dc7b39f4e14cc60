"""Closing a month, and what happens to it afterwards."""
