"""The command: starts the processes of the platform by command line and talks to them over HTTP; imports none."""
