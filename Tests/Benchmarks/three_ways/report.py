"""What the simulator has seen of each way, and the table of it."""
import collections
import datetime
import os

from harness.checks import check
from three_ways.account import ASSUMPTIONS, fingerprint


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def measured(name, jobs, waits, simulator, key):
    """Figures of one way. The witness of cost, calls and refusals is the simulator."""
    mine = fingerprint(key)
    paid = [entry for entry in simulator.paid() if entry["key"] == mine]
    payments = collections.Counter(entry["prompt_key"] for entry in paid)
    check(set(payments) == {job.key for job in jobs}, "not every request was paid for")
    check(len(waits) == len(jobs), f"{len(waits)} of {len(jobs)} were answered")
    kinds = [kind for kind in simulator.stats()["traffic"]["kinds"] if kind["key"] == mine]
    calls = sum(kind["accepted"] + kind["refused"] for kind in kinds)
    refused = sum(kind["statuses"].get("429", 0) for kind in kinds)
    return {
        "way": name, "requests": len(jobs), "usd": sum(entry["pico_usd"] for entry in paid) / 1e12,
        "paid_twice": len(paid) - len(payments), "p50_seconds": percentile(waits, 0.5),
        "p95_seconds": percentile(waits, 0.95), "seconds": max(waits), "requests_per_second": len(jobs) / max(waits),
        "calls": calls, "refused_429": refused, "rate_429": refused / calls,
    }


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith(("model name", "Model")):
                model = line.partition(":")[2].strip()
                break
    return f"{os.cpu_count()} cores, {model}"


def markdown(ways, command):
    count = ways[0]["requests"]
    lines = [
        f"{count:,} requests, all there at once; answers and refusals as the simulator counted them. {machine()},"
        f" {datetime.date.today().isoformat()}, `{command}`.", "",
        "| way | cost | p50 | p95 | requests/s | calls to the provider | 429s |", "|---|---|---|---|---|---|---|"]
    for way in ways:
        lines.append(
            f"| {way['way']} | ${way['usd']:.3f} | {way['p50_seconds']:.1f} s | {way['p95_seconds']:.1f} s |"
            f" {way['requests_per_second']:,.0f} | {way['calls']:,} | {way['rate_429']:.2%} |")
    lines += [""] + [f"- {text}" for text in ASSUMPTIONS]
    return "\n".join(lines)
