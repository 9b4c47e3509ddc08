"""A child process with a log of its own, which is stopped in any case."""
import os
import signal
import subprocess
import time

from harness.checks import Failed, check


class Process:
    def __init__(self, name, arguments, log, environment=None):
        self.name = name
        self.log = log
        base = {key: value for key, value in os.environ.items() if not key.startswith("MILLRACE_")}
        # Away from the terminal's process group, so that Ctrl-C reaches the runner only, which stops it in order.
        with open(log, "ab") as output:
            self.child = subprocess.Popen(
                [str(argument) for argument in arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**base, **(environment or {})}, start_new_session=True)

    @property
    def running(self):
        return self.child.poll() is None

    @property
    def is_stopped(self):
        """Whether SIGSTOP has taken effect."""
        with open(f"/proc/{self.child.pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "T"

    def need(self):
        """Fails if the process has ended."""
        check(self.running, f"{self.name} ended with status {self.child.returncode}; its log is {self.log}")

    def wait(self, seconds):
        """Waits for the end and returns the status."""
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} has not ended after {seconds} s") from None

    def terminate(self, seconds=40):
        """Asks it to end; returns the status and how many seconds it took."""
        began = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        return self.wait(seconds), time.monotonic() - began

    def kill(self):
        """kill -9."""
        self.child.kill()
        self.child.wait()

    def close(self, seconds=10):
        """Ends it, whatever that takes."""
        if not self.running:
            return
        self.child.terminate()
        self.child.send_signal(signal.SIGCONT)
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
