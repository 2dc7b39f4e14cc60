"""The verdict for people: one self-contained HTML page of every check, and Great Expectations' own Data Docs."""
