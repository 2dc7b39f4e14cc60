"""Meterhouse: raw usage in, invoices that finance can defend out.

Importing the package opens no connection and imports neither Dagster, dbt nor Great Expectations.
"""

__version__ = "0.1.0"
