"""SIGTERM in mid-run drains and exits 0; kill -9 at five moments loses nothing and pays for no batch row twice.

An interactive call in flight when the process dies may be paid twice: no provider offers a way to ask. Each is counted.
"""
import random
import time

from harness.checks import check, equal, wait_until
from harness.jobs import jobs

COUNT = 1600
KILLS = 5
SEED = 20
DRAIN_SECONDS = 10
CONCURRENCY = 16


def run(bench):
    simulator = bench.simulator(latency_ms=100, batch_min_ms=800)
    service = bench.service(
        simulator, execution={"drain_timeout": f"{DRAIN_SECONDS}s", "worker_concurrency": CONCURRENCY})
    collector = bench.collector()
    drain(bench, simulator, service, collector)
    kill(bench, simulator, service, collector)


def drain(bench, simulator, service, collector):
    wanted = jobs(COUNT // 2, "term")
    publishing = bench.publishing([job.message() for job in wanted])
    wait_until("a tenth of the replies", lambda: collector.count > COUNT // 20, 60)
    bench.say(f"SIGTERM at {publishing.sent} published, {collector.count} answered")
    status, seconds = service.process.terminate()
    equal("the exit status after SIGTERM", status, 0)
    check(seconds <= DRAIN_SECONDS + 1, f"the drain took {seconds:.1f} s, allowed are {DRAIN_SECONDS} s")
    bench.say(f"it ended with 0 after {seconds:.1f} s; starting it again")
    publishing.wait()
    paid_before = simulator.payments()
    service.start()
    collector.wait_for(len(wanted), 90, bench.say)
    bench.verify(wanted, collector)
    # A drain lets calls in flight end, so that not even they are paid twice.
    twice = [key for key, times in simulator.payments().items() if times > 1]
    check(not twice, f"paid more than once over a drain: {twice[:5]}; paid before it: {len(paid_before)}")


def kill(bench, simulator, service, collector):
    done = collector.count
    wanted = jobs(COUNT, "kill", seed=SEED)
    publishing = bench.publishing([job.message() for job in wanted])
    chance = random.Random(SEED)
    for number in range(KILLS):
        before = collector.count
        # The moment is chance, so here a pause is no synchronisation but the point.
        time.sleep(chance.uniform(0.05, 1.5))
        service.process.kill()
        bench.say(f"kill -9 number {number + 1} at {publishing.sent} published, {collector.count - done} answered")
        service.start(wait=number + 1 == KILLS or chance.random() < 0.5)
        if service.process.running and number + 1 < KILLS:
            # Let it come to work again before most kills.
            wait_until("the service to go on", lambda: collector.count > before or number == 2, 60)
    publishing.wait()
    collector.wait_for(done + len(wanted), 120, bench.say)

    by_key = {job.key: job for job in wanted}
    collector_view = {job.correlation_id for job in wanted}
    for stranger in [name for name in collector.by_correlation if name not in collector_view]:
        del collector.by_correlation[stranger]
    bench.verify(wanted, collector)
    twice = {key: times for key, times in simulator.payments().items() if times > 1}
    rows = [key for key in twice if key in by_key and by_key[key].lane == "deferred"]
    check(not rows, f"batch rows paid more than once: {rows[:5]}")
    bench.say(f"{len(wanted)} answered after {KILLS} kills, {collector.copies} copies; "
              f"{len(twice)} interactive calls in flight were paid twice")
    extra = sum(times - 1 for times in twice.values())
    check(extra <= KILLS * CONCURRENCY, f"{extra} payments too many, but only {CONCURRENCY} calls can be in flight")
