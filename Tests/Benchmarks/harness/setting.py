"""What is measured and what it needs: programs, broker, simulator, service."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time

from harness.processes import Failure, tail

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BROKER_SCRIPT = os.path.join(ROOT, "Deploy", "lib", "broker.sh")
ECHO_SOURCES = os.path.join(ROOT, "Tests", "Benchmarks", "EchoReference")


class Programs:
    """Builds what is not given. The paths are in `service`, `simulator` and `tool`."""

    def __init__(self, processes, service=None, simulator=None):
        self.processes = processes
        self.tool = self._build_tool()
        self.service = service and os.path.abspath(service)
        self.simulator = simulator and os.path.abspath(simulator)

    def build_services(self):
        self.service = self.service or self._swift_product("millrace")
        self.simulator = self.simulator or self._swift_product("provider-simulator")
        for path in (self.service, self.simulator):
            if not os.access(path, os.X_OK):
                raise Failure(f"{path} is not a program")

    def _build_tool(self):
        target = os.path.join(self.processes.folder, "echo-reference")
        try:
            flags = subprocess.run(
                ["pkg-config", "--cflags", "--libs", "librabbitmq"], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Failure(
                "pkg-config does not find librabbitmq (apt-get install librabbitmq-dev pkg-config)") from error
        sources = sorted(os.path.join(ECHO_SOURCES, name) for name in os.listdir(ECHO_SOURCES) if name.endswith(".c"))
        compiler = os.environ.get("CC", "cc")
        build = self.processes.start(
            "C compiler", [compiler, "-std=gnu99", "-O2", "-Wall", "-Wextra", "-o", target, *sources,
                           *flags.stdout.split()])
        build.wait_for_end(120, "building echo-reference")
        return target

    def _swift_product(self, product):
        print(f"building {product} (release) ...", flush=True)
        swift = shutil.which("swift")
        if not swift:
            raise Failure("swift is not in PATH; give built programs with --service and --simulator")
        command = [swift, "build", "-c", "release", "--product", product]
        build = self.processes.start(f"swift build {product}", command, folder=ROOT)
        build.wait_for_end(5400, f"building {product}")
        asked = subprocess.run([swift, "build", "-c", "release", "--show-bin-path"], cwd=ROOT, capture_output=True,
                               text=True)
        if asked.returncode != 0:
            raise Failure(f"swift build --show-bin-path failed: {asked.stderr.strip()}")
        return os.path.join(asked.stdout.strip(), product)


class Broker:
    """A private broker in a folder of its own."""

    def __init__(self, folder, signals):
        self.folder = folder
        print("starting a private broker ...", flush=True)
        # A start that is cut in two would leave a broker that nobody knows of.
        with signals:
            started = self._run("start", 180)
        if started.returncode != 0:
            raise Failure(f"the broker did not come up: {started.stderr.strip()}\n"
                          + tail(os.path.join(folder, "log", "out")))
        self.port = int(self._read("port"))
        self.pid = int(self._read("pid"))

    def _read(self, name):
        with open(os.path.join(self.folder, name)) as file:
            return file.read().strip()

    def _run(self, command, seconds):
        try:
            return subprocess.run(["/bin/sh", BROKER_SCRIPT, command, self.folder], capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, timeout=seconds, start_new_session=True)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"broker.sh {command} did not end within {seconds} s") from error

    @staticmethod
    def stop(folder):
        """Returns whether it has ended."""
        try:
            return subprocess.run(["/bin/sh", BROKER_SCRIPT, "stop", folder], stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=90, start_new_session=True).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False

    def version(self):
        asked = subprocess.run(["/bin/sh", BROKER_SCRIPT, "ctl", self.folder, "version"], capture_output=True,
                               text=True, timeout=60, start_new_session=True)
        return asked.stdout.strip().splitlines()[-1] if asked.returncode == 0 and asked.stdout.strip() else "unknown"


class Tool:
    """The C tool, pointed at the broker."""

    def __init__(self, path, processes, port):
        self.path = path
        self.processes = processes
        self.address = ["127.0.0.1", str(port)]

    def start(self, command, *arguments):
        """Starts a subcommand that takes part in a measurement, and waits until it is set up."""
        process = self.processes.start(
            f"echo-reference {command}", [self.path, command, *self.address, *map(str, arguments)])
        process.wait_until(lambda: process.output().startswith("ready\n"), 30, "connecting to the broker")
        return process

    def finish(self, process, seconds, others=()):
        """Waits for the end of a subcommand and returns what it printed."""
        process.wait_for_end(seconds, "measuring", others)
        self.processes.running.remove(process)
        return json.loads(process.output().splitlines()[-1])

    def call(self, command, *arguments, seconds=120):
        """Runs a subcommand that is no part of a measurement."""
        process = self.processes.start(
            f"echo-reference {command}", [self.path, command, *self.address, *map(str, arguments)])
        return self.finish(process, seconds)


class Simulator:
    """A provider that answers at once."""

    def __init__(self, path, processes, folder):
        os.mkdir(folder)
        port_file = os.path.join(folder, "port")
        state = os.path.join(folder, "state")
        os.mkdir(state)
        self.process = processes.start("provider simulator", [
            path, "--listen", "127.0.0.1:0", "--port-file", port_file, "--state", state, "--zero-latency",
            # What it takes to answer is part of what is measured.
            "--token-counting", "bytes"])

        def has_port():
            return os.path.exists(port_file) and os.path.getsize(port_file) > 0

        self.process.wait_until(has_port, 30, f"writing {port_file}")
        with open(port_file) as file:
            self.port = int(file.read())
        self.pid = self.process.pid


CONFIGURATION = """\
amqp:
  url: amqp://guest:guest@127.0.0.1:{broker}/%2f
ledger:
  url: {ledger}
  min_free_disk: 0
providers:
  simulator:
    kind: openai
    endpoint: http://127.0.0.1:{provider}/v1
    api_key: sk-bench
    limits:
      requests_per_minute: unlimited
      tokens_per_minute: unlimited
      enqueued_tokens: unlimited
      batch_creates_per_hour: unlimited
      concurrency: 64
models:
  gpt-4o-mini: {{routes: [simulator]}}
batching:
  deferred: {{idle_ms: 500, max_age_ms: 2000, max_requests_per_batch: 10000, max_tokens_per_batch: 1000000000}}
execution:
  poll_interval_ms: 100
observability:
  log_format: json
admin:
  listen: 127.0.0.1:{admin}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """The service under test, with a new ledger for each start."""

    count = 0

    def __init__(self, path, processes, folder, broker, simulator):
        Service.count += 1
        self.processes = processes
        self.folder = os.path.join(folder, f"service-{Service.count}")
        os.mkdir(self.folder)
        self.port = free_port()
        configuration = os.path.join(self.folder, "millrace.yaml")
        with open(configuration, "w") as file:
            ledger = "sqlite://" + os.path.join(self.folder, "ledger.sqlite")
            file.write(CONFIGURATION.format(
                broker=broker.port, provider=simulator.port, admin=self.port, ledger=json.dumps(ledger)))
        # Variables that override the file must not reach a measurement.
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith(("MILLRACE_", "OTEL_", "BATCH_WEBHOOK_", "AMQP_", "OPENAI_"))}
        self.process = processes.start("millrace", [path, "serve", "--config", configuration], environment)
        self.pid = self.process.pid
        self.started = self.process.started

    def wait_until_ready(self, others=()):
        """Returns the seconds from the start to the first positive answer."""
        self.process.wait_until(self._is_ready, 60, f"waiting for http://127.0.0.1:{self.port}/readyz", others)
        return time.monotonic() - self.started

    def _is_ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self):
        """SIGTERM. Returns what was wrong with the end, or None."""
        if not self.process.is_running():
            raise self.process.failure("ended by itself")
        status = self.processes.stop(self.process, 40)
        if status != 0:
            return self.process.failure(f"did not end in order after SIGTERM (status {status})")
        return None
