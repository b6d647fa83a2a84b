"""Why no host that is in use may ever run a job, in words. Decides nothing."""

from collections.abc import Sequence

from pytranscoder.jobs.capacity import Host
from pytranscoder.jobs.events import JobReady
from pytranscoder.profiles.encoders import describe_lacking

NAMED = 3


def explain_refusal(ready: JobReady, hosts: Sequence[Host]) -> str:
    """Says what all `hosts` of its cluster lack: the queue, the profile, or an encoder."""
    having = [host for host in hosts if host.spec.slots.get(ready.queue, 0) > 0]
    if not having:
        if ready.cluster is None:
            return (
                f"this machine has no queue {ready.queue}; give it a number of slots in `queues` of the configuration"
            )
        return _none_of(hosts, f"has no queue {ready.queue}", f"has a queue {ready.queue}")
    admitting = [host for host in having if not host.spec.profiles or ready.profile in host.spec.profiles]
    if not admitting:
        profile = f"the profile {ready.profile}"
        return _none_of(having, f"does not admit {profile}", f"admits {profile}")
    return _name_all([(host, _lacking(ready, host)) for host in admitting], is_local=ready.cluster is None)


def explain_absence(hosts: Sequence[Host]) -> str:
    """Says why none of these hosts can be used at the moment."""
    return f"no usable host: {_name_all([(host, host.reason) for host in hosts])}"


def _none_of(hosts: Sequence[Host], lacks: str, has: str) -> str:
    if len(hosts) == 1:
        return f"host {hosts[0].spec.name} {lacks}"
    names = ", ".join(host.spec.name for host in hosts[:NAMED])
    more = f" and {len(hosts) - NAMED} more" if len(hosts) > NAMED else ""
    return f"none of {names}{more} {has}"


def _lacking(ready: JobReady, host: Host) -> str:
    return describe_lacking(ready.encoders, host.encoders, host.ffmpeg, host.ffmpeg_version) or ""


def _name_all(reasons: Sequence[tuple[Host, str]], *, is_local: bool = False) -> str:
    if is_local:
        return reasons[0][1]
    named = [f"{host.spec.name}: {reason}" for host, reason in reasons[:NAMED]]
    if len(reasons) > NAMED:
        named.append(f"and {len(reasons) - NAMED} more")
    return " | ".join(named)
