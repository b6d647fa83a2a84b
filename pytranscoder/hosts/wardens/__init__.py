"""The supervisor where there is no `sh`: a program that owns one command, and confines it if it can."""
