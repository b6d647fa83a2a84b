"""pytranscoder: transcodes video libraries with ffmpeg and never loses a film."""

__version__ = "3.0.0a1"
