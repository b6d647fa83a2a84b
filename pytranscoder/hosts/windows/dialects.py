"""How Windows hosts are told over ssh to run a command under a supervisor. Runs nothing, and asks no host a thing."""

from collections.abc import Sequence

from pytranscoder.errors import HostError
from pytranscoder.hosts.supervisor import Patience
from pytranscoder.hosts.windows.quoting import (
    LONGEST_LINE,
    InexpressibleError,
    command_line,
    set_in_cmd,
)
from pytranscoder.hosts.windows.supervisor import COMMAND, write_orders


class PowerShellDialect:
    """Speaks to a Windows host by way of PowerShell, whatever its login shell: any name, any argument."""

    command = COMMAND

    def __init__(self, host: str) -> None:
        self._host = host

    def opening(self, argv: Sequence[str], partial: str, token: str, patience: Patience) -> bytes:
        """Returns the supervisor and its orders."""
        try:
            return write_orders(command_line(argv), partial, token, patience.silence_s)
        except InexpressibleError as exc:
            raise HostError(self._host, f"cannot run {argv[0]}: {exc}") from exc
        except UnicodeEncodeError as exc:
            raise HostError(self._host, f"no file on Windows has such a name: {exc.object!a}") from exc


# One line, read by one cmd.exe; the command passes through another one as the value of a variable, to which delayed
# expansion gives no meaning. The first goes on to read its standard input, where heartbeats are empty lines, and ends
# with it. It is the process to which sshd ties the job of the session, so that Windows ends the command with it.
_LINE = (
    "{variables}&echo ptc-begin {token}&start /b cmd /d /v:on /c !ptc_run! ^<nul^&"
    "set ptc_status=!errorlevel!^&{remove}echo ptc-exit {token} !ptc_status!"
)
_REMOVE = "(if not !ptc_status!==0 del /f /q !ptc_partial! ^>nul 2^>^&1)^&"


class CmdDialect:
    """Speaks to a Windows host without PowerShell: what cmd.exe cannot pass on as it is, is refused.

    A stop is the end of the session, and a silent owner is not noticed: only sshd ends the command, when it finds the
    connection broken.
    """

    command = "cmd /d /q /v:off /k"

    def __init__(self, host: str) -> None:
        self._host = host

    def opening(self, argv: Sequence[str], partial: str, token: str, patience: Patience) -> bytes:  # noqa: ARG002
        """Returns the line that starts the command beside the shell."""
        try:
            variables = set_in_cmd({"ptc_partial": f'"{partial}"', "ptc_run": command_line(argv)})
        except InexpressibleError as exc:
            raise HostError(self._host, f"cannot run {argv[0]}: {exc}") from exc
        line = _LINE.format(variables=variables, token=token, remove=_REMOVE if partial else "")
        if len(line) > LONGEST_LINE:
            raise HostError(self._host, f"cannot run {argv[0]}: the command is too long for cmd.exe")
        return f"{line}\r\n".encode("ascii")
