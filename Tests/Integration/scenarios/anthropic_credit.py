"""Credit that is used up shows on every line of Anthropic's batches: nobody is answered with it, and all go on by themselves.

The create is taken, and each line says with the type of a bad request that the balance is too low. Without knowing better
every request would be answered so, and dead-lettered.
"""
from harness.anthropic import settings
from harness.checks import check, equal, wait_until
from harness.jobs import job

COUNT = 600


def run(bench):
    simulator = bench.simulator(no_quota_keys=["*"])
    service = bench.service(
        simulator, **settings(simulator, execution={"circuit_breaker": {"open_s": 2}},
                              batching={"deferred": {"max_requests_per_batch": 200}}))
    collector = bench.collector()
    wanted = [job(number, "deferred", "credit", kind="messages") for number in range(COUNT)]
    bench.publishing([each.message() for each in wanted]).wait(60)
    wait_until("the breaker of the account to be open",
               lambda: service.metric("breaker_state", provider="claude") > 0, 60)
    # Twice more it tries, and is told the same.
    tried = simulator.stats()["batches"]
    wait_until("two more batches to be tried", lambda: simulator.stats()["batches"] >= tried + 2, 120)
    equal("replies while there is no credit", collector.count, 0)
    equal("payments while there is no credit", len(simulator.paid()), 0)
    check("credit or quota is used up" in service.log_text(), "nobody is told")
    creates = simulator.stats()["batches"]
    check(creates < 60, f"{creates} batches were created for nothing")

    simulator.change(no_quota_keys=[])
    collector.wait_for(COUNT, 120, bench.say)
    bench.verify(wanted, collector)
    equal("payments", sorted(simulator.payments().values()), [1] * COUNT)
    bench.say(f"{COUNT} requests waited for credit through {creates} batches that were refused, and were answered and paid once")
