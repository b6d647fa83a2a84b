import pytest

from pytranscoder.encode.ending import failure, require_success
from pytranscoder.encode.progress import Snapshot
from pytranscoder.errors import CapacityError, EncodeFailedError, KilledError, SpaceError, UnfitError, VerifyError

ENDED = Snapshot(ended=True)
OUTPUT = "/mnt/media/.Film.ptc-1.mkv"


def end(status: int, *stderr: str, last: Snapshot | None = ENDED) -> None:
    require_success("nas", "Film.mkv", ["ffmpeg", OUTPUT], status, stderr, last)


def test_end_is_a_success_when_ffmpeg_says_so_twice() -> None:
    end(0, "a warning")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(-9, KilledError, id="killed, or out of memory"),
        pytest.param(137, KilledError, id="killed below a shell"),
        pytest.param(-1, KilledError, id="hung up"),
        pytest.param(-15, KilledError, id="before ffmpeg could answer TERM"),
        pytest.param(255, KilledError, id="ffmpeg after TERM or INT"),
        pytest.param(-11, EncodeFailedError, id="crashed"),
        pytest.param(139, EncodeFailedError, id="crashed below a shell"),
        pytest.param(-6, EncodeFailedError, id="aborted"),
        pytest.param(1, EncodeFailedError, id="an error"),
        pytest.param(9, EncodeFailedError, id="status 9 is no signal"),
        pytest.param(234, EncodeFailedError, id="an error of ffmpeg 7"),
    ],
)
def test_ending_from_outside_is_the_fault_of_the_host(status: int, kind: type[EncodeFailedError]) -> None:
    assert type(failure(["ffmpeg"], status, [])) is kind


def test_what_is_not_permitted_ends_with_255_too_and_is_no_kill() -> None:
    error = failure(["ffmpeg"], 255, ["Error opening output: Operation not permitted"])

    assert type(error) is EncodeFailedError


@pytest.mark.parametrize(
    ("status", "stderr", "kind"),
    [
        pytest.param(1, "OpenEncodeSessionEx failed: out of memory (10): (no details)", CapacityError, id="sessions"),
        pytest.param(1, "av_interleaved_write_frame(): No space left on device", SpaceError, id="disk full"),
        pytest.param(0, "Disk quota exceeded", SpaceError, id="quota, and status 0"),
        pytest.param(1, f"{OUTPUT}: Permission denied", UnfitError, id="folder of another user"),
        pytest.param(1, "/mnt/media/Film.mp4: Permission denied", EncodeFailedError, id="unreadable source"),
        pytest.param(1, "Invalid data found", EncodeFailedError, id="an error"),
    ],
)
def test_last_words_tell_what_went_wrong(status: int, stderr: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        end(status, stderr)


@pytest.mark.parametrize(
    ("output", "folder"), [(OUTPUT, "/mnt/media"), (r"Z:\media\.Film.ptc-1.mkv", r"Z:\media")], ids=["posix", "windows"]
)
def test_full_disk_is_named_by_the_folder_there(output: str, folder: str) -> None:
    with pytest.raises(SpaceError) as raised:
        require_success("nas", "Film.mkv", ["ffmpeg", output], 1, ["No space left on device"], None)

    assert str(raised.value) == f"host nas: no space left for Film.mkv in {folder}"


@pytest.mark.parametrize("last", [None, Snapshot(ended=False)], ids=["no progress", "no end"])
def test_status_0_alone_is_not_enough(last: Snapshot | None) -> None:
    with pytest.raises(VerifyError):
        end(0, last=last)
