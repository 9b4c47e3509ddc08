"""How a scenario says that something is not as it must be, and how it waits."""
import time


class Failed(Exception):
    """What a scenario found wrong, in words."""


def check(condition, message):
    if not condition:
        raise Failed(message)


def equal(what, found, wanted):
    check(found == wanted, f"{what}: found {short(found)}, wanted {short(wanted)}")


def short(value):
    text = repr(value)
    return text if len(text) <= 300 else text[:300] + "..."


class Problems:
    """Collects what is wrong, so that one run tells all of it."""

    def __init__(self):
        self.found = []

    def note(self, condition, message):
        if not condition:
            self.found.append(message)
        return bool(condition)

    def equal(self, what, found, wanted):
        return self.note(found == wanted, f"{what}: found {short(found)}, wanted {short(wanted)}")

    def raise_any(self, limit=20):
        if not self.found:
            return
        lines = self.found[:limit]
        if len(self.found) > limit:
            lines.append(f"and {len(self.found) - limit} more")
        raise Failed("\n      ".join([f"{len(self.found)} things are wrong"] + lines))


def wait_until(what, condition, seconds, pause=0.05):
    """Waits until the condition gives something true, and returns that. `what` may be a function that says more."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Failed(f"after {seconds} s still waiting for {what() if callable(what) else what}")
        time.sleep(pause)
