"""The measurements. Each returns plain data for the report."""

import statistics
import time

from harness.meter import Meter, process_cpu, resident_bytes, wait_for_quiet, wait_until_idle
from harness.setting import Service

SIZE = 1024
RATE = 200
SECONDS = 30
WARM_UP = 2 * RATE
REQUESTS_QUEUE = {"deferred": "llm.requests.deferred", "interactive": "llm.requests.interactive"}
REPLIES = "benchmark.replies"


class Bench:
    """Runs the parts one after another against one broker and one simulator."""

    def __init__(self, folder, processes, programs, broker, tool, simulator=None):
        self.folder = folder
        self.processes = processes
        self.programs = programs
        self.broker = broker
        self.tool = tool
        self.simulator = simulator
        self.problems = []
        self.notes = []

    def say(self, text):
        print(text, flush=True)

    def problem(self, text):
        self.problems.append(text)
        self.say(f"  PROBLEM: {text}")

    def settle(self, what):
        busy = wait_for_quiet()
        if busy > 0.10:
            self.notes.append(f"{what}: the machine was {busy:.0%} busy before the measurement began")

    def finish_work(self, what, pids):
        """Waits for the work that follows the last reply, which belongs to the cost of the requests."""
        if not wait_until_idle(pids):
            self.notes.append(f"{what}: not all work had ended 15 s after the last reply")

    def start_service(self):
        return Service(self.programs.service, self.processes, self.folder, self.broker, self.simulator)

    def stop_service(self, service, what):
        failure = service.stop()
        if failure:
            self.problem(f"{what}: {failure}")

    def check_replies(self, what, result, expect_marks):
        for key in ("missing", "duplicates", "foreign", "failed"):
            if result.get(key):
                code = result.get("first_error") if key == "failed" else None
                self.problem(f"{what}: {result[key]} replies {key}" + (f", the first with {code}" if code else ""))
        if expect_marks and result.get("unmarked"):
            self.problem(f"{what}: {result['unmarked']} replies without x-status")

    # The reference.

    def echo(self, count):
        """The C loop on a queue that was filled before."""
        self.say(f"C echo: {count} x {SIZE} B ...")
        self.tool.call("declare", "echo.requests", "echo.requests", "#")
        self.tool.call("declare", "echo.results", REPLIES, "#")
        self.tool.call("fill", "echo.requests", "echo.benchmark", count, SIZE, "full", seconds=600)
        self.settle("C echo")
        counter = self.tool.start("count", REPLIES, "echo.results", count)
        meter = Meter({"broker": self.broker.pid})
        echo = self.tool.start("run", "echo.requests", "echo.results", count)
        result = self.tool.finish(echo, 600)
        counted = self.tool.finish(counter, 120)
        disturbance = meter.disturbance(result["cpu_seconds"] + counted["cpu_seconds"])
        self.finish_work("C echo", [self.broker.pid])
        used = meter.read()
        self.check_replies("C echo", counted, expect_marks=False)
        self.tool.call("delete", REPLIES)
        return {
            "count": count, "seconds": result["seconds"], "rate": count / result["seconds"],
            "cpu_us": result["cpu_seconds"] / count * 1e6,
            "broker_us": used["broker"] / count * 1e6,
            **disturbance,
        }

    # The service.

    def declare(self, idle):
        """The first start, which declares the topology; with `idle` also what the service takes without work."""
        self.say("service: first start" + (", idle ..." if idle else " ..."))
        if idle:
            self.settle("idle")
        service = self.start_service()
        ready = service.wait_until_ready([self.simulator.process])
        result = {"ready_seconds": ready}
        if idle:
            time.sleep(2)
            before, start = process_cpu(service.pid), time.monotonic()
            time.sleep(10)
            seconds = time.monotonic() - start
            result["cpu_share"] = (process_cpu(service.pid) - before) / seconds
            result["resident_bytes"] = resident_bytes(service.pid)
        self.stop_service(service, "first start")
        return result

    def lane(self, lane, count):
        """A lane on a queue that was filled while the service was down."""
        what = f"{lane} lane"
        self.say(f"{what}: {count} x {SIZE} B ...")
        self.tool.call("fill", "llm.requests", f"{lane}.benchmark", count, SIZE, "full", seconds=600)
        waiting = self.tool.call("depth", REQUESTS_QUEUE[lane])["depth"]
        if waiting != count:
            self.problem(f"{what}: {waiting} requests in the queue after {count} were published")
        self.settle(what)
        counter = self.tool.start("count", REPLIES, "llm.results", count)
        meter = Meter({"broker": self.broker.pid, "simulator": self.simulator.pid})
        service = self.start_service()
        needed = [service.process, self.simulator.process]
        ready = service.wait_until_ready([self.simulator.process])
        counted = self.tool.finish(counter, 900, needed)
        disturbance = meter.disturbance(process_cpu(service.pid) + counted["cpu_seconds"])
        # The ledger still learns that the replies were delivered.
        self.finish_work(what, [service.pid, self.broker.pid, self.simulator.pid])
        cpu = process_cpu(service.pid)
        used = meter.read()
        peak = resident_bytes(service.pid, peak=True)
        self.check_replies(what, counted, expect_marks=True)
        self.stop_service(service, what)
        for queue in (REQUESTS_QUEUE[lane], "llm.dead-letters", "llm.results.unclaimed"):
            left = self.tool.call("depth", queue)["depth"]
            if left:
                self.problem(f"{what}: {left} messages left in {queue}")
        self.tool.call("delete", REPLIES)
        answered = max(counted["count"], 1)
        seconds = counted["last"] - service.started
        return {
            "count": count, "answered": counted["count"], "seconds": seconds, "ready_seconds": ready,
            "first_reply_seconds": counted["first"] - service.started,
            "rate": answered / seconds if counted["count"] else 0.0,
            "rate_after_ready": answered / max(seconds - ready, 1e-6) if counted["count"] else 0.0,
            "cpu_us": cpu / answered * 1e6,
            "broker_us": used["broker"] / answered * 1e6,
            "simulator_us": used["simulator"] / answered * 1e6,
            "peak_bytes": peak, "failed": counted["failed"], "duplicates": counted["duplicates"],
            "missing": counted["missing"],
            **disturbance,
        }

    # Latency.

    def _latency(self, what, requests, routing_key, replies, cpu_of, others):
        count = RATE * SECONDS
        self.settle(what)
        meter = Meter({"broker": self.broker.pid})
        before = process_cpu(cpu_of)
        timer = self.tool.start(
            "latency", requests, routing_key, REPLIES, replies, RATE, count, SIZE, f"warm-up={WARM_UP}")
        result = self.tool.finish(timer, SECONDS + 120, others)
        cpu = process_cpu(cpu_of) - before
        disturbance = meter.disturbance(cpu + result["cpu_seconds"])
        self.check_replies(what, result, expect_marks=False)
        self.tool.call("delete", REPLIES)
        result.update(rate=RATE, cpu_us=cpu / (count + WARM_UP) * 1e6, **disturbance)
        return result

    def echo_latency(self):
        self.say(f"C echo latency: {RATE}/s for {SECONDS} s ...")
        self.tool.call("declare", "echo.requests", "echo.requests", "#")
        self.tool.call("declare", "echo.results", REPLIES, "#")
        echo = self.tool.start("run", "echo.requests", "echo.results", RATE * SECONDS + WARM_UP)
        result = self._latency("C echo latency", "echo.requests", "echo.benchmark", "echo.results", echo.pid, ())
        # It ends by itself with the last request, and knows its own processor time more exactly.
        count = RATE * SECONDS + WARM_UP
        result["cpu_us"] = self.tool.finish(echo, SECONDS + 180)["cpu_seconds"] / count * 1e6
        return result

    def service_latency(self):
        self.say(f"interactive latency: {RATE}/s for {SECONDS} s ...")
        service = self.start_service()
        service.wait_until_ready([self.simulator.process])
        result = self._latency("interactive latency", "llm.requests", "interactive.benchmark", "llm.results",
                               service.pid, [service.process, self.simulator.process])
        self.stop_service(service, "interactive latency")
        return result


def spread(runs, figure):
    """How far apart the runs of a part are, as a share of their median."""
    values = [run[figure] for run in runs]
    return (max(values) - min(values)) / statistics.median(values)


def middle(runs):
    """The median of each figure over runs of the same part."""
    result = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    result["runs"] = runs
    return result
