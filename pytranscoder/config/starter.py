"""The configuration file that `pytranscoder init` writes. Knows its text and nothing else."""

from pathlib import Path

from pytranscoder.errors import UsageError, printable

STARTER = """\
# pytranscoder's configuration. Everything in it is optional.
# With this file in place an encoded film replaces its source, once the output was verified.

config:
  # default_queue_file: ~/transcode-queue.txt   # used when no file is named
  # ffmpeg: /usr/bin/ffmpeg                     # default: the one in PATH, else the embedded one
  # queues:                                     # how many encodes run side by side, by the profile's queue
  #   cuda: 2
  # fls_path: /ssd/tmp                          # make outputs on fast local storage first
  # clusters:                                   # machines to encode on: pytranscoder -c home /films
  #   home:
  #     nas:
  #       type: local                           # this machine
  #     workstation:
  #       type: mounted                         # it has the same films on a share
  #       ip: workstation.local
  #       user: me
  #       path-substitutions:
  #         - /volume1/media /mnt/media         # what we call the folder, and what it does
  #       queues:
  #         cuda: 2
  #     mini:
  #       type: streaming                       # films are copied there and back
  #       ip: 10.0.0.12
  #       user: me
  #       working_dir: /Users/me/encode

profiles:
  common:
    output_options_audio:
      - "-c:a copy"
    extension: .mkv
    threshold: 15          # an encode that saves less than 15 % is thrown away
    threshold_check: 30    # ... and stopped from 30 % on

  hevc:
    include: common
    output_options_video:
      - "-c:v libx265"
      - "-crf 22"
      - "-preset medium"
      - "-x265-params log-level=error"

  # hevc_cuda:             # with an NVIDIA card
  #   include: common
  #   output_options_video:
  #     - "-c:v hevc_nvenc"
  #     - "-cq:v 24"
  #   queue: cuda

  # a mixin: `-m stereo` lays it over the profile
  stereo:
    output_options_audio:
      - "-c:a aac"
      - "-b:a 160k"
      - "-ac 2"

rules:                     # the first one that matches decides
  already small:
    profile: SKIP
    criteria:
      vcodec: [hevc, av1]
  all others:
    profile: hevc
"""


def write_starter(path: Path) -> Path:
    """Writes the file and returns its path.

    Raises UsageError when it exists already or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(STARTER)
    except FileExistsError as exc:
        raise UsageError(f"{printable(path)} exists already; move it away first, or name another with -y") from exc
    except OSError as exc:
        raise UsageError(f"cannot write {printable(path)}: {exc.strerror}") from exc
    return path
