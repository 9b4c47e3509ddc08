"""A key that is replaced in mid-batch with two replicas on Postgres: any of them shows and takes what is to be decided."""
import json
import pathlib

from harness.checks import check, equal, wait_until
from harness.jobs import job
from harness.postgres import Postgres

OLD, SIBLING, OTHER = "sk-old-0123456789abcdef", "sk-sibling-0123456789ab", "sk-other-0123456789abcd"
COUNT = 20
# However slowly they come they make one batch.
WINDOW = {"deferred": {"max_requests_per_batch": COUNT, "idle_ms": 10_000, "max_age_ms": 30_000}}


def run(bench):
    postgres = Postgres(pathlib.Path(__file__).parents[3] / "Deploy" / "lib" / "postgres.sh", bench.folder / "postgres")
    postgres.start()
    try:
        simulator = bench.simulator(
            key=[f"{OLD}=one", f"{SIBLING}=one", f"{OTHER}=two"], batch_min_ms=4000, list_lag_ms=0, hang_ms=3000)
        url = postgres.database("rotation")
        services = [bench.service(
            simulator, name=name, providers={"openai": {"api_key": OLD}}, batching=WINDOW,
            ledger={"url": url, "lease": "3s"}, execution={"reconcile_grace": "500ms", "create_timeout": "1s"})
            for name in ("one", "two")]
        rotation = Rotation(bench, simulator, services, bench.collector())
        for part in (rotation.of_the_same_project, rotation.given_up, rotation.sent_again, rotation.not_confirmed):
            part()
            bench.say(part.__doc__)
        for service in services:
            equal("the exit status", service.process.terminate()[0], 0)
    finally:
        for service in bench.services:
            service.close()
        postgres.stop()


class Rotation:
    def __init__(self, bench, simulator, services, collector):
        self.bench = bench
        self.simulator = simulator
        self.services = services
        self.collector = collector

    def use(self, *keys):
        """Restarts both with these keys, the first for new work."""
        for service in self.services:
            equal("the exit status", service.process.terminate()[0], 0)
            service.config["providers"]["openai"]["api_key"] = list(keys)
        for service in self.services:
            service.start()

    def publish(self, tag):
        wanted = [job(number, "deferred", tag, kind=0) for number in range(COUNT)]
        self.bench.publishing([each.message() for each in wanted]).wait()
        return wanted

    def submitted(self, tag):
        """Requests of which all are with the provider."""
        wanted = self.publish(tag)
        wait_until("the batch to be submitted", lambda: sum(
            each["requests"] for each in listed(self.services[0]) if each["state"] == "submitted") == COUNT, 30)
        return wanted

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

    def bystander(self, kind):
        """The replica that does not work on the one batch of this kind; both are ready and show it."""
        def holders():
            return [each for each in self.services if each.metric("batches_unknown", provider="openai", kind=kind) == 1]

        wait_until("a replica to have the batch", lambda: len(holders()) == 1, 30)
        for service in self.services:
            # Who does not hold it gives its create the time that it may take.
            wait_until(f"{service.folder.name} to show it as {kind}",
                       lambda service=service: [each["state"] for each in listed(service)] == [kind], 10)
            check(listed(service)[0]["detail"], "nothing is said about it")
        return next(each for each in self.services if each not in holders())

    def of_the_same_project(self):
        """the new key of the same project: no replica shows the batch as unreachable, and it comes home"""
        wanted = self.submitted("sibling")
        self.use(SIBLING)
        for service in self.services:
            check(all(each["state"] == "submitted" for each in listed(service)), f"{listed(service)}")
            for each in listed(service):
                refused(service, "is not unknown but submitted", each["label"], "--resubmit")
        self.finish(wanted)

    def given_up(self):
        """unreachable: given up at the replica that does not hold it"""
        self.use(OLD)
        wanted = self.submitted("given-up")
        self.use(OTHER)
        other = self.bystander("unreachable")
        label = listed(other)[0]["label"]
        refused(other, "has its provider's id already", label, "--adopt", "batch_1")
        resolve(other, label, "--give-up")
        equal("failed", len(self.finish(wanted, allowed={"result_missing"})), COUNT)
        self.until_none()

    def sent_again(self):
        """unreachable: sent again from the replica that does not hold it, which is paid twice as the operator says"""
        self.use(OLD)
        wanted = self.submitted("again")
        self.use(OTHER)
        other = self.bystander("unreachable")
        resolve(other, listed(other)[0]["label"], "--resubmit")
        self.finish(wanted, times=2)
        self.until_none()

    def not_confirmed(self):
        """unknown: its create was not answered; sent again from the replica that does not hold it"""
        self.use(OLD)
        before = self.simulator.stats()["counters"].get("fault.create_lost", 0)
        self.simulator.change(fault_create_lost=1)
        wanted = self.publish("unknown")
        wait_until("the create to be lost", lambda: self.simulator.stats()["counters"].get(
            "fault.create_lost", 0) > before, 30, pause=0.005)
        for service in self.services:
            service.process.kill()
            service.config["providers"]["openai"]["api_key"] = [OTHER]
        self.simulator.change(fault_create_lost=0)
        for service in self.services:
            service.start()
        other = self.bystander("unknown")
        label = listed(other)[0]["label"]
        refused(other, "cannot be adopted", label, "--adopt", "batch_1")
        resolve(other, label, "--resubmit")
        self.finish(wanted)
        self.until_none()

    def until_none(self):
        for service in self.services:
            wait_until("no open batch", lambda: not listed(service), 10)


def listed(service):
    status, output, errors = service.command("batches", "list", "--json")
    equal(f"the status of batches list; it says {errors!r}", status, 0)
    return json.loads(output)["batches"]


def resolve(service, label, *arguments):
    status, output, errors = service.command("batches", "resolve", label, *arguments)
    equal(f"the status of batches resolve; it says {errors!r}", status, 0)
    check(label in output, f"it says {output!r}")


def refused(service, says, label, *arguments):
    status, _, errors = service.command("batches", "resolve", label, *arguments)
    equal(f"the status; it says {errors!r}", status, 1)
    check(says in errors, f"{says!r} is not in {errors!r}")
