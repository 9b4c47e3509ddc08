"""Starts processes, waits for them within bounds, and ends all of them."""

import os
import signal
import subprocess
import time


class Failure(Exception):
    """A part that did not do what the run needs; the text is for the user."""


def tail(path, lines=15):
    """The last lines of a log, indented, for an error."""
    try:
        with open(path, errors="replace") as file:
            last = file.read()[-8000:].splitlines()[-lines:]
    except OSError as error:
        return f"  (no log: {error})"
    return "\n".join("  | " + line for line in last) if last else "  (its log is empty)"


class Process:
    """A process of ours, in a session of its own so that Ctrl-C reaches only the script."""

    def __init__(self, name, arguments, log, environment=None, folder=None):
        self.name = name
        self.log = log
        self.started = time.monotonic()
        # Two files: standard output is what is parsed.
        with open(log, "wb") as errors, open(log + ".out", "wb") as output:
            try:
                self.handle = subprocess.Popen(
                    arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=environment,
                    cwd=folder, start_new_session=True)
            except OSError as error:
                raise Failure(f"{name} cannot be started: {error}") from error

    @property
    def pid(self):
        return self.handle.pid

    def is_running(self):
        return self.handle.poll() is None

    def output(self):
        with open(self.log + ".out", errors="replace") as file:
            return file.read()

    def failure(self, text):
        """An error about this process, with the end of what it wrote."""
        logs = [path for path in (self.log, self.log + ".out") if os.path.exists(path) and os.path.getsize(path)]
        shown = "\n".join(tail(path) for path in logs) or "  (it wrote nothing)"
        return Failure(f"{self.name} {text}; the end of its log:\n{shown}")

    def wait_until(self, condition, seconds, purpose, others=()):
        """Waits until the condition holds; fails when this process or one of the others ends, or time runs out."""
        deadline = self.started + seconds
        while not condition():
            for process in (self, *others):
                status = process.handle.poll()
                if status is not None and not condition():
                    raise process.failure(f"ended with {describe(status)} while {purpose}")
            if time.monotonic() > deadline:
                raise self.failure(f"was not done {seconds} s after its start, while {purpose}")
            time.sleep(0.005)

    def wait_for_end(self, seconds, purpose, others=()):
        """Waits for the end with exit status 0."""
        def ended():
            return self.handle.poll() is not None

        self.wait_until(ended, seconds, purpose, others)
        if self.handle.returncode != 0:
            raise self.failure(f"ended with {describe(self.handle.returncode)} while {purpose}")

    def stop(self, seconds):
        """SIGTERM, and SIGKILL for the whole session after so many seconds. Returns the exit status."""
        if self.handle.poll() is not None:
            return self.handle.returncode
        self.handle.terminate()
        deadline = time.monotonic() + seconds
        # Not reaped yet, so that its number cannot belong to another session when the signal goes out.
        while not os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        return self.handle.wait()


def describe(status):
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


class Processes:
    """All processes of a run."""

    def __init__(self, folder):
        self.folder = folder
        self.running = []
        self.count = 0

    def start(self, name, arguments, environment=None, folder=None):
        self.count += 1
        log = os.path.join(self.folder, f"{self.count:02d}-{name.replace(' ', '-')}.log")
        process = Process(name, arguments, log, environment, folder)
        self.running.append(process)
        return process

    def stop(self, process, seconds=30):
        status = process.stop(seconds)
        self.running.remove(process)
        return status

    def stop_all(self):
        for process in reversed(self.running):
            process.stop(5)
        self.running.clear()


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM."""


class Signals:
    """Turns signals into an exception, except while something runs that must not be cut in two."""

    def __init__(self):
        self.held = False
        self.pending = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._take)

    def _take(self, number, frame):
        if self.held:
            self.pending = True
        else:
            raise Interrupted()

    def __enter__(self):
        self.held = True

    def __exit__(self, *error):
        self.held = False
        if self.pending:
            self.pending = False
            raise Interrupted()

    def ignore(self):
        """For the clean-up, which is bounded."""
        self.held = True
