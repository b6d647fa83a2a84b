"""How an invitation is written and read, and the key that its code stands for."""

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytranscoder.errors import UsageError
from pytranscoder.hosts.agents.invitation import Invitation, invited_key, new_code, read_line, write_line

FINGERPRINT = "SHA256:" + "a/+" * 14 + "0"
CODE = "abcdefghijklmnopqrstuvw234"
INVITATION = Invitation("10.0.0.5", 9567, FINGERPRINT, CODE)
LINE = f"10.0.0.5:9567 {FINGERPRINT} {CODE}"

names = st.from_regex(r"[a-z][a-z0-9.-]{0,30}", fullmatch=True)
addresses = names | st.ip_addresses().map(str)
fingerprints = st.from_regex(r"SHA256:[A-Za-z0-9+/]{43}", fullmatch=True)
codes = st.from_regex(r"[a-z2-7]{26}", fullmatch=True)
invitations = st.builds(Invitation, addresses, st.integers(1, 65535), fingerprints, codes)


def test_a_line_has_address_fingerprint_and_code() -> None:
    assert write_line(INVITATION) == LINE


def test_an_ipv6_address_is_in_brackets() -> None:
    assert write_line(Invitation("fd00::1", 1, FINGERPRINT, CODE)).startswith("[fd00::1]:1 ")


@given(invitations)
def test_what_was_written_is_read(invitation: Invitation) -> None:
    assert read_line(write_line(invitation)) == invitation


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f"  {LINE}\n", id="blanks around"),
        pytest.param(LINE.replace(" ", "   "), id="more blanks between"),
        pytest.param(f"'{LINE}'", id="quotes that cmd.exe left"),
        pytest.param(LINE.replace(CODE, CODE.upper()), id="code in capitals"),
    ],
)
def test_what_pasting_does_to_a_line_does_no_harm(line: str) -> None:
    assert read_line(line) == INVITATION


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        pytest.param("", "cannot read '': it is not an address, a fingerprint and a code; paste the line", id="empty"),
        pytest.param(LINE.rpartition(" ")[0], "it is not an address, a fingerprint and a code", id="no code"),
        pytest.param(f"{LINE} more", "it is not an address, a fingerprint and a code", id="a word too many"),
        pytest.param(LINE.replace(":9567", ""), "10.0.0.5 has no address and port", id="no port"),
        pytest.param(LINE.replace(":9567", ":0"), "10.0.0.5:0 has no address and port", id="port zero"),
        pytest.param(LINE.replace("10.0.0.5", ""), ":9567 has no address and port", id="no address"),
        pytest.param(LINE.replace("10.0.0.5", "a@b"), "'a@b:9567' is no address", id="user in the address"),
        pytest.param(LINE.replace("SHA256", "MD5"), "is no fingerprint such as SHA256:", id="another fingerprint"),
        pytest.param(LINE.replace("a/+", "a/", 1), "is no fingerprint such as SHA256:", id="short fingerprint"),
        pytest.param(LINE[:-1], "its code is not whole", id="short code"),
        pytest.param(LINE.replace("abc", "a1c"), "its code is not whole", id="a character that no code has"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(line: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        read_line(line)


@given(st.text())
def test_no_line_makes_other_trouble(line: str) -> None:
    with pytest.raises(UsageError):
        read_line(line)


def test_a_code_is_new_each_time_and_can_be_read_back() -> None:
    codes = {new_code() for _ in range(100)}

    assert len(codes) == 100
    assert {read_line(f"a:1 {FINGERPRINT} {code}").code for code in codes} == codes


def test_a_code_always_stands_for_the_same_key() -> None:
    # An agent and a manager of different versions must agree on it.
    assert invited_key(CODE).get_fingerprint() == "SHA256:+X7ffsVHScwvkFbswIKsyEDzZqNnYFqPxOZlXJeOJpU"


@given(codes, codes)
def test_different_codes_stand_for_different_keys(one: str, other: str) -> None:
    same = invited_key(one).public_data == invited_key(other).public_data

    assert same == (one == other)


def test_the_key_of_a_code_signs() -> None:
    key = invited_key(CODE)
    public = asyncssh.import_public_key(key.export_public_key())

    assert public.verify(b"data", key.sign(b"data", b"ssh-ed25519"))
