"""Opens connections and says nothing: ``knocker.py PORT COUNT``. Prints a line when all are open, and keeps them."""

import socket
import sys


def main() -> None:
    port, count = map(int, sys.argv[1:])
    kept = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(count)]
    sys.stdout.write(f"{len(kept)}\n")
    sys.stdout.flush()
    sys.stdin.read()


main()
