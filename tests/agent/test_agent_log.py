"""What an agent tells, and that nobody can fill a disk with it."""

from pytranscoder.agent.log import LONGEST_TEXT, REFUSALS_TOLD, Log


class Clock:
    now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_line_has_time_peer_and_what() -> None:
    told: list[str] = []

    Log(told.append, Clock()).tell("192.0.2.7", "film.mkv: done")

    assert told[0].endswith(" 192.0.2.7: film.mkv: done")
    assert len(told[0].split()[0]) == len("2001-09-09")


def test_a_name_cannot_make_a_line_of_its_own() -> None:
    told: list[str] = []

    Log(told.append, Clock()).refuse("192.0.2.7", "a\n2001-09-09 01:46:40 192.0.2.8: \x1b[2Jdone")

    assert "\n" not in told[0]
    assert "\x1b" not in told[0]


def test_a_long_text_is_cut() -> None:
    told: list[str] = []

    Log(told.append, Clock()).tell("192.0.2.7", "x" * 10_000)

    assert len(told[0]) < LONGEST_TEXT + 50


def test_many_refusals_are_counted() -> None:
    told: list[str] = []
    clock = Clock()
    log = Log(told.append, clock)
    for number in range(1000):
        log.refuse("192.0.2.7", f"thing {number}")
    few = len(told)
    clock.now += 61
    log.refuse("192.0.2.7", "thing")

    assert few == REFUSALS_TOLD + 1
    assert told[few].endswith("980 more refusals since the last one told")
    assert told[few + 1].endswith("refused thing")


def test_one_peer_does_not_hide_another() -> None:
    told: list[str] = []
    log = Log(told.append, Clock())
    for _ in range(100):
        log.refuse("192.0.2.7", "a shell")

    log.refuse("192.0.2.8", "a shell")

    assert told[-1].endswith("192.0.2.8: refused a shell")


def test_many_peers_are_not_kept_for_ever() -> None:
    log = Log(lambda _: None, Clock())
    for number in range(10_000):
        log.refuse(str(number), "a shell")

    assert len(log._counts) <= 256
