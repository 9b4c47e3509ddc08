"""The provider simulator as a process, and its witness of what it was paid for."""
import collections
import json
import urllib.error
import urllib.request

from harness.checks import wait_until
from harness.process import Process

# No proxy of the environment is asked for loopback.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Simulator:
    def __init__(self, binary, folder, options):
        self.binary = binary
        self.folder = folder
        self.options = options
        self.port = 0
        self.process = None

    def start(self):
        port_file = self.folder / "simulator.port"
        port_file.unlink(missing_ok=True)
        arguments = [self.binary, "--listen", f"127.0.0.1:{self.port}", "--port-file", port_file, "--state",
                     self.folder / "simulator"]
        for name, value in self.options.items():
            flag = "--" + name.replace("_", "-")
            for each in value if isinstance(value, list) else [value]:
                arguments += [flag] if each is True else [flag, each]
        self.process = Process("the simulator", arguments, self.folder / "simulator.log")

        def is_up():
            self.process.need()
            return port_file.exists() and port_file.read_text().strip()

        self.port = int(wait_until("the simulator to answer", is_up, 30))

    def kill(self):
        self.process.kill()

    def close(self):
        if self.process:
            self.process.close()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def admin(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/_sim/{path}", data=data)
        with OPENER.open(request, timeout=30) as answer:
            return answer.read()

    def restart(self, **options):
        """The same state under other options."""
        self.close()
        self.options.update(options)
        self.start()

    def change(self, **behaviour):
        """Changes faults, limits and times from now on."""
        self.admin("faults", behaviour)

    def stats(self):
        return json.loads(self.admin("stats"))

    def paid(self):
        """The witness: every call and row that was accepted for execution."""
        return [json.loads(line) for line in self.admin("log").splitlines() if line]

    def calls(self):
        """Who did what with which file or batch, in the order in which it was taken."""
        return [json.loads(line) for line in self.admin("calls").splitlines() if line]

    def journal(self):
        """Everything that was ever said of a file or a batch."""
        # The last line may be half written.
        lines = (self.folder / "simulator" / "journal.jsonl").read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines if line]

    def payments(self):
        """How often each prompt was paid for, by the first 80 bytes of its text."""
        return collections.Counter(entry["prompt_key"] for entry in self.paid())
