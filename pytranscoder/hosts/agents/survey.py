"""What an agent says of itself, and whether that is enough for what the configuration asks of it. Changes nothing."""

from pathlib import PurePosixPath, PureWindowsPath

from pytranscoder.errors import HostError
from pytranscoder.hosts.agents.calls import PROBE, AgentReport, read_report
from pytranscoder.hosts.definition import HostDefinition
from pytranscoder.hosts.ffmpeg import ANSWER_WITHIN_S, Ffmpeg
from pytranscoder.hosts.mapping import is_windows_path
from pytranscoder.hosts.survey import Surveyed
from pytranscoder.hosts.transport import Transport
from pytranscoder.profiles.profile import DEFAULT_QUEUE


async def survey_agent(transport: Transport, definition: HostDefinition) -> Surveyed:
    """Asks an agent what it is.

    Raises HostError that says what stands against using it.
    """
    answer = await transport.capture((PROBE,), ANSWER_WITHIN_S)
    try:
        report = read_report(answer.stdout)
    except ValueError as exc:
        raise HostError(
            definition.name, "what answers there is no agent of this program; check `ip` and `port`"
        ) from exc
    _require_slots(definition, report)
    _require_shares(definition, report)
    ffmpeg = Ffmpeg(report.ffmpeg, report.ffmpeg_version, frozenset(report.encoders))
    free_bytes = report.free_bytes if definition.is_copied_to else None
    return Surveyed(report.os, ffmpeg, free_bytes, report.confinement)


def _require_slots(definition: HostDefinition, report: AgentReport) -> None:
    wanted = sum({DEFAULT_QUEUE: 1, **definition.queues}.values())
    if wanted > report.slots:
        remedy = f"start it with `--slots {wanted}`, or lower `queues`"
        raise HostError(definition.name, f"its agent runs {report.slots} ffmpegs at most, not {wanted}; {remedy}")


def _require_shares(definition: HostDefinition, report: AgentReport) -> None:
    writable = [share.path for share in report.shares if share.writable]
    for substitution in definition.path_substitutions:
        if not any(_is_below(substitution.theirs, share) for share in writable):
            remedy = f"start it with `--share-rw {substitution.theirs}`, or leave `path-substitutions` out"
            raise HostError(definition.name, f"its agent may not write to {substitution.theirs}; {remedy}")


def _is_below(path: str, folder: str) -> bool:
    kind = PureWindowsPath if is_windows_path(folder) else PurePosixPath
    return kind(path).is_relative_to(kind(folder))
