"""The broker is restarted again and again under a run of deferred requests: none is lost, and none is paid for twice.

MILLRACE_RESTARTS and MILLRACE_RESTART_REQUESTS say how often and under how many; the long run is 10 under 10,000.
MILLRACE_LEDGER_URL names a database to use instead of SQLite; MILLRACE_LEDGER_RESTART is then a command that restarts it,
which is done as often, in turn with the broker.
"""
import os
import subprocess
import time

from harness.checks import check, equal, wait_until
from harness.jobs import job

RESTARTS = int(os.environ.get("MILLRACE_RESTARTS", "2"))
REQUESTS = int(os.environ.get("MILLRACE_RESTART_REQUESTS", "1500"))
LEDGER = os.environ.get("MILLRACE_LEDGER_URL")
LEDGER_RESTART = os.environ.get("MILLRACE_LEDGER_RESTART")


def run(bench):
    # Slow enough that publishing, batches, polls and replies are all under way at most restarts.
    simulator = bench.simulator(batch_min_ms=3000, batch_per_row_us=2000)
    ledger = {"url": LEDGER} if LEDGER else {}
    service = bench.service(
        simulator, ledger=ledger, batching={"deferred": {"idle_ms": 300, "max_age_ms": 600}})
    collector = bench.collector()
    wanted = [job(number, "deferred", "restarts") for number in range(REQUESTS)]
    began = time.monotonic()
    publishing = bench.publishing([each.message() for each in wanted])
    answered = 0
    for number in range(1, RESTARTS + 1):
        # The restarts are spread over the whole run, by what has been answered or at least published.
        share = REQUESTS * number // (RESTARTS + 2)
        wait_until(f"{share} requests to be published or answered",
                   lambda: publishing.error or max(publishing.sent // 2, collector.count) >= share, 300)
        if number > 1:
            wait_until("replies since the last restart", lambda: collector.count > answered, 120)
        answered = collector.count
        bench.say(f"restart {number} of the broker at {publishing.sent} published, {collector.count} answered, "
                  f"{simulator.stats()['batch_rows']} rows paid")
        bench.broker.restart()
        if LEDGER_RESTART:
            wait_until("the service to go on", lambda: service.get("readyz") and service.get("readyz")[0] == 200, 60)
            bench.say(f"restart {number} of the database")
            subprocess.run(LEDGER_RESTART, shell=True, check=True, stdout=subprocess.DEVNULL)
    publishing.wait(300)
    collector.wait_for(REQUESTS, 300, bench.say)
    seconds = time.monotonic() - began
    service.wait_ready()
    bench.verify(wanted, collector)
    payments = simulator.payments()
    twice = [key for key, times in payments.items() if times > 1]
    check(not twice, f"paid more than once: {twice[:5]}")
    equal("payments", len(simulator.paid()), REQUESTS)
    equal("starts of the service", service.starts, 1)
    wait_until("the queues to be empty", lambda: not bench.broker.depth("llm.requests.deferred"), 20, pause=0.2)
    bench.say(f"{REQUESTS} requests, {RESTARTS} restarts of the broker"
              f"{f' and {RESTARTS} of the database' if LEDGER_RESTART else ''} in {seconds:.0f} s: {collector.count} answered,"
              f" 0 lost, {len(twice)} paid twice, {collector.copies} copies of replies, "
              f"{simulator.stats()['batch_rows']} rows paid")
