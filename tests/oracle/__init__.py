"""An independent computation of invoices: plain Python and decimals, written from the rules.

It shares nothing with the product but the seeds: no import from the project, no SQL. It takes
raw extracts (flat CSV) and returns every invoice line and the fate of every record, for comparison
with what the warehouse publishes. Slow and simple on purpose.
"""

from tests.oracle.billing import Bill, bill
from tests.oracle.lines import Line

__all__ = ["Bill", "Line", "bill"]
