"""Windows hosts: how their shells are told to run a command, how it is supervised there, how they are asked."""
