#!/bin/sh
# Installs what the lab needs and the machine lacks, as root on Debian or Ubuntu. Elsewhere it says so, and the lab's
# tests are skipped. The machine's own ssh server is not started: the lab runs its own.
set -eu
missing=
for pair in sshd:openssh-server ssh:openssh-client ip:iproute2 tc:iproute2 unshare:util-linux nsenter:util-linux \
    mount:mount bash:bash dash:dash busybox:busybox fish:fish ps:procps; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "the tests of the cluster need$missing and root on Linux; without, they are skipped" >&2
    exit 0
fi
echo "installing$missing for the tests of the cluster" >&2
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
apt-get update -qq
# Unquoted: each word is a package.
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
