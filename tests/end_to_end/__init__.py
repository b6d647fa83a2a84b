"""The real command in a process of its own, with a real ffmpeg and real files."""
