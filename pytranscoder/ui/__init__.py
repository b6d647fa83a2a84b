"""What the user sees: board, plain lines, JSON lines, reports. Observes events and decides nothing."""
