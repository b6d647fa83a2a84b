import io
import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytranscoder.jobs import events
from pytranscoder.jobs.events import CancelRequested, Event, HostReady, Notice, Outcome
from pytranscoder.ui.json_lines import JsonLines, event_name, json_line
from pytranscoder.ui.output import Output
from tests.ui.samples import attempt_failed, finished, planned, progress, run_finished, started

paths = st.binary(min_size=1, max_size=30).map(lambda raw: Path(raw.decode("utf-8", "surrogateescape")))
numbers = st.floats(allow_nan=False, allow_infinity=False)
strategies: dict[Any, st.SearchStrategy[Any]] = {
    Path: paths,
    Path | None: st.none() | paths,
    float: numbers,
    float | None: st.none() | numbers,
}
public_events = [
    value
    for value in vars(events).values()
    if isinstance(value, type) and issubclass(value, Event) and value not in (Event, CancelRequested)
]


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    types = get_type_hints(kind)
    return st.builds(kind, **{name: strategies.get(of, st.from_type(of)) for name, of in types.items()})


def as_json(value: Any) -> Any:
    """What a value looks like after a journey through JSON."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("kind", public_events)
def test_every_field_of_every_event_makes_the_round_trip(kind: type[Event]) -> None:
    @settings(max_examples=20, deadline=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        event = data.draw(events_of(kind))
        document = json.loads(json_line(event))
        shown = [field.name for field in fields(event) if field.metadata.get("json", True)]
        expected = {name: as_json(getattr(event, name)) for name in shown}
        assert document == {"event": event_name(kind.__name__), **expected}

    check()


def test_byte_that_is_not_utf_8_is_a_lone_surrogate() -> None:
    line = json_line(finished(1, media=Path("/films/a\udcff.mp4")))

    assert r'"media": "/films/a\udcff.mp4"' in line


@pytest.mark.parametrize("speed", [float("inf"), float("nan")])
def test_number_that_json_lacks_is_null(speed: float) -> None:
    assert json.loads(json_line(progress(1, 5.0, speed=speed)))["speed"] is None


@pytest.mark.parametrize(
    ("event", "keys"),
    [
        (
            planned(),
            "media cluster host host_type profile rule queue argv",
        ),
        (started(1), "job attempt media cluster host profile argv"),
        (progress(1, 5.0), "job host percent speed fps compression eta_s"),
        (attempt_failed(1), "job attempt host fault reason"),
        (finished(1), "job media outcome host seconds source_bytes output_bytes output reason"),
        (run_finished(), "encoded skipped rejected failed cancelled seconds"),
        (HostReady(time=0.0, host="nas"), "host cluster ffmpeg_version"),
    ],
    ids=lambda value: event_name(type(value).__name__) if isinstance(value, Event) else "",
)
def test_promised_keys_are_there(event: Event, keys: str) -> None:
    assert set(keys.split()) | {"event", "time"} <= json.loads(json_line(event)).keys()


def test_values_of_enumerations_are_their_words() -> None:
    assert json.loads(json_line(finished(1, Outcome.REJECTED)))["outcome"] == "rejected"
    assert json.loads(json_line(attempt_failed(1)))["fault"] == "host"


def printed(*told: Event, verbose: bool = False) -> tuple[str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    with JsonLines(Output(stdout), Output(stderr), verbose=verbose) as screen:
        for event in told:
            screen.handle(event)
    return stdout.getvalue(), stderr.getvalue()


def test_internal_events_are_left_out() -> None:
    assert printed(CancelRequested(time=0.0)) == ("", "")


@pytest.mark.parametrize(("verbose", "text"), [(False, "careful\n"), (True, "careful\nbut why\nso\n")])
def test_notices_go_to_stderr_as_text(verbose: bool, text: str) -> None:
    notices = [Notice(time=0.0, level="warning", text="careful"), Notice(time=0.0, level="detail", text="but why\nso")]

    assert printed(*notices, verbose=verbose) == ("", text)


def test_each_event_is_one_line() -> None:
    stdout, _ = printed(started(1, media=Path("/films/a\nb.mp4")), finished(1))

    assert [json.loads(line)["event"] for line in stdout.splitlines()] == ["encode_started", "job_finished"]
