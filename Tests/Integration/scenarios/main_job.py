"""5,000 requests of all forms, endpoints and lanes, with faults: each gets its own answer, and the bill is right.

With 2 % of calls answered 429, 3 % 5xx, 5 % of rows failing in both shapes of a line and 1 % run, paid and never
reported, what holds is: every request has exactly one reply; it succeeds with its own answer, unless its row is one of
those that the provider was paid for and never reported, which fails with result_missing; no prompt is paid for twice;
and the costs of all replies, together with what the provider kept for the unreported rows, are its bill to the
pico-dollar.
"""
from harness.answers import pico_usd
from harness.checks import check, equal
from harness.jobs import jobs

COUNT = 5000


def run(bench):
    simulator = bench.simulator(
        fault_429=0.02, fault_5xx=0.03, fault_line_error=0.05, fault_line_missing=0.01)
    service = bench.service(simulator, execution={"worker_concurrency": 64})
    collector = bench.collector()
    wanted = jobs(COUNT, "main")

    publishing = bench.publishing([job.message() for job in wanted])
    publishing.wait(120)
    bench.say(f"{COUNT} requests are confirmed")
    collector.wait_for(COUNT, 180, bench.say)
    bench.say(f"{collector.count} replies, {collector.copies} copies")

    missing = bench.verify(wanted, collector, allowed={"result_missing"})
    paid = simulator.paid()
    lost = [entry for entry in paid if entry["fault"] == "missing"]
    equal("prompts answered result_missing", sorted(job.key for job, _ in missing),
          sorted(entry["prompt_key"] for entry in lost))
    twice = [key for key, times in simulator.payments().items() if times > 1]
    check(not twice, f"paid more than once: {twice[:5]}")
    equal("payments", len(paid), COUNT)

    costs = [pico_usd(replies[0]) for replies in collector.by_correlation.values()]
    unknown = sum(cost is None for cost in costs)
    check(unknown <= len(lost), f"{unknown} replies name no cost, but only {len(lost)} rows went unreported")
    bill = simulator.stats()["pico_usd"]
    equal("costs of all replies plus the unreported rows", sum(cost or 0 for cost in costs)
          + sum(entry["pico_usd"] for entry in lost), bill)
    attempts = max(replies[0].body["millrace"]["attempts"] for replies in collector.by_correlation.values())
    check(attempts > 1, "no request needed a second attempt: the faults did not bite")
    equal("cost by /metrics", int(service.metric("cost_picousd")), bill - sum(entry["pico_usd"] for entry in lost))
    bench.say(f"bill {bill / 1e12:.6f} USD, {len(lost)} rows unreported, at most {attempts} attempts")
