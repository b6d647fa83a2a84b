#!/bin/sh
# Makes the virtual environment $1. Debian and Ubuntu ship Python without what `venv` needs;
# then the package python3-venv is installed, with sudo unless we are root.
set -eu
venv=$1
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed; $("$python" --version) found; set PYTHON=python3.11" >&2
    exit 2
}
"$python" -m venv "$venv" 2>/dev/null && exit 0

rm -rf "$venv"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
echo "installing python$version-venv, which Debian keeps apart from Python" >&2
sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo
$sudo apt-get update -qq
$sudo apt-get install -y -qq "python$version-venv"
exec "$python" -m venv "$venv"
