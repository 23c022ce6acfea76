"""The command line: one command, one file a sub-command."""
