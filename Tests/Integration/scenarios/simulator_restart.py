"""The provider dies and comes back in mid-run: every request is answered, and no batch row is paid for twice.

What may be paid twice is an interactive call that was in flight when the provider died: no answer says whether it ran,
and no provider offers a way to ask. Each such call is counted.
"""
from harness.checks import check, equal, wait_until
from harness.jobs import jobs

COUNT = 2000
CONCURRENCY = 16


def run(bench):
    simulator = bench.simulator(latency_ms=200, batch_min_ms=2500)
    service = bench.service(
        simulator, execution={"worker_concurrency": CONCURRENCY, "max_attempts": 12, "backoff_delay_ms": 300,
                              # Open for less than the run has.
                              "circuit_breaker": {"open_s": 1}})
    collector = bench.collector()
    wanted = jobs(COUNT, "simulator")
    bench.publishing([job.message() for job in wanted]).wait()
    for cut in (1, 2):
        paid = simulator.stats()
        wait_until("more calls and running rows", lambda: moved(simulator, paid), 60)
        before = simulator.stats()
        bench.say(f"kill -9 of the provider, number {cut}, at {collector.count} answered, "
                  f"{before['sync_calls']} calls, {before['batch_rows']} rows, batches {before['batches_by_status']}")
        simulator.kill()
        logged = len(service.log_text())
        wait_until("the service to notice", lambda: noticed(service.log_text()[logged:]), 30)
        simulator.start()
    collector.wait_for(COUNT, 120, bench.say)
    bench.verify(wanted, collector)
    by_key = {job.key: job for job in wanted}
    twice = {key: times for key, times in simulator.payments().items() if times > 1}
    rows = [key for key in twice if by_key[key].lane == "deferred"]
    check(not rows, f"batch rows paid more than once: {rows[:5]}")
    bench.say(f"{COUNT} answered; {len(twice)} interactive calls that were in flight were paid twice")
    check(len(twice) <= 2 * CONCURRENCY, f"{len(twice)} calls were paid twice, but only {CONCURRENCY} can be in flight")
    equal("starts of the service", service.starts, 1)
    answer = service.get("readyz")
    check(answer and answer[0] == 200, f"/readyz says {answer}")


def noticed(log):
    return "Batch cannot be read yet" in log or "Batch submission waits" in log


def moved(simulator, before):
    now = simulator.stats()
    running = any(now["batches_by_status"].get(state) for state in ("validating", "in_progress", "finalizing"))
    return running and now["sync_calls"] > before["sync_calls"] + CONCURRENCY
