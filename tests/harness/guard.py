"""Runs a command until standard input closes: `python -I -S guard.py PROGRAM ARGUMENTS…`.

Engines of the tests are started through it, so that nothing outlives the test run, not even after its `kill -9`: the
operating system then closes the pipe.
"""

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the test run, which then closes the pipe
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)

    def stop() -> None:
        sys.stdin.buffer.read()
        child.send_signal(signal.SIGINT)
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)

    threading.Thread(target=stop, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
