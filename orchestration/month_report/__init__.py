"""The month report: one self-contained HTML page for finance per billing month, from the release and the ledger."""
