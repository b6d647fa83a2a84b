"""What an agent says of itself."""

from pytranscoder.hosts.agents.calls import AgentReport, Share

REPORT = AgentReport(
    version="3.0",
    os="linux",
    cores=8,
    slots=2,
    ffmpeg="/usr/bin/ffmpeg",
    ffmpeg_version="7.1",
    encoders=("libx264", "aac"),
    working_dir="/var/cache/films",
    free_bytes=10**12,
    shares=(Share("/media"), Share("/scratch", writable=True), Share("D:\\films", writable=True)),
    confinement="landlock",
)
