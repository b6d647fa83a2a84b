"""Ends on a host what dead supervisors left there: by lease, that is process id and start time, never by name."""

from pytranscoder.errors import printable
from pytranscoder.hosts.supervisor import LEASE_FUNCTIONS, PROCESS_FUNCTIONS
from pytranscoder.hosts.transport import Transport

REAP_WITHIN_S = 30.0

# A command leads no group of its own: it is in its supervisor's, which is killed whole, or in that of a shell which is
# not ours, and killed alone. The group gets KILL also when the command obeyed, as its children may not have. What is
# said ends with NUL, as the name of a file may have newlines.
_SCRIPT = f"""\
{PROCESS_FUNCTIONS}{LEASE_FUNCTIONS}
is_running() {{
    [ -n "$2" ] && [ "$(ptc_started "$1")" = "$2" ] || return
    case $(ptc_field "$1" 3 stat) in Z*) return 1 ;; esac
}}
end_command() {{
    victims=$command
    [ "$(ptc_group "$command")" != "$supervisor" ] || victims=-$supervisor
    for signal in TERM KILL; do
        kill "-$signal" "$victims" 2>/dev/null
        n=0
        while [ "$n" -lt 10 ] && is_running "$command" "$command_start"; do
            sleep 0.2 || sleep 1
            n=$((n + 1))
        done
        [ "$n" -eq 10 ] || [ "$victims" != "$command" ] || return 0
    done
    ! is_running "$command" "$command_start"
}}
reap_lease() {{
    {{
        read -r supervisor supervisor_start
        read -r command command_start
        partial=$(cat && echo .)
    }} <"$1"
    partial=${{partial%.}}
    is_running "$supervisor" "$supervisor_start" && return
    if is_running "$command" "$command_start"; then
        end_command || return
        printf 'ended process %s\\0' "$command"
    fi
    [ ! -f "$partial" ] || {{ rm -f -- "$partial" && printf 'removed %s\\0' "$partial"; }}
    rm -f -- "$1"
}}
reap_directory() {{
    ptc_is_private || return
    for lease in "$ptc_directory/$(uname -n)@"*; do
        [ ! -f "$lease" ] || reap_lease "$lease"
    done
    for draft in "$ptc_directory/.$(uname -n):"*; do
        [ ! -f "$draft" ] || kill -0 "${{draft##*.}}" 2>/dev/null || rm -f -- "$draft"
    done
    return 1
}}
ptc_each_lease_directory reap_directory
exit 0
"""


async def reap(transport: Transport) -> list[str]:
    """Ends the commands whose supervisor is dead, removes their partial files, and says what was done.

    Commands of a live supervisor are left alone, whoever owns it. Raises HostError.
    """
    answer = await transport.capture(("/bin/sh", "-c", _SCRIPT), REAP_WITHIN_S)
    return [printable(said) for said in answer.stdout.split("\0") if said]
