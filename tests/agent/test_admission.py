"""Who is let in by an agent: keys, and invitations that count once."""

import json
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.agent.admission import Admission
from pytranscoder.errors import ForbiddenError, StateError
from pytranscoder.hosts.agents.invitation import Invitation, invited_key, new_code
from tests.hosts.front_door import LOOPBACK

KEY = asyncssh.generate_private_key("ssh-ed25519")
OTHER = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
RSA = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
SHORT = asyncssh.generate_private_key("ssh-rsa", key_size=1024)


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def admission(state: Path, clock: Clock) -> Admission:
    return Admission(state, clock=clock)


def public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


def admits(admission: Admission, key: asyncssh.SSHKey, peer: str = "") -> bool:
    return admission.admits(key.convert_to_public(), peer)


def key_of(invitation: Invitation) -> asyncssh.SSHKey:
    return invited_key(invitation.code)


def wrong_key() -> asyncssh.SSHKey:
    return invited_key(new_code())


def test_the_host_key_is_kept(state: Path) -> None:
    first = Admission(state).fingerprint

    assert Admission(state).fingerprint == first == Admission(state).host_key().get_fingerprint()


def test_nobody_is_known_at_first(admission: Admission) -> None:
    assert not admits(admission, KEY)
    assert not admission.admits_invited(KEY)


def test_keys_of_all_files_are_known(tmp_path: Path, state: Path) -> None:
    files = [tmp_path / "one", tmp_path / "other", tmp_path / "missing"]
    for path, key in zip(files, (KEY, OTHER), strict=False):
        path.write_text(public(key))
    admission = Admission(state, files)

    assert admits(admission, KEY)
    assert admits(admission, OTHER)
    assert not admits(admission, RSA)


def test_a_file_that_changes_is_read_again(tmp_path: Path, state: Path) -> None:
    file = tmp_path / "keys"
    admission = Admission(state, [file])
    file.write_text(public(KEY))
    assert admits(admission, KEY)

    file.write_text(public(OTHER))

    assert not admits(admission, KEY)
    assert admits(admission, OTHER)


@pytest.mark.parametrize(
    ("before", "peer", "is_admitted"),
    [
        ("", "", True),
        ("  ", "", True),
        ("restrict,no-pty ", "", True),
        ('from="10.0.0.0/8" ', "10.1.2.3", True),
        ('from="10.0.0.0/8" ', "192.168.1.2", False),
        ('from="10.0.0.0/8" ', "", False),
        ('from="fd00::/8",restrict ', "fd00::1", True),
        ('command="backup" ', "", False),
        ('expiry-time="20200101" ', "", False),
        ("cert-authority ", "", False),
        ("# ", "", False),
        ("broken ", "", False),
        ('environment="x" ', "", False),
        ("ssh-rsa ", "", False),
    ],
)
def test_options_of_a_line_never_let_in_more_than_they_say(
    tmp_path: Path, state: Path, before: str, peer: str, *, is_admitted: bool
) -> None:
    (tmp_path / "keys").write_text(f"{before}{public(KEY)} a comment\n")

    assert admits(Admission(state, [tmp_path / "keys"]), KEY, peer) == is_admitted


@pytest.mark.parametrize(
    "junk", ["ssh-ed25519 AAAA", 'permitopen="x" ssh-ed25519 AAAA', "\0\xff", '"', "=", "a" * 9999]
)
def test_a_broken_line_does_not_put_out_the_others(tmp_path: Path, state: Path, junk: str) -> None:
    (tmp_path / "keys").write_text(f"{junk}\n{public(KEY)}\n{junk}\n", "latin-1")

    assert admits(Admission(state, [tmp_path / "keys"]), KEY)


@given(st.text())
def test_no_line_lets_in_who_is_not_in_it(tmp_path_factory: pytest.TempPathFactory, line: str) -> None:
    folder = tmp_path_factory.mktemp("keys")
    (folder / "keys").write_text(line, "utf-8", "replace")

    assert not admits(Admission(folder / "state", [folder / "keys"]), KEY, LOOPBACK)


def test_an_invitation_says_where_the_agent_is_and_what_its_key_is(admission: Admission) -> None:
    invitation = admission.invite("10.0.0.5", 9600)

    assert (invitation.address, invitation.port) == ("10.0.0.5", 9600)
    assert invitation.fingerprint == admission.fingerprint


def test_the_code_is_kept_nowhere(admission: Admission, state: Path) -> None:
    invitation = admission.invite("a", 1)

    assert all(invitation.code.encode() not in path.read_bytes() for path in state.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_only_the_owner_can_read_what_is_kept(admission: Admission, state: Path) -> None:
    admission.enrol(public(KEY), "", key_of(admission.invite("a", 1)))
    admission.invite("a", 1)

    assert {stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()} == {0o600}


def test_the_key_of_the_code_is_welcome_as_often_as_it_is_shown(admission: Admission) -> None:
    invitation = admission.invite("a", 1)

    assert all(admission.admits_invited(key_of(invitation)) for _ in range(20))


def test_an_invitation_holds_for_an_agent_that_runs_already(state: Path, clock: Clock) -> None:
    running = Admission(state, clock=clock)
    invitation = Admission(state, clock=clock).invite("a", 1)

    assert running.admits_invited(key_of(invitation))


def test_an_invitation_ends_when_another_is_made(admission: Admission) -> None:
    first, second = admission.invite("a", 1), admission.invite("a", 1)

    assert not admission.admits_invited(key_of(first))
    assert admission.admits_invited(key_of(second))


@pytest.mark.parametrize(
    ("later_s", "is_welcome"), [(599.0, True), (601.0, False), (-59.0, True), (-61.0, False), (-1e9, False)]
)
def test_an_invitation_is_open_for_ten_minutes_whatever_the_clock_does(
    admission: Admission, clock: Clock, later_s: float, *, is_welcome: bool
) -> None:
    invitation = admission.invite("a", 1)

    clock.now += later_s

    assert admission.admits_invited(key_of(invitation)) == is_welcome


@pytest.mark.parametrize(("wrong", "is_welcome"), [(4, True), (5, False), (6, False)])
def test_the_fifth_wrong_key_ends_an_invitation(admission: Admission, wrong: int, *, is_welcome: bool) -> None:
    invitation = admission.invite("a", 1)

    assert not any(admission.admits_invited(wrong_key()) for _ in range(wrong))

    assert admission.admits_invited(key_of(invitation)) == is_welcome


def test_tries_are_counted_over_restarts(state: Path, clock: Clock) -> None:
    invitation = Admission(state, clock=clock).invite("a", 1)
    for _ in range(5):
        Admission(state, clock=clock).admits_invited(wrong_key())

    assert not Admission(state, clock=clock).admits_invited(key_of(invitation))


def test_wrong_keys_at_once_cost_a_try_each(state: Path, clock: Clock) -> None:
    invitation = Admission(state, clock=clock).invite("a", 1)
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(Admission(state, clock=clock).admits_invited, [wrong_key() for _ in range(4)])

    assert not any(answers)
    assert json.loads((state / "invitation.json").read_text())["tries_left"] == 1
    assert Admission(state, clock=clock).admits_invited(key_of(invitation))


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", "\xff", '{"key": "AAAA"}', '{"key":1,"expires_s":9e9}'])
def test_a_broken_invitation_is_none(admission: Admission, state: Path, content: str) -> None:
    invitation = admission.invite("a", 1)
    (state / "invitation.json").write_text(content, "latin-1")

    assert not admission.admits_invited(key_of(invitation))


@pytest.mark.parametrize("field", ["key", "expires_s", "tries_left"])
@pytest.mark.parametrize("value", ["x", None, [], float("nan")])
def test_an_invitation_that_was_tampered_with_lets_nobody_in(
    admission: Admission, state: Path, field: str, value: object
) -> None:
    invitation = admission.invite("a", 1)
    kept = json.loads((state / "invitation.json").read_text())
    (state / "invitation.json").write_text(json.dumps(kept | {field: value}))

    assert not admission.admits_invited(key_of(invitation))


def test_an_invitation_that_cannot_be_kept_is_said_so(admission: Admission, state: Path) -> None:
    admission.host_key()
    (state / "invitation.json").mkdir()

    with pytest.raises(StateError, match=r"invitation\.json cannot be written: "):
        admission.invite("a", 1)


@dataclass
class Bearer:
    """Somebody who was let in with the key of a code."""

    admission: Admission
    key: asyncssh.SSHKey

    def enrol(self, line: str, comment: str) -> None:
        self.admission.enrol(line, comment, self.key)


@pytest.fixture
def welcomed(admission: Admission) -> Bearer:
    bearer = Bearer(admission, key_of(admission.invite("a", 1)))
    assert admission.admits_invited(bearer.key)
    return bearer


@pytest.mark.parametrize("key", [KEY, OTHER, RSA], ids=["ed25519", "ecdsa", "rsa"])
def test_a_key_that_was_handed_over_is_known_from_then_on(welcomed: Bearer, state: Path, key: asyncssh.SSHKey) -> None:
    welcomed.enrol(f"{public(key)} me@here\n", "10.0.0.9")

    assert admits(Admission(state), key)
    assert (state / "authorized_keys").read_text() == f"{public(key)} 10.0.0.9\n"


def test_a_code_counts_once(welcomed: Bearer) -> None:
    welcomed.enrol(public(KEY), "")

    with pytest.raises(ForbiddenError, match="the invitation is spent or has expired"):
        welcomed.enrol(public(OTHER), "")
    assert not admits(welcomed.admission, OTHER)


def test_a_code_counts_once_for_all_who_come_at_once(welcomed: Bearer) -> None:
    def enrol(key: asyncssh.SSHKey) -> bool:
        try:
            welcomed.enrol(public(key), "")
        except ForbiddenError:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(enrol, [KEY, OTHER, RSA])) == [False, False, True]


def test_without_a_login_by_invitation_no_key_is_taken(admission: Admission) -> None:
    admission.invite("a", 1)

    with pytest.raises(ForbiddenError):
        admission.enrol(public(KEY), "", wrong_key())
    assert not admits(admission, KEY)


def test_a_later_invitation_cannot_be_spent_by_who_has_the_earlier_code(welcomed: Bearer) -> None:
    later = Bearer(welcomed.admission, key_of(welcomed.admission.invite("a", 1)))
    assert welcomed.admission.admits_invited(later.key)

    with pytest.raises(ForbiddenError):
        welcomed.enrol(public(OTHER), "")

    later.enrol(public(KEY), "")
    assert not admits(welcomed.admission, OTHER)


def test_an_invitation_that_expires_after_the_login_is_none(welcomed: Bearer, clock: Clock) -> None:
    clock.now += 601

    with pytest.raises(ForbiddenError):
        welcomed.enrol(public(KEY), "")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param("", "it is not one public key", id="empty"),
        pytest.param("ssh-ed25519", "it is not one public key", id="no key"),
        pytest.param("ssh-ed25519 AAAA", "it is no public key", id="broken"),
        pytest.param(f"restrict {public(KEY)}", "it is not one public key", id="options"),
        pytest.param(f"{public(KEY)}\n{public(OTHER)}", "it is not one public key", id="two keys"),
        pytest.param(f"{public(KEY)} \u2028{public(OTHER)}", "it is not one public key", id="two keys in Unicode"),
        pytest.param(public(KEY).replace("ssh-ed25519", "ssh-rsa", 1), "it ", id="says another kind"),
        pytest.param(public(SHORT), "it is too short; an RSA key must have 2048 bits", id="short RSA key"),
        pytest.param(f"ssh-dss {public(KEY).split()[1]}", "it is not one public key", id="a kind out of use"),
        pytest.param(f"{public(KEY)} {'x' * 5000}", "it is not one public key", id="too long"),
        pytest.param("ssh-ed25519 \udcff", "it is no public key", id="no text"),
    ],
)
def test_what_is_not_one_public_key_is_refused_and_spends_nothing(welcomed: Bearer, line: str, complaint: str) -> None:
    with pytest.raises(ForbiddenError, match=complaint):
        welcomed.enrol(line, "")

    welcomed.enrol(public(KEY), "")


def test_earlier_lines_stay(welcomed: Bearer, state: Path) -> None:
    (state / "authorized_keys").write_text(f"# mine\n{public(OTHER)}")

    welcomed.enrol(public(KEY), "")

    assert (state / "authorized_keys").read_text() == f"# mine\n{public(OTHER)}\n{public(KEY)}\n"


def test_a_key_is_not_added_twice(welcomed: Bearer, state: Path) -> None:
    (state / "authorized_keys").write_text(f"{public(KEY)} before\n")

    welcomed.enrol(public(KEY), "again")

    assert (state / "authorized_keys").read_text() == f"{public(KEY)} before\n"


def test_a_comment_cannot_add_a_line(welcomed: Bearer, state: Path) -> None:
    welcomed.enrol(public(KEY), f"evil\n{public(OTHER)}\u2028{'x' * 500}")

    assert (state / "authorized_keys").read_text().count("\n") == 1
    assert not admits(welcomed.admission, OTHER)
