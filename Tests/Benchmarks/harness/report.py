"""The results as text."""

def goals(results):
    """Each figure that has a goal: name, value, limit, unit, whether more is better."""
    found = []
    echo, deferred = results.get("echo"), results.get("deferred")
    if deferred and echo:
        found.append(("deferred lane, CPU of the service to that of the C echo",
                      deferred["cpu_us"] / echo["cpu_us"], 10, "times", False))
    if deferred:
        found.append(("deferred lane, throughput", deferred["rate"], 5000, "requests/s", True))
    if "latency" in results:
        found.append(("interactive latency p50", results["latency"]["p50_ms"], 3, "ms", False))
        found.append(("interactive latency p99", results["latency"]["p99_ms"], 10, "ms", False))
    if "idle" in results:
        idle = results["idle"]
        found.append(("idle, CPU", idle["cpu_share"] * 100, 1, "% of a core", False))
        found.append(("idle, resident memory", idle["resident_bytes"] / 1e6, 60, "MB", False))
        found.append(("start to ready", idle["ready_seconds"], 1, "s", False))
    return [{"name": name, "value": value, "limit": limit, "unit": unit, "at_least": more,
             "met": value >= limit if more else value <= limit} for name, value, limit, unit, more in found]


def table(rows):
    """Columns as wide as their widest cell; the first is left-aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def versus(value, reference):
    return f"{number(value / reference)}x" if reference else "-"


def throughput(results):
    rows = [("throughput and CPU", "requests/s", "to echo", "CPU us", "to echo", "broker us", "to echo",
             "simulator us", "peak MB", "other CPU")]
    echo = results.get("echo")
    for key, name in (("echo", "C echo"), ("deferred", "deferred lane"), ("interactive", "interactive lane")):
        result = results.get(key)
        if not result:
            continue
        row = [f"{name}, {int(result['count']):,}"]
        for figure in ("rate", "cpu_us", "broker_us"):
            row += [number(result[figure]), versus(result[figure], echo and echo[figure])]
        row.append(number(result["simulator_us"]) if "simulator_us" in result else "-")
        row.append(f"{result['peak_bytes'] / 1e6:.0f}" if "peak_bytes" in result else "-")
        row.append(f"{result['other_share']:.0%}")
        rows.append(tuple(row))
    return rows if len(rows) > 1 else None


def latency(results):
    rows = [("reply delivered - published", "requests/s", "p50 ms", "to echo", "p95 ms", "to echo", "p99 ms", "to echo",
             "max ms", "CPU us", "other CPU")]
    echo = results.get("echo_latency")
    for key, name in (("echo_latency", "C echo"), ("latency", "interactive lane")):
        result = results.get(key)
        if not result:
            continue
        row = [f"{name}, {result['count']:,}", str(result["rate"])]
        for figure in ("p50_ms", "p95_ms", "p99_ms"):
            row += [f"{result[figure]:.2f}", versus(result[figure], echo and echo[figure])]
        row += [f"{result['max_ms']:.1f}", number(result["cpu_us"]), f"{result['other_share']:.0%}"]
        rows.append(tuple(row))
    return rows if len(rows) > 1 else None


def text(report):
    machine, results = report["machine"], report["results"]
    blocks = [
        f"machine: {machine['cores']} cores, {machine['cpu']}, {machine['memory_mib']:,} MiB,"
        f" Linux {machine['kernel']}, load {machine['load_before']:.2f} before\n"
        f"broker: RabbitMQ {report['broker']}, quorum queues; requests of {report['request_bytes']} B\n"
        f"command: {report['command']}"
    ]
    for rows in (throughput(results), latency(results)):
        if rows:
            blocks.append(table(rows))
    if "latency" in results:
        blocks.append("The simulator answers at once; the time of its call is part of the latency and not subtracted.")
    if "idle" in results:
        idle = results["idle"]
        blocks.append(f"idle: {idle['cpu_share'] * 100:.2f} % of a core,"
                      f" {idle['resident_bytes'] / 1e6:.1f} MB resident,"
                      f" ready {idle['ready_seconds']:.2f} s after its start")
    if report["goals"]:
        rows = [("goal", "", "measured", "")]
        for goal in report["goals"]:
            bound = "at least" if goal["at_least"] else "at most"
            rows.append((goal["name"], f"{bound} {goal['limit']:,} {goal['unit']}", number(goal["value"]),
                         "met" if goal["met"] else "MISSED"))
        blocks.append(table(rows))
    disturbed = [key for key, result in results.items() if result.get("other_share", 0) > 0.10]
    notes = list(report["notes"])
    if disturbed:
        notes.append("other processes used more than 10 % of the machine during: " + ", ".join(disturbed)
                     + "; these figures are not findings")
    remarks = [f"note: {note}" for note in notes] + [f"PROBLEM: {problem}" for problem in report["problems"]]
    if remarks:
        blocks.append("\n".join(remarks))
    return "\n\n".join(blocks)
