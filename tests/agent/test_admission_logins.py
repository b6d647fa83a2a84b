"""Who is let in by an agent, with real logins: what each costs an invitation."""

import json
from functools import partial
from pathlib import Path

import asyncssh
import pytest

from pytranscoder.agent.admission import Admission
from pytranscoder.hosts.agents.calls import ENROL, INVITED, USER
from pytranscoder.hosts.agents.invitation import invited_key, new_code
from tests.hosts.front_door import LOOPBACK, front_door

KEY = asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def admission(state: Path) -> Admission:
    return Admission(state)


async def log_in(port: int, user: str, key: asyncssh.SSHKey) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        LOOPBACK, port, username=user, client_keys=[key], known_hosts=None, config=None, agent_path=None
    )


def tries_left(state: Path) -> int:
    return int(json.loads((state / "invitation.json").read_text())["tries_left"])


async def test_an_honest_login_costs_no_try_and_its_code_counts_once(admission: Admission, state: Path) -> None:
    async with front_door(admission) as port:
        invited = partial(log_in, port, INVITED, invited_key(admission.invite(LOOPBACK, port).code))
        async with await invited() as connection:
            assert tries_left(state) == 5
            await connection.run(ENROL, input=KEY.export_public_key().decode(), check=True)
        async with await log_in(port, USER, KEY):
            pass
        with pytest.raises(asyncssh.PermissionDenied):
            await invited()


async def test_a_login_with_a_wrong_key_costs_one_try(admission: Admission, state: Path) -> None:
    admission.invite(LOOPBACK, 1)
    async with front_door(admission) as port:
        with pytest.raises(asyncssh.PermissionDenied):
            await log_in(port, INVITED, invited_key(new_code()))

    assert tries_left(state) == 4


async def test_the_key_of_a_code_opens_nothing_else(admission: Admission) -> None:
    async with front_door(admission) as port:
        with pytest.raises(asyncssh.PermissionDenied):
            await log_in(port, USER, invited_key(admission.invite(LOOPBACK, port).code))
