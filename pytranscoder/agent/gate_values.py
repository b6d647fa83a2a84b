"""Checks the values of ffmpeg's options for an agent: none may lead out of its folders, to a file or an address."""

import re

from pytranscoder.agent.filters import read_pairs
from pytranscoder.agent.folders import Folders
from pytranscoder.errors import ForbiddenError, printable

# 24000/1001, 16:9, 00:01:30.5, -1:-1, 1920x1080, 0,10,5
_NUMBER = r"[+-]?\d+(?:\.\d+)?[A-Za-z]{0,3}"
_NUMBERS = re.compile(rf"{_NUMBER}(?:[:/x,*|]{_NUMBER})*", re.ASCII)
# 0,100,crf=20/200,300,b=1.5
_ZONE = rf"\d+,\d+,[a-z]+={_NUMBER}"
_ZONES = re.compile(rf"{_ZONE}(?:/{_ZONE})*", re.ASCII)
_LEADS_AWAY = re.compile(r"[/\\]|\.\.")
# ffmpeg's protocols have a name and a colon in front, drives one letter.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|subfile,")

# A number or the name of a device as its driver has it.
_DEVICE_NAME = r"[\w (),.+@-]*"
_DEVICE = re.compile(
    rf"{_DEVICE_NAME}|/dev/dri/(?:card|renderD)\d+|/dev/dri/by-path/pci-[\w:.]+-(?:card|render)|/dev/nvidia\d+",
    re.ASCII,
)
# type[=name][:device][,key=value...] or type[=name]@source (https://ffmpeg.org/ffmpeg.html#Advanced-Video-options)
_DEVICES = re.compile(r"\w+(?:=[\w-]*)?(?:@[\w-]+|:(?P<device>[^,]*))?(?:,(?P<options>.*))?", re.ASCII)
_DEVICE_OPTION = re.compile(r"\w+=(.*)", re.ASCII)


def check_plain(value: str, folders: Folders) -> None:
    """Raises ForbiddenError for a value that could name something outside the working directory."""
    if _NUMBERS.fullmatch(value) or _ZONES.fullmatch(value):
        return
    if _LEADS_AWAY.search(value) or _ADDRESS.match(value):
        raise ForbiddenError(f"{printable(value)!r} may name a file or an address; leave out slashes, `..` and colons")
    _check_link(value, folders)


def check_parameters(value: str, folders: Folders) -> None:
    """Raises ForbiddenError for key=value pairs, one of which could name a file outside the working directory."""
    for key, parameter in read_pairs(value):
        check_plain(parameter, folders)
        check_plain(key or "", folders)


def check_raw_parameters(value: str, folders: Folders) -> None:
    """Raises ForbiddenError as `check_parameters`, for a library that takes quotes and backslashes for themselves."""
    if re.search(r"[\\']", value):
        raise ForbiddenError(f"{printable(value)!r} may name a file or an address; leave out quotes and backslashes")
    check_parameters(value, folders)


def check_device(value: str) -> None:
    """Raises ForbiddenError unless the value is the number, name or path of a device to encode on."""
    if not _DEVICE.fullmatch(value):
        raise ForbiddenError(f"{printable(value)!r} is no device to encode on; give its number, or /dev/dri/renderD128")


def check_devices(value: str) -> None:
    """Raises ForbiddenError unless the value describes a device to encode on, with its type."""
    found = _DEVICES.fullmatch(value)
    if not found:
        raise ForbiddenError(f"{printable(value)!r} is no device to encode on; give it as type=name:device")
    check_device(found["device"] or "")
    for option in (found["options"] or "").split(",") if found["options"] else ():
        setting = _DEVICE_OPTION.fullmatch(option)
        if not setting:
            raise ForbiddenError(f"{printable(option)!r} is no option of a device; give it as key=value")
        check_device(setting[1])


def _check_link(value: str, folders: Folders) -> None:
    # An encoder may take any word for the name of a file in its working directory, and that may be a link.
    if value:
        folders.writable(value)
