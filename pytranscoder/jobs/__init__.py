"""Jobs, attempts and outcomes; events; the scheduler; the journal; the queue file. Runs nothing itself."""
