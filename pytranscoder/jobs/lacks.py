"""Which hosts lack an encoder that jobs of theirs ask for, each told once. Pure; it keeps no job from any host."""

from collections import defaultdict
from collections.abc import Sequence

from pytranscoder.jobs.events import HostReady, JobReady, Notice
from pytranscoder.jobs.hostspec import HostSpec
from pytranscoder.profiles.encoders import describe_lacking

# Queue, profile and encoders.
_Wish = tuple[str, str, tuple[str, ...]]
_Key = tuple[str | None, str]


class Lacks:
    """What the jobs of each cluster have asked for so far, and what its hosts have said that they can."""

    def __init__(self, hosts: Sequence[HostSpec]) -> None:
        self._specs = {spec.key: spec for spec in hosts if spec.cluster is not None}
        self._able: dict[_Key, HostReady] = {}
        self._wishes: defaultdict[str | None, dict[_Wish, None]] = defaultdict(dict)
        self._told: set[tuple[_Key, str]] = set()

    def find(self, event: JobReady | HostReady) -> list[Notice]:
        """Returns a warning for each lack that is known only now.

        Without a cluster there is none, as there the failure of the job tells it.
        """
        if isinstance(event, HostReady):
            key = event.cluster, event.host
            if key not in self._specs:
                return []
            self._able[key] = event
            pairs = [(event, wish) for wish in self._wishes[event.cluster]]
        else:
            wish = event.queue, event.profile, event.encoders
            if wish in self._wishes[event.cluster]:
                return []
            self._wishes[event.cluster][wish] = None
            pairs = [(host, wish) for key, host in self._able.items() if key[0] == event.cluster]
        texts = [text for host, wish in pairs if (text := self._tell(host, wish))]
        return [Notice(time=event.time, level="warning", text=text) for text in texts]

    def _tell(self, host: HostReady, wish: _Wish) -> str | None:
        key = host.cluster, host.host
        queue, profile, encoders = wish
        spec = self._specs[key]
        if not spec.slots.get(queue) or (spec.profiles and profile not in spec.profiles):
            return None
        lacking = describe_lacking(encoders, host.encoders, host.ffmpeg, host.ffmpeg_version)
        if lacking is None or not host.encoders or (key, lacking) in self._told:
            return None
        self._told.add((key, lacking))
        return f"host {host.host}: {lacking}"
