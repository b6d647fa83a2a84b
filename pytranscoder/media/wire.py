"""Media and Ends as JSON objects, for the pipe between the prober and its workers. Not a format for files.

Paths are not on the wire: who asked knows them, whatever bytes they have.
"""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from pytranscoder.media.model import Ends, Identity, Media, Stream, StreamKind


def media_to_wire(media: Media) -> dict[str, Any]:
    """All of a media file but its path; of its streams only what differs from the defaults."""
    return {
        "identity": asdict(media.identity),
        "container": media.container,
        "duration_s": media.duration_s,
        "streams": [_stream_to_wire(stream) for stream in media.streams],
        "chapters": media.chapters,
    }


def media_from_wire(path: Path, values: dict[str, Any]) -> Media:
    """The inverse of `media_to_wire`."""
    return Media(
        path=path,
        identity=Identity(**values["identity"]),
        container=values["container"],
        duration_s=values["duration_s"],
        streams=tuple(_stream_from_wire(**stream) for stream in values["streams"]),
        chapters=values["chapters"],
    )


def ends_to_wire(ends: Ends) -> dict[str, Any]:
    """Where a file ends."""
    return asdict(ends)


def ends_from_wire(values: dict[str, Any]) -> Ends:
    """The inverse of `ends_to_wire`."""
    return Ends(**values)


def _stream_to_wire(stream: Stream) -> dict[str, Any]:
    values = ((field, getattr(stream, field.name)) for field in fields(stream))
    return {field.name: value for field, value in values if value != field.default}


def _stream_from_wire(kind: str, **values: Any) -> Stream:
    return Stream(kind=StreamKind(kind), **values)
