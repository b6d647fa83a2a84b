"""Transports, supervision of processes and host checks: how commands run on a machine. Knows nothing of jobs."""
