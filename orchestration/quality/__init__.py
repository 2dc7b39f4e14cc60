"""Judging a candidate: Great Expectations suites, reconciliation, and the one verdict."""
