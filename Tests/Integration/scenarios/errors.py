"""The binary as a user meets it: what it says when something is wrong, and that no secret is ever among it."""
import hashlib
import json
import socket

from harness.checks import check, equal, wait_until
from harness.forwarder import Forwarder
from harness.jobs import chat, job
from harness.service import API_KEY, free_port
from harness.terminal import KEYS, PASSWORD, USER, Terminal

CONFIGURATION, UNAVAILABLE, USAGE = 78, 69, 64


def run(bench):
    bench.broker.add_user(USER, PASSWORD)
    simulator = bench.simulator()
    test = Errors(bench, simulator)
    for part in (test.command_line, test.configuration, test.broker_down, test.admin_port, test.ledger,
                 test.check_command, test.topology, test.submit, test.wrong_key):
        part()
        bench.say(part.__doc__)
    test.secrets()


class Errors(Terminal):
    def command_line(self):
        """--help, --version, and words that it does not know"""
        service = self.service()
        status, output, _ = self.command(service, "--version", config=False)
        equal("--version", (status, output.split()[0]), (0, "millrace"))
        for words in (["--help"], ["serve", "--help"], ["check", "--help"], ["submit", "--help"]):
            status, output, errors = self.command(service, *words, config=False)
            check(status == 0 and "USAGE: millrace" in output and not errors, f"{words}: {status} {output} {errors}")
        self.refused("an unknown command", service, USAGE, "frobnicate", words=["frobnicate"], config=False)
        self.refused("an unknown option", service, USAGE, "--frob", words=["serve", "--frob"])
        self.refused("no file", service, USAGE, "file", words=["submit"])

    def configuration(self):
        """every mistake in a configuration is named, with key, value, place and what is allowed"""
        service = self.service(batchng={"deferred": {}})
        self.refused("an unknown key", service, CONFIGURATION, "batchng", "millrace.yaml", "batching", lines=1)
        service = self.service(
            batching={"deferred": {"idle_ms": "soon", "max_age_ms": -1}}, models={"gpt-*": {"routes": ["openal"]}})
        self.refused("three mistakes", service, CONFIGURATION, "batching.deferred.idle_ms", "soon", "max_age_ms", "-1",
                     "openal", lines=3)
        service = self.service()
        self.refused("an unknown variable", service, CONFIGURATION, "MILLRACE_BATCHNG_DEFERRED_IDLE_MS",
                     environment={"MILLRACE_BATCHNG_DEFERRED_IDLE_MS": "3"}, lines=1)
        self.refused("a variable out of range", service, CONFIGURATION, "MILLRACE_EXECUTION_MAX_ATTEMPTS", "0",
                     environment={"MILLRACE_EXECUTION_MAX_ATTEMPTS": "0"}, lines=1)
        service = self.service(providers={"openai": {"api_key": "${NO_SUCH_KEY}"}})
        self.refused("no key", service, CONFIGURATION, "providers.openai.api_key", "NO_SUCH_KEY", "not set", lines=1)
        self.refused("no file and no key", service, CONFIGURATION, "OPENAI_API_KEY", config=False)
        self.refused("no such file", service, CONFIGURATION, "nowhere.yaml", "no such file",
                     words=["serve", "--config", "nowhere.yaml"], config=False, lines=1)
        broken = service.folder / "broken.yaml"
        broken.write_text("amqp: {url: [\n")
        self.refused("no YAML", service, CONFIGURATION, "broken.yaml", words=["serve", "--config", broken],
                     config=False, lines=1)
        service = self.service()
        status, output, _ = self.command(service, "config")
        check(status == 0 and "***" in output, f"millrace config: {status} {output}")
        status, output, _ = self.command(service, "config", "--defaults", config=False)
        equal("millrace config --defaults", status, 0)
        defaults = service.folder / "defaults.yaml"
        defaults.write_text(output)
        status, _, errors = self.command(
            service, "config", "--config", defaults, config=False, environment={"OPENAI_API_KEY": API_KEY})
        equal("the defaults as a configuration", (status, errors), (0, ""))

    def broker_down(self):
        """without a broker it stays up, says so at /readyz, and recovers by itself; so it does after a cut"""
        way = Forwarder(free_port(), self.bench.broker.port)
        self.bench.closing.append(way)
        service = self.service(amqp={"url": self.url(way.port)})
        service.start(wait=False)
        wait_until("/healthz", lambda: (service.get("healthz") or (0,))[0] == 200, 20)
        self.not_ready(service, str(way.port))
        way.open()
        service.wait_ready(20)
        way.close()
        self.not_ready(service, "127.0.0.1")
        way.open()
        service.wait_ready(20)
        collector = self.bench.collector()
        request = job(1, "interactive", "errors")
        self.bench.publishing([request.message()]).wait()
        equal("a request after all of it", collector.reply_to(request.correlation_id).status, "succeeded")
        collector.close()
        self.listen(service)
        equal("the exit status after SIGTERM", service.process.terminate()[0], 0)
        way.close()

    def not_ready(self, service, *says):
        last = [None]

        def is_refused():
            service.process.need()
            last[0] = service.get("readyz")
            return last[0] and last[0][0] == 503 and all(each in last[0][1] for each in says)

        wait_until(lambda: f"/readyz to say 503 and {says}; it says {last[0]}", is_refused, 20)
        self.heard.append(("/readyz", last[0][1]))
        broker = next(entry for entry in json.loads(last[0][1])["checks"] if entry["name"] == "broker")
        check(not broker["ok"] and broker["detail"], f"/readyz gives no reason: {broker}")

    def admin_port(self):
        """a taken admin port stops the start"""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            service = self.service(admin={"listen": address})
            status, _, errors = self.command(service, "serve", seconds=30)
            check(status not in (0, None), f"it ended with {status}")
            check(address in errors and "admin.listen" in errors, f"it names not both address and key: {errors!r}")

    def ledger(self):
        """a ledger that cannot be opened, or that another process has, stops the start"""
        service = self.service()
        # A file where a folder should be: nobody may write there, whoever runs this.
        (service.folder / "a file").write_text("")
        service.config["ledger"]["url"] = f"sqlite://{service.folder / 'a file' / 'ledger.sqlite'}"
        self.refused("no folder", service, UNAVAILABLE, "a file", "ledger.url")
        service.config["ledger"]["url"] = "sqlite:///proc/millrace/ledger.sqlite"
        self.refused("no such folder", service, UNAVAILABLE, "/proc/millrace", "ledger.url")
        service.config["ledger"]["url"] = f"mysql://{USER}:{API_KEY}@127.0.0.1/db"
        self.refused("another engine", service, CONFIGURATION, "ledger.url", "sqlite")
        # A server that is away is waited for; a URL that cannot be right is not.
        service.config["ledger"]["url"] = f"postgres://{USER}:{API_KEY}@127.0.0.1/db?nonsense=1"
        self.refused("no such option", service, CONFIGURATION, "ledger.url", "nonsense")
        garbage = service.folder / "garbage.sqlite"
        garbage.write_bytes(b"This is no database. " * 500)
        service.config["ledger"]["url"] = f"sqlite://{garbage}"
        self.refused("no database", service, CONFIGURATION, "garbage.sqlite")
        holder = self.service().start()
        service.config["ledger"]["url"] = holder.config["ledger"]["url"]
        pid = str(holder.process.child.pid)
        self.refused("a ledger in use", service, CONFIGURATION, "ledger.sqlite", "in use", pid)
        answer = holder.get("readyz")
        check(answer and answer[0] == 200, f"its holder is not ready any more: {answer}")
        self.listen(holder)
        equal("the exit status after SIGTERM", holder.process.terminate()[0], 0)

    def check_command(self):
        """check says what is well and what is not, and changes nothing at the broker"""
        service = self.service()
        self.bench.broker.clear()
        status, output, _ = self.command(service, "check")
        equal("check", status, 0)
        for each in ("configuration", "broker", "ledger", "provider openai"):
            check(f"ok    {each}" in output, f"{each} is not ok in {output!r}")
        check("warn" in output and "llm.requests' is missing" in output, f"it names nothing missing: {output!r}")
        equal("what is there after check", self.bench.broker.has_exchange("llm.requests"), False)
        check(not (service.folder / "ledger.sqlite").exists(), "check has made a ledger")
        ledger = service.config["ledger"]["url"]
        service.config["ledger"]["url"] = f"sqlite://{service.config_file / 'ledger.sqlite'}"
        status, output, _ = self.command(service, "check")
        check(status == 1 and "FAIL  ledger" in output, f"check of a ledger in a file: {status} {output}")
        service.config["ledger"]["url"] = ledger
        service.config["amqp"]["declare"] = False
        status, output, _ = self.command(service, "check")
        check(status == 1 and "FAIL" in output and "llm.requests" in output, f"without declare: {status} {output}")
        service.config["amqp"] = {"url": self.url(free_port())}
        service.config["providers"]["openai"]["endpoint"] = f"http://127.0.0.1:{free_port()}/v1"
        status, output, _ = self.command(service, "check")
        check(status == 1 and all(f"FAIL  {each}" in output for each in ("broker", "provider openai")),
              f"all down: {status} {output}")
        service.config["amqp"] = {"url": self.url().replace("p%40ss", "wrong")}
        status, output, _ = self.command(service, "check")
        check(status == 1 and "FAIL  broker" in output, f"a wrong password: {status} {output}")

    def topology(self):
        """objects that may not be declared are named; a queue of another make is left alone"""
        self.bench.broker.clear()
        service = self.service(amqp={"declare": False})
        status, _, errors = self.command(service, "serve", seconds=30)
        check(status not in (0, None) and "llm.requests" in errors, f"serve without declare: {status} {errors!r}")
        connection = self.bench.broker.connect()
        connection.channel().queue_declare("llm.requests.deferred", durable=True, arguments={"x-queue-type": "classic"})
        connection.close()
        service = self.service().start()
        check("x-queue-type" in service.log_text() or "llm.requests.deferred" in service.log_text(),
              "the log does not name the queue that differs")
        collector = self.bench.collector()
        publisher = self.bench.publisher()
        good, bad = job(1, "deferred", "classic"), job(2, "deferred", "classic")
        bad.body = {"model": "gpt-4o-mini"}
        for request in (good, bad):
            publisher.publish(request.message())
        equal("a request", collector.reply_to(good.correlation_id).status, "succeeded")
        equal("poison", collector.reply_to(bad.correlation_id).error_code, "invalid_request")
        # Nobody dead-letters for that queue, so the service does.
        wait_until("the dead letter", lambda: self.bench.broker.depth("llm.dead-letters") == 1, 20)
        collector.close()
        self.listen(service)
        equal("the exit status after SIGTERM", service.process.terminate()[0], 0)
        self.bench.broker.clear()

    def submit(self):
        """submit ends with 0 when all succeeded, with 1 when one failed or nobody answers"""
        service = self.service().start()
        requests, replies = service.folder / "requests.jsonl", service.folder / "replies.jsonl"
        good = [json.dumps(chat("gpt-4o-mini", f"submit {number}")) for number in range(20)]
        requests.write_text("\n".join(good) + "\n")
        status, _, errors = self.command(service, "submit", requests, "--lane", "both", "--output", replies)
        equal("submit", status, 0)
        equal("replies", len(replies.read_text().splitlines()), 20)
        check("20 succeeded, 0 failed" in errors, f"its summary is {errors!r}")
        requests.write_text("\n".join([*good, json.dumps(chat("gpt-4o-mini", "[[sim:reject]] submit")), "no json"]))
        status, _, errors = self.command(service, "submit", requests, "--lane", "interactive")
        check(status == 1 and "20 succeeded, 2 failed" in errors, f"submit with failures: {status} {errors!r}")
        check("provider_rejected" in errors and "invalid_json" in errors, f"it does not name the failures: {errors!r}")
        status, output, _ = self.command(
            service, "submit", "-", "--lane", "interactive", "--output", "-", stdin="\n".join(good[:3]))
        equal("submit from and to pipes", (status, len(output.splitlines())), (0, 3))
        self.refused("no such file", service, 1, "nowhere.jsonl", "No such file", words=["submit", "nowhere.jsonl"])
        self.listen(service)
        equal("the exit status after SIGTERM", service.process.terminate()[0], 0)
        self.refused("nobody answers", service, 1, "no reply for 2 s", words=["submit", requests, "--timeout", "2"])
        service.config["amqp"]["url"] = self.url(free_port())
        self.refused("neither file nor broker", service, 1, "nowhere.jsonl",
                     words=["submit", "nowhere.jsonl", "--timeout", "3"])

    def wrong_key(self):
        """a key that the provider refuses is named, not shown; with the right one all is answered; keys rotate"""
        self.simulator.restart(key=[f"{KEYS[0]}=alpha", f"{KEYS[1]}=beta"], batch_min_ms=2500)
        service = self.service(execution={"drain_timeout": "3s"})
        status, output, _ = self.command(service, "check")
        check(status == 1 and "FAIL  provider openai" in output, f"check with a wrong key: {status} {output}")
        collector = self.bench.collector()
        service.start()
        requests = [job(number, lane, f"key-{lane}", kind=0) for number, lane in ((1, "interactive"), (2, "deferred"))]
        self.bench.publishing([request.message() for request in requests]).wait()
        for gate in ("gate.openai.gpt-4o-mini", "gate.openai.batches"):
            wait_until(f"/readyz to name {gate}", lambda gate=gate: gate in (service.get("readyz") or ("", ""))[1], 20)
        check("the key is refused; check the provider's api_key" in service.get("readyz")[1], service.get("readyz")[1])
        self.listen(service)
        equal("replies without a key", collector.count, 0)
        equal("the exit status after SIGTERM", service.process.terminate()[0], 0)
        service.config["providers"]["openai"]["api_key"] = KEYS[0]
        service.start()
        parked, planned = (request.correlation_id for request in requests)
        equal("the planned batch with the right key", collector.reply_to(planned, seconds=60).status, "succeeded")
        self.rotate(service, collector)
        # Parked for half a minute.
        equal("the parked call with the right key", collector.reply_to(parked, seconds=60).status, "succeeded")
        collector.close()
        self.listen(service)

    def rotate(self, service, collector):
        """A batch goes on with the key that made it, while new work has the next key, of another project."""
        before, after = job(3, "deferred", "rotate", kind=0), job(4, "deferred", "rotate", kind=0)
        self.bench.publishing([before.message()]).wait()
        wait_until("the batch to run", lambda: self.simulator.payments()[before.key] == 1, 20)
        equal("replies before the batch ends", len(collector.replies_to(before.correlation_id)), 0)
        equal("the exit status after SIGTERM", service.process.terminate()[0], 0)
        service.config["providers"]["openai"]["api_key"] = [KEYS[1], KEYS[0]]
        service.start()
        self.bench.publishing([after.message()]).wait()
        for request in (before, after):
            equal("x-status", collector.reply_to(request.correlation_id, seconds=30).status, "succeeded")
        keys = {entry["prompt_key"]: entry["key"] for entry in self.simulator.paid()}
        equal("the keys that paid", [keys[before.key], keys[after.key]],
              [hashlib.sha256(key.encode()).hexdigest()[:12] for key in KEYS])
