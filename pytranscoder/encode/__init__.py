"""One attempt from staging to replacement: progress, verification, replacement, recovery."""
