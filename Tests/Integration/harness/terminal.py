"""Running the binary's commands and endpoints as a user, and hearing all that they say."""
import urllib.parse

from harness.checks import Problems, check
from harness.service import API_KEY

USER, PASSWORD = "millrace-it", "p@ss/w0rd: secret+amqp"
# The keys of the simulator's projects, when it asks for one.
KEYS = ["sk-the-right-one", "sk-the-next-one"]


class Terminal:
    """Services that are not started, in folders of their own, with a broker's user whose password is a secret."""

    def __init__(self, bench, simulator):
        self.bench = bench
        self.simulator = simulator
        self.number = 0
        # Everything that any command or endpoint has said.
        self.heard = []

    def url(self, port=None):
        user = f"{USER}:{urllib.parse.quote(PASSWORD, safe='')}"
        return f"amqp://{user}@127.0.0.1:{port or self.bench.broker.port}/%2f"

    def service(self, **changes):
        """A service that is not started, in a folder of its own."""
        self.number += 1
        changes.setdefault("amqp", {}).setdefault("url", self.url())
        return self.bench.service(self.simulator, start=False, name=f"service {self.number}", **changes)

    def command(self, service, *arguments, **more):
        status, output, errors = service.command(*arguments, **more)
        self.heard.append((" ".join(map(str, arguments)), output + errors))
        return status, output, errors

    def refused(self, what, service, status, *says, words=("serve",), environment=None, lines=None, config=True):
        """The command ends with this status and says all of these things on standard error."""
        found, _, errors = self.command(service, *words, environment=environment, seconds=20, config=config)
        problems = Problems()
        problems.equal(f"the status: {what}", found, status)
        for each in says:
            problems.note(each in errors, f"{what}: {each!r} is not in {errors!r}")
        if lines is not None:
            problems.equal(f"lines: {what}", len(errors.strip().splitlines()), lines)
        problems.raise_any()

    def listen(self, service):
        for path in ("readyz", "metrics", "healthz", ""):
            answer = service.get(path)
            self.heard.append((f"/{path}", answer[1] if answer else ""))

    def secrets(self):
        """No secret in anything that was said."""
        said = self.heard + [(str(service.log), service.log_text()) for service in self.bench.services]
        check(len(said) > 40, "too little was heard")
        problems = Problems()
        for where, text in said:
            for secret in (API_KEY, PASSWORD, urllib.parse.quote(PASSWORD, safe=""), *KEYS):
                problems.note(secret not in text, f"{where} says the secret {secret[:6]}...")
        problems.raise_any()
