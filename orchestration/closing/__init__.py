"""Closing a month: holds, sign-off, numbers, the append-only ledger, and what can be shown from it."""
