"""The broker restarts in mid-run: every request is answered, and nothing is paid for twice.

A lost connection cancels no call: what was in flight is committed and answers the redelivery. So not even the calls in
flight at the cut are paid twice, nor does any reply change.
"""
from harness.checks import check, equal, wait_until
from harness.jobs import jobs

COUNT = 2000


def run(bench):
    # Slow enough that calls, batches and publishes are all under way at the cut.
    simulator = bench.simulator(latency_ms=400, batch_min_ms=2000)
    service = bench.service(simulator, batching={"deferred": {"idle_ms": 300, "max_age_ms": 500}})
    collector = bench.collector()
    wanted = jobs(COUNT, "broker")
    publishing = bench.publishing([job.message() for job in wanted])
    publishing.wait_for(COUNT * 2 // 3)
    wait_until("replies and running batches", lambda: collector.count > 50 and simulator.stats()["batch_rows"], 60)
    before = simulator.stats()
    bench.say(f"restarting the broker at {publishing.sent} published, {collector.count} answered, "
              f"{before['sync_calls']} calls and {before['batch_rows']} rows paid")
    bench.broker.restart()
    bench.say("the broker is back")
    publishing.wait()
    service.wait_ready()
    collector.wait_for(COUNT, 120, bench.say)
    bench.verify(wanted, collector)
    twice = [key for key, times in simulator.payments().items() if times > 1]
    bench.say(f"{COUNT} answered, {collector.copies} copies, {len(twice)} paid twice")
    check(not twice, f"paid more than once: {twice[:5]}")
    equal("payments", len(simulator.paid()), COUNT)
    equal("starts of the service", service.starts, 1)
    wait_until("the queues to be empty", lambda: not any(
        bench.broker.depth(queue) for queue in ("llm.requests.interactive", "llm.requests.deferred")), 20, pause=0.2)
