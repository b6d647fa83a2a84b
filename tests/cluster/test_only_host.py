"""What becomes of jobs when their only host has a passing trouble: they come back to it."""

from pathlib import Path

from tests.cluster.scene import MORE_PROFILES, all_remains, files_in, wait_for_bytes
from tests.end_to_end.command import start_pytranscoder
from tests.lab.host import Host
from tests.lab.lab import Lab

SLOW_LINE_BIT_S = 8e6


def test_output_is_fetched_although_the_ssh_server_went_away_just_when_it_was_done(
    lab: Lab, alpha: Host, film: Path
) -> None:
    alpha.ffmpeg_stand_in("gate")
    lab.configure({"home": alpha.streaming()})

    with start_pytranscoder(lab.place, "-c", "home", "-p", "small", lab.place.add(film)) as running:
        running.wait_for("progress")
        alpha.link(delay_s=0.3)  # so that nothing can be fetched before it is stopped
        alpha.let_finish()
        running.wait_for("encode_ended")
        alpha.stop_server()
        running.wait_for("host_unavailable")
        running.wait_for("host_unavailable")  # a second time, a second or more later
        alpha.link()
        alpha.start_server()
        done = running.finish()

    assert (done.status, done.outcomes, done.of("attempt_failed")) == (0, {"film.mp4": "encoded"}, [])
    assert all_remains(lab) == []


def test_job_comes_back_to_its_only_host_when_that_has_room_again(lab: Lab, alpha: Host, heavy_film: Path) -> None:
    disk = alpha.small_disk(30_000_000)
    alpha.link(rate_bit_s=SLOW_LINE_BIT_S)
    lab.configure({"home": alpha.streaming(working_dir=disk)}, MORE_PROFILES)

    with start_pytranscoder(lab.place, "-c", "home", "-p", "copy", lab.place.add(heavy_film)) as running:
        wait_for_bytes(running, "upload", 500_000)
        alpha.inside("sh", "-c", f"! cat /dev/zero >'{disk}/something else'")
        running.wait_for("attempt_failed")
        alpha.inside("rm", f"{disk}/something else")
        alpha.link()
        done = running.finish()

    (failure,) = done.of("attempt_failed")
    assert "no space left" in failure["reason"]
    assert (done.status, done.outcomes, files_in(alpha.path(disk))) == (0, {"heavy.mkv": "encoded"}, [])
    assert all_remains(lab) == []
