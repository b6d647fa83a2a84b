"""The first step of an attempt: which profile a media gets, what becomes of its streams, where its output goes.

Decides from values; looks at no file and starts nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytranscoder.errors import PlanError, UsageError, printable
from pytranscoder.jobs.partial import NAME_MAX_BYTES, final_path, partial_name, split_extension
from pytranscoder.jobs.sources import Selection, Source
from pytranscoder.media.model import Media, Stream, StreamKind
from pytranscoder.profiles.command import (
    ExpectedStreams,
    build_argv,
    covers_to_attach,
    expected_streams,
    reporting_every,
    wanted_encoders,
    with_covers,
)
from pytranscoder.profiles.containers import plan_streams, target_muxer
from pytranscoder.profiles.definition import ProfileDefinition, TemplateDefinition
from pytranscoder.profiles.facts import Facts
from pytranscoder.profiles.options import option_values
from pytranscoder.profiles.profile import Profile
from pytranscoder.profiles.resolve import resolve_profile, template_profile
from pytranscoder.profiles.rules import Rule, choose_rule
from pytranscoder.profiles.streams import StreamPlan, Verdict


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration and the command line say about every job.

    `keep` leaves the verified output as ``<stem><extension>.tmp``; `own_name` leaves it beside the source as
    ``<stem>.<profile><extension>``. In both cases the source stays.
    """

    profiles: Mapping[str, ProfileDefinition]
    templates: Mapping[str, TemplateDefinition] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    automap: bool = True
    keep: bool = False
    own_name: bool = False
    fls_path: Path | None = None
    stall_after_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Skip:
    """A media that is left alone, by which rule and why."""

    rule: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """All that an attempt at a job needs to know; the same for every attempt and every host."""

    source: Source
    media: Media
    profile: Profile
    plan: StreamPlan
    muxer: str
    expected: ExpectedStreams
    final: Path
    remove_source: bool
    rule: str | None = None
    why: str = ""
    report_every_s: int = 1

    @property
    def work(self) -> float:
        """An estimate of the cost of the encode, in pixels."""
        video = self.media.video
        rate = video.width * video.height * (video.fps or 25.0) if video else 1.0
        return rate * (self.media.duration_s or 1.0)

    @property
    def encoders(self) -> frozenset[str]:
        """The encoders that a host must have."""
        return wanted_encoders(self.profile)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about streams that are not simply kept."""
        reasons = (decision.reason for decision in self.plan.decisions)
        return self.plan.notes + tuple(reason for reason in reasons if reason)

    @property
    def covers(self) -> tuple[Stream, ...]:
        """The cover art that is extracted to files before the encode: some containers take it from files only."""
        return covers_to_attach(self.plan, self.muxer)

    @property
    def whole_kinds(self) -> frozenset[StreamKind]:
        """The kinds of streams of which the output has all that the source has: there both must end alike."""
        if self.plan.mapped:
            dropped = {decision.stream.kind for decision in self.plan.decisions if decision.verdict is Verdict.DROP}
            return frozenset({StreamKind.VIDEO, StreamKind.AUDIO} - dropped)
        kinds = (StreamKind.VIDEO, StreamKind.AUDIO)
        return frozenset(kind for kind in kinds if len(self.media.of_kind(kind)) == 1)

    def argv(self, ffmpeg: str, source: str, output: str, covers: Mapping[int, str]) -> tuple[str, ...]:
        """Returns the ffmpeg command for a host on which the files have these paths; `covers` by stream index."""
        argv = build_argv(ffmpeg, self.profile, self.plan, source, output, self.muxer)
        argv = reporting_every(argv, self.report_every_s)
        return with_covers(argv, self.plan, covers) if covers else argv

    def partial(self, folder: Path, attempt: str) -> Path:
        """Returns the partial name of an attempt's output in a folder."""
        stem, extension = split_extension(self.final.name.removesuffix(".tmp"))
        return folder / partial_name(stem + extension, attempt)


class Chooser:
    """Chooses for each media by the policy; profiles are resolved once for each selection.

    ffmpeg is to tell of its progress every `report_every_s` seconds.
    """

    def __init__(self, policy: Policy, report_every_s: int = 1) -> None:
        self._policy = policy
        self._report_every_s = report_every_s
        self._resolved: dict[Selection, Profile] = {}

    def check(self, selection: Selection) -> None:
        """Raises UsageError when a selection names what does not exist, or there is nothing to choose by."""
        if selection.profile or selection.template:
            self._resolve(selection)
            return
        if not self._policy.rules:
            raise UsageError("no profile: there are no rules in the configuration; choose one with -p")
        for rule in self._policy.rules:
            if not rule.skips:
                self._resolve(self._by_rule(rule, selection))

    def choose(self, source: Source, media: Media, now: float) -> PlannedJob | Skip:
        """Chooses for one media; `now` is Unix seconds.

        Raises PlanError when there is no way to encode it.
        """
        selection, rule, why = source.selection, None, ""
        if not (selection.profile or selection.template):
            match = choose_rule(self._policy.rules, Facts(media, now))
            if match is None:
                return Skip(None, "no rule matches")
            rule, why = match.rule.name, match.why
            if match.rule.skips:
                return Skip(rule, why)
            selection = self._by_rule(match.rule, selection)
        profile = self._resolve(selection)
        if media.video is None and option_values(profile.options.all_output, "-c:v"):
            return Skip(rule, "it has no video, which this profile is for")
        return self._plan_job(source, media, profile, rule, why)

    def _plan_job(self, source: Source, media: Media, profile: Profile, rule: str | None, why: str) -> PlannedJob:
        final = self._final(media, profile)
        extension = split_extension(final.name.removesuffix(".tmp"))[1]
        muxer = target_muxer(profile, extension)
        plan = plan_streams(media, profile, muxer)
        if plan.mapped and not plan.kept:
            raise PlanError(media.path, "nothing would be left: every stream is dropped")
        return PlannedJob(
            source=source,
            media=media,
            profile=profile,
            plan=plan,
            muxer=muxer,
            expected=expected_streams(media, profile, plan),
            final=final,
            remove_source=not (self._policy.keep or self._policy.own_name),
            rule=rule,
            why=why,
            report_every_s=self._report_every_s,
        )

    def _final(self, media: Media, profile: Profile) -> Path:
        infix = f".{profile.name}" if self._policy.own_name else ""
        final = final_path(media.path, profile.extension, infix=infix, suffix=".tmp" if self._policy.keep else "")
        if len(final.name.encode(errors="surrogateescape")) > NAME_MAX_BYTES:
            raise PlanError(media.path, f"the name of the output would be too long: {printable(final.name)}")
        return final

    def _by_rule(self, rule: Rule, selection: Selection) -> Selection:
        if rule.profile in self._policy.profiles:
            return Selection(profile=rule.profile, mixins=selection.mixins)
        return Selection(template=rule.profile, mixins=selection.mixins)

    def _resolve(self, selection: Selection) -> Profile:
        if selection not in self._resolved:
            self._resolved[selection] = self._look_up(selection)
        return self._resolved[selection]

    def _look_up(self, selection: Selection) -> Profile:
        policy = self._policy
        if selection.template is None:
            return resolve_profile(policy.profiles, selection.profile or "", selection.mixins, automap=policy.automap)
        if selection.template not in policy.templates:
            known = ", ".join(sorted(policy.templates)) or "none"
            raise UsageError(f"unknown template {selection.template!r}; known: {known}")
        return template_profile(
            policy.templates[selection.template], selection.mixins, policy.profiles, automap=policy.automap
        )
