"""Postgres is restarted, killed, away for longer than a lease, cut, silent, or lets nobody in: three replicas wait and go on.

In each, /readyz names the ledger while it is away, nothing is lost, no call in flight is made again, and no replica takes
another for dead. MILLRACE_POSTGRES_FAULT_REQUESTS says how many requests come meanwhile.
"""
import json
import os
import random
import threading
import time
import urllib.parse

from harness.checks import check, equal, wait_until
from harness.jobs import job, jobs

REQUESTS = int(os.environ.get("MILLRACE_POSTGRES_FAULT_REQUESTS", "300"))
LEASE = 3
LOST = "another took its work over"


def run(bench):
    simulator = bench.simulator(latency_ms=100, batch_min_ms=500)
    target = bench.shared_ledger(lease=f"{LEASE}s")
    test = Faults(bench, simulator, target["ledger"]["url"])
    test.refused_at_start()
    target["ledger"]["url"] = target["ledger"]["url"].replace(f":{test.port}/", f":{test.way.port}/")
    test.replicas = bench.replicas(simulator, target)
    for part in (test.idle, test.restarted, test.killed, test.away, test.terminated, test.silent, test.all_silent,
                 test.shut_out, test.without_rights):
        part()
    for each in test.replicas:
        equal("starts of the service", each.log_text().count("Millrace starts"), 1)
        check(LOST not in each.log_text(), f"a replica was taken for dead; its log is {each.log}")
        equal("the exit status", each.process.terminate()[0], 0)


class Faults:
    def __init__(self, bench, simulator, url):
        self.bench = bench
        self.simulator = simulator
        self.postgres = bench.postgres
        self.port = int(url.rpartition(":")[2].partition("/")[0])
        self.database = url.rpartition("/")[2]
        self.way = bench.way(self.port)
        self.collector = bench.collector()
        self.asked = []
        self.replicas = []

    # What a part is made of.

    def publish(self, tag, count=REQUESTS):
        wanted = jobs(count, tag)
        self.asked += wanted
        return self.bench.publishing([each.message() for each in wanted])

    def under_way(self, publishing):
        """Returns when some are answered and some are not published."""
        before = self.collector.count
        wait_until("the first replies", lambda: publishing.error or self.collector.count > before + 5, 60)

    def unready(self, *words):
        """Each says what it waits for."""
        for each in self.replicas:
            line = each.wait_unready("ledger", *words)
        self.bench.say(f"/readyz: {line}")

    def ready(self):
        began = time.monotonic()
        for each in self.replicas:
            each.wait_ready()
        return time.monotonic() - began

    def answered(self, what, publishing=None):
        if publishing:
            publishing.wait()
        seconds = self.ready()
        self.collector.wait_for(len(self.asked), 120, self.bench.say)
        self.bench.verify(self.asked, self.collector)
        twice = [key for key, times in self.simulator.payments().items() if times > 1]
        check(not twice, f"{what}: paid more than once: {twice[:5]}")
        equal(f"{what}: payments", len(self.simulator.paid()), len(self.asked))
        self.bench.say(f"held: {what}: {len(self.asked)} answered so far, {self.collector.copies} copies, none paid "
                       f"twice; ready {seconds:.1f} s after it")

    def terminate(self):
        """Ends every session of the service, whatever it does."""
        self.postgres.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.database}' "
                          "AND pid <> pg_backend_pid()")

    # The parts.

    def refused_at_start(self):
        """What a start is refused for: a server that lets nobody in is waited for, a database that is not there ends it."""
        url = self.bench.shared_ledger("refused")["ledger"]["url"]
        name = url.rpartition("/")[2]
        service = self.bench.service(self.simulator, start=False, name="refused", ledger={"url": url + "_missing"})
        status, output, errors = service.command("serve")
        equal("a missing database: the status, and lines", (status, len((output + errors).splitlines())), (78, 1))
        check("has no such database" in errors and "create it" in errors, f"it says {errors!r}")
        self.bench.say(f"a missing database: exit {status}: {errors.strip()}")
        service.config["ledger"]["url"] = url
        # The tables are made at the first start, and after that the right to make them is not needed.
        for what, break_it, mend_it, words in (
            ("no right to create", f"ALTER DATABASE {name} OWNER TO postgres",
             f"ALTER DATABASE {name} OWNER TO millrace", "grant what is missing"),
            ("a wrong password", "ALTER ROLE millrace PASSWORD 'another'",
             f"ALTER ROLE millrace PASSWORD '{urllib.parse.urlsplit(url).password}'", "check user, password and pg_hba.conf"),
        ):
            self.postgres.sql(break_it)
            try:
                logged = len(service.log_text())
                service.start(wait=False)
                wait_until(f"{what}: a line that says so", lambda: words in service.log_text()[logged:], 30)
            finally:
                self.postgres.sql(mend_it)
            line = next(line for line in service.log_text()[logged:].splitlines() if words in line)
            check(urllib.parse.urlsplit(url).password not in service.log_text(), "the password is in the log")
            service.wait_ready()
            self.bench.say(f"{what}: {json.loads(line)['error']}; ready after it was mended")
            service.process.terminate()

    def idle(self):
        """Nobody asks for anything, and still it is noticed."""
        self.postgres.halt()
        self.unready("cannot be reached")
        self.postgres.start_again()
        self.bench.say(f"ready {self.ready():.1f} s after the server")

    def restarted(self):
        publishing = self.publish("restarted")
        self.under_way(publishing)
        self.postgres.restart()
        self.answered("restarted", publishing)

    def killed(self):
        publishing = self.publish("killed")
        self.under_way(publishing)
        self.postgres.kill()
        self.unready("cannot be reached")
        self.postgres.start_again()
        self.answered("kill -9 and started", publishing)

    def away(self):
        """For longer than everybody's lease, with calls in flight that end meanwhile, and some that end after it."""
        for latency in (2 * LEASE, 4 * LEASE):
            self.simulator.change(latency_ms=1000 * latency)
            paid = len(self.simulator.paid())
            wanted = [job(number, "interactive", f"away-{latency}", kind=0) for number in range(30)]
            self.asked += wanted
            self.bench.publishing([each.message() for each in wanted]).wait()
            wait_until("the calls to be under way", lambda: len(self.simulator.paid()) == paid + len(wanted), 30)
            self.postgres.halt()
            stopped = time.monotonic()
            self.unready("cannot be reached")
            waiting = [job(number, "deferred", f"waits-{latency}", kind=0) for number in range(30)]
            self.asked += waiting
            more = self.bench.publishing([each.message() for each in waiting])
            # No synchronisation: the lease ends by time alone.
            time.sleep(3 * LEASE - (time.monotonic() - stopped))
            equal("payments while Postgres is away", len(self.simulator.paid()), paid + len(wanted))
            self.postgres.start_again()
            self.answered(f"away for {time.monotonic() - stopped:.0f} s at a lease of {LEASE} s, calls of {latency} s", more)
        self.simulator.change(latency_ms=100)

    def terminated(self):
        """Sessions are ended in the middle of transactions, for some seconds."""
        publishing = self.publish("terminated", 3 * REQUESTS)
        self.under_way(publishing)
        chance = random.Random(1)
        began, times = time.monotonic(), 0
        while time.monotonic() - began < 8:
            self.terminate()
            times += 1
            time.sleep(chance.uniform(0, 0.3))  # No synchronisation: the moment is left to chance.
        self.answered(f"all sessions ended {times} times", publishing)

    def silent(self):
        """The sessions that are there fall silent, and new ones get through."""
        publishing = self.publish("silent")
        self.under_way(publishing)
        frozen = self.way.freeze(b"millrace")
        check(frozen >= 3 * len(self.replicas), f"only {frozen} connections were frozen")
        began = time.monotonic()
        publishing.wait()
        self.collector.wait_for(len(self.asked), 120, self.bench.say)
        self.bench.say(f"{frozen} connections fell silent; all answered {time.monotonic() - began:.1f} s later")
        self.answered("sessions fell silent", publishing)

    def all_silent(self):
        """New ones too, for longer than the lease."""
        publishing = self.publish("all-silent")
        self.under_way(publishing)
        self.way.freeze(b"")
        stopping = threading.Event()
        freezer = threading.Thread(target=self.keep_silent, args=(stopping,), daemon=True)
        freezer.start()
        try:
            self.unready("cannot be reached")
            time.sleep(2 * LEASE)  # No synchronisation: the lease ends by time alone.
        finally:
            stopping.set()
            freezer.join(5)
        self.answered("silent for new sessions too", publishing)

    def keep_silent(self, stopping):
        while not stopping.wait(0.005):
            self.way.freeze(b"")

    def shut_out(self):
        """The role may not log in any more."""
        publishing = self.publish("shut-out")
        self.under_way(publishing)
        self.postgres.sql("ALTER ROLE millrace NOLOGIN")
        try:
            self.terminate()
            self.unready("lets nobody in", "check user, password and pg_hba.conf")
        finally:
            self.postgres.sql("ALTER ROLE millrace LOGIN")
        self.answered("shut out", publishing)

    def without_rights(self):
        """The role may not touch the tables any more."""
        publishing = self.publish("without-rights")
        self.under_way(publishing)
        tables = "ALL TABLES IN SCHEMA millrace"
        self.postgres.sql_in(self.database, f"REVOKE ALL ON {tables} FROM millrace")
        try:
            self.unready("denies it to this user", "grant what is missing")
        finally:
            self.postgres.sql_in(self.database, f"GRANT ALL ON {tables} TO millrace")
        self.answered("without rights", publishing)
