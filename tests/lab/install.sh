#!/bin/sh
# Installs what the lab and the Windows host of the tests need and the machine lacks, as root on Debian or Ubuntu.
# Elsewhere it says so, and their tests are skipped. The machine's own ssh server is not started: the lab runs its own.
set -eu

install_packages() {
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
}

# ffmpeg and .NET for Windows, which are not for this machine's Python: unpacked where `tests/windows/wine.py` looks.
install_wheels() {
    wheels=${XDG_CACHE_HOME:-$HOME/.cache}/pytranscoder-tests/windows
    [ ! -e "$wheels/dotnetcore2/bin/dotnet.exe" ] || [ ! -d "$wheels/imageio_ffmpeg" ] || return 0
    echo "installing ffmpeg and .NET for Windows for the tests" >&2
    python=.venv/bin/python
    [ -x "$python" ] || python=python3
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$wheels" --upgrade \
        --platform win_amd64 --only-binary=:all: imageio-ffmpeg dotnetcore2
}

missing=
for pair in sshd:openssh-server ssh:openssh-client ip:iproute2 tc:iproute2 unshare:util-linux nsenter:util-linux \
    mount:mount bash:bash dash:dash busybox:busybox fish:fish ps:procps wine64:wine64 wine:wine mcs:mono-mcs; do
    PATH=$PATH:/usr/sbin:/sbin:/usr/lib/wine command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
[ -z "$missing" ] || install_packages
[ "$(uname -sm)" != "Linux x86_64" ] || install_wheels
