"""The embedded ssh server for hosts without one: lets in who was invited, and runs ffmpeg inside its folders."""
