"""Millrace as a process: its configuration, its commands, its admin endpoints."""
import json
import os
import socket
import subprocess
import urllib.error

from harness.checks import Failed, check, wait_until
from harness.process import Process
from harness.simulator import OPENER

API_KEY = "sk-integration-0123456789abcdef"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    def __init__(self, binary, folder, broker_url, endpoint, changes):
        self.binary = binary
        self.folder = folder
        self.port = free_port()
        self.process = None
        self.starts = 0
        self.config = {
            "amqp": {"url": broker_url},
            "ledger": {"url": f"sqlite://{folder / 'ledger.sqlite'}", "min_free_disk": 0},
            "providers": {"openai": {"kind": "openai", "endpoint": endpoint, "api_key": API_KEY, "timeout": "30s"}},
            "models": {"gpt-*": {"routes": ["openai"]},
                       "text-embedding-*": {"routes": ["openai"], "mode": "embedding"}},
            "batching": {"deferred": {"idle_ms": 400, "max_age_ms": 3000}},
            "execution": {"poll_interval_ms": 200, "reconcile_grace": "1s", "settle_grace": "2s",
                          "backoff_delay_ms": 100},
            "admin": {"listen": f"127.0.0.1:{self.port}"},
        }
        merge(self.config, changes)

    @property
    def log(self):
        return self.folder / "millrace.log"

    @property
    def config_file(self):
        # JSON is YAML.
        path = self.folder / "millrace.yaml"
        path.write_text(json.dumps(self.config, indent=2))
        return path

    def start(self, wait=True, environment=None):
        self.starts += 1
        self.process = Process(
            "millrace", [self.binary, "serve", "--config", self.config_file], self.log, environment)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=60):
        last = [None]

        def is_ready():
            self.process.need()
            last[0] = self.get("readyz")
            return last[0] and last[0][0] == 200

        wait_until(lambda: f"/readyz to say 200; it says {last[0]}", is_ready, seconds)

    def get(self, path):
        """Status and text of an admin endpoint; None while nobody answers."""
        try:
            with OPENER.open(f"http://127.0.0.1:{self.port}/{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (OSError, TimeoutError):
            return None

    def wait_unready(self, *words, seconds=30):
        """Waits until /readyz is not well and one check that fails has all these words; returns its line."""
        last = [None]

        def line():
            self.process.need()
            last[0] = self.get("readyz")
            if not last[0] or last[0][0] == 200:
                return None
            lines = [f"{each['name']}: {each.get('detail', '')}" for each in json.loads(last[0][1])["checks"]
                     if not each["ok"]]
            return next((line for line in lines if all(word in line for word in words)), None)

        return wait_until(lambda: f"/readyz to speak of {words}; it says {last[0]}", line, seconds)

    def metric(self, name, **labels):
        """The sum of the metric's samples that have these labels."""
        answer = self.get("metrics")
        check(answer and answer[0] == 200, f"/metrics answers {answer and answer[0]}")
        total = 0.0
        for line in answer[1].splitlines():
            found, _, rest = line.partition("{") if "{" in line else (line.split(" ")[0], "", line)
            if found not in (f"llm_batch_{name}", f"llm_batch_{name}_total"):
                continue
            if all(f'{key}="{value}"' in rest for key, value in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def command(self, *arguments, environment=None, seconds=60, config=True, stdin=None):
        """Runs another command of the binary to its end: status, standard output, standard error."""
        words = [str(self.binary), *map(str, arguments)]
        if config:
            words += ["--config", str(self.config_file)]
        base = {key: value for key, value in os.environ.items()
                if not key.startswith("MILLRACE_") and key != "OPENAI_API_KEY"}
        try:
            done = subprocess.run(
                words, input=stdin, capture_output=True, text=True, timeout=seconds,
                env={**base, **(environment or {})}, start_new_session=True)
        except subprocess.TimeoutExpired:
            raise Failed(f"'millrace {' '.join(map(str, arguments))}' has not ended after {seconds} s") from None
        return done.returncode, done.stdout, done.stderr

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def close(self):
        if self.process:
            self.process.close()


def merge(target, changes):
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = value
