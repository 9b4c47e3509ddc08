"""A key that is replaced in mid-batch: by one of another project nothing is sent again, by one of its own all goes on."""
import json

from harness.checks import check, equal, wait_until
from harness.jobs import job

OLD, SIBLING, OTHER = "sk-old-0123456789abcdef", "sk-sibling-0123456789ab", "sk-other-0123456789abcd"
COUNT = 60
# However slowly they come they make one batch.
WINDOW = {"deferred": {"max_requests_per_batch": COUNT, "idle_ms": 10_000, "max_age_ms": 30_000}}


def run(bench):
    simulator = bench.simulator(
        key=[f"{OLD}=one", f"{SIBLING}=one", f"{OTHER}=two"], batch_min_ms=4000)
    service = bench.service(simulator, providers={"openai": {"api_key": OLD}}, batching=WINDOW)
    rotation = Rotation(bench, simulator, service, bench.collector())
    for part in (rotation.kept_in_the_list, rotation.of_another_project, rotation.of_the_same_project,
                 rotation.given_up):
        part()
        bench.say(part.__doc__)


class Rotation:
    def __init__(self, bench, simulator, service, collector):
        self.bench = bench
        self.simulator = simulator
        self.service = service
        self.collector = collector

    def use(self, *keys):
        """Restarts the service with these keys, the first for new work."""
        equal("the exit status", self.service.process.terminate()[0], 0)
        self.service.config["providers"]["openai"]["api_key"] = list(keys)
        self.service.start()

    def submitted(self, tag):
        """Requests of which all are with the provider."""
        wanted = [job(number, "deferred", tag, kind=0) for number in range(COUNT)]
        self.bench.publishing([each.message() for each in wanted]).wait()
        wait_until("the batch to be submitted", lambda: sum(
            each["requests"] for each in self.listed() if each["state"] == "submitted") == COUNT, 30)
        return wanted

    def listed(self):
        status, output, errors = self.service.command("batches", "list", "--json")
        equal(f"the status of batches list; it says {errors!r}", status, 0)
        return json.loads(output)["batches"]

    def finish(self, wanted, allowed=(), times=1):
        names = {each.correlation_id for each in wanted}
        wait_until(
            lambda: f"{len(names)} replies, {len(names & set(self.collector.by_correlation))} are there",
            lambda: names <= set(self.collector.by_correlation), 60)
        failed = self.bench.verify(wanted, self.collector, allowed)
        for name in names:
            del self.collector.by_correlation[name]
        # A batch that was given up runs on at its provider.
        wait_until("the batch to have run",
                   lambda: all(self.simulator.payments()[each.key] >= times for each in wanted), 30)
        payments = self.simulator.payments()
        for each in wanted:
            equal(f"payments of {each.correlation_id}", payments[each.key], times)
        return failed

    def kept_in_the_list(self):
        """the old key second in the list: its batch comes home by it, new work goes out with the new one"""
        old = self.submitted("list")
        self.use(OTHER, OLD)
        new = self.submitted("list-new")
        self.finish([*old, *new])
        keys = {entry["key"] for entry in self.simulator.paid()}
        equal("keys that paid", len(keys), 2)

    def of_another_project(self):
        """the old key gone, the new one of another project: the batch is unreachable, kept, and comes home with its key"""
        self.use(OLD)
        wanted = self.submitted("other")
        batches = self.simulator.stats()["batches"]
        self.use(OTHER)
        wait_until("the alert", lambda: any(each["state"] == "unreachable" for each in self.listed()), 20)
        status, text = self.service.get("readyz")
        equal("/readyz", status, 200)
        check("it is kept" in text, f"/readyz does not say that the batch is kept: {text}")
        equal("unreachable batches", self.service.metric("batches_unknown", provider="openai", kind="unreachable"), 1)
        # New work goes on beside it.
        self.finish(self.submitted("beside"))
        equal("batches at the provider", self.simulator.stats()["batches"], batches + 1)
        equal("log lines about it", self.service.log_text().count("it is kept: configure the key"), 1)
        status, output, errors = self.service.command("batches", "list")
        check(status == 0 and "unreachable" in output and OLD not in output, f"{output!r} {errors!r}")
        self.use(OTHER, OLD)
        self.finish(wanted)
        equal("batches at the provider", self.simulator.stats()["batches"], batches + 1)

    def of_the_same_project(self):
        """the old key gone, the new one of the same project: the batch comes home by it"""
        self.use(OLD)
        wanted = self.submitted("sibling")
        self.use(SIBLING)
        self.finish(wanted)
        check(all(each["state"] != "unreachable" for each in self.listed()), "a batch is unreachable")

    def given_up(self):
        """an operator gives the unreachable batch up, and what makes no sense is refused in a line"""
        self.use(OLD)
        wanted = self.submitted("given-up")
        healthy = self.listed()[0]["label"]
        self.refused("is not unknown but submitted", healthy, "--resubmit")
        self.use(OTHER)
        wait_until("the alert", lambda: any(each["state"] == "unreachable" for each in self.listed()), 20)
        label = self.listed()[0]["label"]
        self.refused("no open batch has the label mr-nothing", "mr-nothing", "--give-up")
        self.refused("has its provider's id already", label, "--adopt", "batch_1")
        self.refused("say one of", label, status=64)
        status, output, errors = self.service.command("batches", "resolve", label, "--give-up")
        equal(f"the status of batches resolve; it says {errors!r}", status, 0)
        check(label in output, f"it says {output!r}")
        failed = self.finish(wanted, allowed={"result_missing"})
        equal("failed", len(failed), COUNT)
        check(all(reply.body["millrace"]["cost"] is None or reply.body["millrace"]["cost"]["usd"] is None
                  for _, reply in failed), "a reply of unknown cost names one")
        wait_until("no open batch", lambda: not self.listed(), 10)
        self.service.process.terminate()
        self.refused("no service answers on", label, "--give-up", status=69)

    def refused(self, says, label, *arguments, status=1):
        found, output, errors = self.service.command("batches", "resolve", label, *arguments)
        equal(f"the status; it says {errors!r}", found, status)
        check(says in errors, f"{says!r} is not in {errors!r}")
        if status != 64:
            equal("lines", len(errors.strip().splitlines()), 1)
