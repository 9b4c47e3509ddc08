"""The broker is restarted again and again under a run of deferred requests: none is lost, and none is paid for twice.

On SQLite with one service, and on Postgres with three replicas, where Postgres is restarted as often, in turn with the broker.
MILLRACE_RESTARTS and MILLRACE_RESTART_REQUESTS say how often and under how many; the long run is 10 under 10,000.
MILLRACE_LEDGERS names the ledgers, of sqlite and postgres.
"""
import os
import time

from harness.checks import check, equal, wait_until
from harness.jobs import job

RESTARTS = int(os.environ.get("MILLRACE_RESTARTS", "2"))
REQUESTS = int(os.environ.get("MILLRACE_RESTART_REQUESTS", "1500"))
LEDGERS = os.environ.get("MILLRACE_LEDGERS", "sqlite postgres").split()


def run(bench):
    # Slow enough that publishing, batches, polls and replies are all under way at most restarts.
    simulator = bench.simulator(batch_min_ms=3000, batch_per_row_us=2000)
    for ledger in LEDGERS:
        restarts(bench, simulator, ledger)


def restarts(bench, simulator, ledger):
    # The leases are as long as a restart takes on a slow machine.
    settings, replicas = (bench.shared_ledger(lease="10s"), 3) if ledger == "postgres" else ({}, 1)
    services = bench.replicas(
        simulator, settings, replicas, name=ledger, batching={"deferred": {"idle_ms": 300, "max_age_ms": 600}})
    collector = bench.collector(f"integration.{ledger}")
    wanted = [job(number, "deferred", f"restarts-{ledger}") for number in range(REQUESTS)]
    paid = len(simulator.paid())
    began = time.monotonic()
    portions = []
    # A portion for each restart, so that every one of them meets requests in all stages.
    count = RESTARTS * (2 if ledger == "postgres" else 1)

    def publish():
        """Publishes the next portion; returns when half of it is there, with how many requests wait for their answer."""
        number = len(portions)
        portion = wanted[REQUESTS * number // count:REQUESTS * (number + 1) // count]
        portions.append(bench.publishing([each.message() for each in portion]))
        portions[-1].wait_for(len(portion) // 2, 300)
        waiting = sum(each.sent for each in portions) - collector.count
        check(waiting > 0, "nothing is under way at the restart")
        return waiting

    for number in range(1, RESTARTS + 1):
        answered = collector.count
        waiting = publish()
        if number > 1:
            wait_until("replies since the last restart", lambda: collector.count > answered, 120)
        bench.say(f"{ledger}: restart {number} of the broker with {waiting} under way, {collector.count} answered, "
                  f"{len(simulator.paid()) - paid} rows paid")
        bench.broker.restart()
        if ledger == "postgres":
            # While some links are back and others are not.
            wait_until("a replica to go on", lambda: any(is_ready(each) for each in services), 60)
            waiting = publish()
            bench.say(f"{ledger}: restart {number} of Postgres with {waiting} under way, {collector.count} answered")
            bench.postgres.restart()
    for each in portions:
        each.wait(300)
    collector.wait_for(REQUESTS, 300, bench.say)
    seconds = time.monotonic() - began
    for each in services:
        each.wait_ready()
    bench.verify(wanted, collector)
    payments = simulator.payments()
    twice = [key for key, times in payments.items() if times > 1]
    check(not twice, f"paid more than once: {twice[:5]}")
    equal("payments", len(simulator.paid()) - paid, REQUESTS)
    for each in services:
        equal("starts of the service", (each.starts, each.log_text().count("Millrace starts")), (1, 1))
    wait_until("the queues to be empty", lambda: not bench.broker.depth("llm.requests.deferred"), 20, pause=0.2)
    for each in services:
        equal("the exit status", each.process.terminate()[0], 0)
    bench.say(f"held: {ledger}, {replicas} services: {REQUESTS} requests, {RESTARTS} restarts of the broker"
              f"{f' and {RESTARTS} of Postgres' if ledger == 'postgres' else ''} in {seconds:.0f} s: {collector.count} "
              f"answered, 0 lost, {len(twice)} paid twice, {collector.copies} copies of replies")


def is_ready(service):
    answer = service.get("readyz")
    return answer and answer[0] == 200
