"""Connections fall silent without being closed: each is replaced within two heartbeats, and nothing is lost.

A proxy stops forwarding both ways on the connection of one lane, of the publishers, and of all of them, as when a firewall
forgets what it let through. Connections that are made after that get through.
"""
import time

from harness.checks import check, equal, wait_until
from harness.forwarder import Forwarder
from harness.jobs import jobs
from harness.service import free_port

HEARTBEAT = 3
ROUNDS = ((b"millrace deferred",), (b"millrace interactive",), (b"millrace publish",),
          (b"millrace deferred", b"millrace interactive", b"millrace publish"))
# Replies of either lane have a connection of their own.
CONNECTIONS = {b"millrace publish": 2}


def run(bench):
    simulator = bench.simulator(latency_ms=200, batch_min_ms=1000)
    way = Forwarder(free_port(), bench.broker.port)
    way.open()
    bench.closing.append(way)
    url = bench.broker.url.replace(str(bench.broker.port), str(way.port))
    service = bench.service(simulator, amqp={"url": url, "heartbeat": f"{HEARTBEAT}s"})
    collector = bench.collector()
    asked = []
    for number, names in enumerate(ROUNDS):
        wanted = jobs(400, f"silent{number}")
        asked += wanted
        publishing = bench.publishing([each.message() for each in wanted])
        count = collector.count
        wait_until("replies", lambda: collector.count > count + 20, 30)
        logged = len(service.log_text())
        began = time.monotonic()
        frozen = sum(way.freeze(name) for name in names)
        equal("connections frozen", frozen, sum(CONNECTIONS.get(name, 1) for name in names))
        wait_until("the silence to be noticed and all to be connected again",
                   lambda: back(service.log_text()[logged:], frozen), 60)
        seconds = time.monotonic() - began
        bench.say(f"{', '.join(name.decode() for name in names)}: replaced {seconds:.2f} s after it fell silent, at a "
                  f"heartbeat of {HEARTBEAT} s")
        check(seconds <= 2 * HEARTBEAT, f"it took {seconds:.2f} s")
        publishing.wait()
        collector.wait_for(len(asked), 90)
    service.wait_ready()
    bench.verify(asked, collector)
    twice = [key for key, times in simulator.payments().items() if times > 1]
    check(not twice, f"paid more than once: {twice[:5]}")
    equal("payments", len(simulator.paid()), len(asked))
    bench.say(f"{len(asked)} answered, {collector.copies} copies, none paid twice")


def back(log, count):
    """Whether as many connections were lost for silence, and made anew."""
    return log.count("was silent for") >= count and sum(
        log.count(f'"message":"{word}"') for word in ("consuming", "publishing")) >= count
