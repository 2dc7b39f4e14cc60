"""Documents drawn from a month's invoices: workbook, PDF, e-invoice and tenant folders.

Every document is drawn from the same `Invoice` rows, is the same bytes for the same rows, and is
read again and reconciled to the minor unit. Amounts are net; tax is the ERP's work.
"""
