"""After a kill, a crash or a power cut: runs nobody works on any more are ended, and what they held is freed.

It owns what Dagster's history says of dead runs. It does not own the warehouse: what a dead writer left there is
seen by the write lock, and built again.
"""
