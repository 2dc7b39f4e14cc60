"""Landing files to the typed raw store: pre-check, parse, type, quarantine, receipt. No billing rule lives here."""
