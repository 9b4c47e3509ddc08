"""The two ways through Millrace: the queue is filled while it is down, then it is started."""
import time

from harness.checks import check
from three_ways.account import CONCURRENCY, REQUESTS_PER_MINUTE, TOKENS_PER_MINUTE


def configuration(key):
    return {
        "amqp": {"prefetch": {"interactive": 2000, "deferred": 2000}},
        "providers": {"openai": {"api_key": key, "limits": {
            "requests_per_minute": REQUESTS_PER_MINUTE, "tokens_per_minute": TOKENS_PER_MINUTE,
            "concurrency": CONCURRENCY}}},
        "batching": {"deferred": {"idle_ms": 1000, "max_age_ms": 10_000}},
        "execution": {"worker_concurrency": CONCURRENCY, "poll_interval_ms": 500},
    }


def through_millrace(bench, jobs, simulator, key, lane):
    """Seconds from the start of the service, with everything in the queue, to each reply."""
    service = bench.service(simulator, name=lane, **configuration(key))
    # It has declared its queues.
    status, _ = service.process.terminate()
    check(status == 0, f"the service ended with {status}")
    collector = bench.collector()
    bench.publishing([job.message() for job in jobs], connections=2).wait(300)
    depth = bench.broker.depth(f"llm.requests.{lane}")
    check(depth == len(jobs), f"{depth} of {len(jobs)} requests are in the queue")
    began = time.time()
    service.start(wait=False)
    collector.wait_for(len(jobs), 120 + len(jobs) / 20, bench.say)
    bench.verify(jobs, collector)
    status, _ = service.process.terminate()
    check(status == 0, f"the service ended with {status}")
    for queue in (f"llm.requests.{lane}", "llm.dead-letters", "llm.results.unclaimed"):
        check(bench.broker.depth(queue) == 0, f"messages are left in {queue}")
    collector.close()
    bench.broker.clear({"integration.replies"})
    return [collector.replies_to(job.correlation_id)[0].received - began for job in jobs]
