"""What brokers do to a consumer in mid-run: each time the service says what it waits for, loses nothing, and goes on.

Objects are deleted under it, an alarm stops publishing, deliveries take longer than the broker allows, permissions go,
and a message is delivered again and again. What is paid is never paid twice, and nothing is ever delivered in a loop.
"""
import json
import os
import time

from harness.checks import check, equal, wait_until
from harness.jobs import job, jobs
from harness.messages import Reply

REQUESTS = ("llm.requests.interactive", "llm.requests.deferred")


def run(bench):
    simulator = bench.simulator(latency_ms=20)
    # One or some of them by their names, for whoever works on one.
    only = os.environ.get("MILLRACE_BROKER_FAULTS", "").split()
    for part in (queues_deleted, exchange_deleted, memory_alarm, permissions, undeliverable_poison, delivery_limit):
        if not only or part.__name__ in only:
            part(bench, simulator)
    if not only or "consumer_timeout" in only:
        consumer_timeout(bench)


def queues_deleted(bench, simulator):
    service = bench.service(simulator, name="queues")
    collector = bench.collector()
    before = jobs(40, "before")
    bench.publishing([each.message() for each in before]).wait()
    collector.wait_for(40, 60)
    for queue in REQUESTS:
        with bench.broker.channel() as channel:
            channel.queue_delete(queue)
        wait_until(f"the service to declare {queue} again and consume it", lambda: consumed(bench, queue), 20)
        service.wait_ready()
    after = jobs(40, "after")
    bench.publishing([each.message() for each in after]).wait()
    collector.wait_for(80, 60)
    bench.verify(before + after, collector)
    finish(bench, simulator, service, "queues deleted", before + after)

    # Without the right to declare it waits for somebody who does.
    service = bench.service(simulator, name="queues-kept", amqp={"declare": False})
    with bench.broker.channel() as channel:
        channel.queue_delete("llm.requests.deferred")
    line = service.wait_unready("llm.requests.deferred", "missing at the broker")
    bench.say(f"/readyz: {line}")
    check(service.process.running, "the service ended for want of a queue")
    with bench.broker.channel() as channel:
        channel.queue_declare("llm.requests.deferred", durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind("llm.requests.deferred", "llm.requests", "deferred.#")
    service.wait_ready()
    late = [job(number, "deferred", "late") for number in range(20)]
    bench.publishing([each.message() for each in late]).wait()
    collector.wait_for(100, 60)
    bench.verify(before + after + late, collector)
    finish(bench, simulator, service, "queue deleted, amqp.declare: false", late)
    with bench.broker.channel() as channel:
        channel.queue_delete("llm.requests.deferred")


def exchange_deleted(bench, simulator):
    """Replies wait; none is given up. Whoever bound a queue to the exchange must bind it again."""
    service = bench.service(simulator, name="exchange")
    collector = bench.collector("integration.exchange")
    wanted = jobs(200, "exchange")
    with bench.broker.channel() as channel:
        channel.exchange_delete("llm.results")
    bench.publishing([each.message() for each in wanted]).wait()
    wait_until("the service to declare llm.results again", lambda: bench.broker.has_exchange("llm.results"), 20)
    rebind(collector)
    wait_until("all replies", lambda: collector.count + bench.broker.depth("llm.results.unclaimed") >= 200, 60)
    take_unclaimed(bench, collector)
    bench.verify(wanted, collector)
    finish(bench, simulator, service, "results exchange deleted", wanted)

    service = bench.service(simulator, name="exchange-kept", amqp={"declare": False})
    more = jobs(200, "exchange2")
    with bench.broker.channel() as channel:
        channel.exchange_delete("llm.results")
    bench.publishing([each.message() for each in more]).wait()
    line = service.wait_unready("exchange.llm.results", "no exchange")
    bench.say(f"/readyz: {line}")
    wait_until("all calls", lambda: paid_of(simulator, more) == 200, 60)
    closes = service.log_text().count("closed the publishing channel")
    time.sleep(3)  # No synchronisation: the rate is measured.
    rate = (service.log_text().count("closed the publishing channel") - closes) / 3
    check(rate < 10, f"{rate:.1f} channels a second are closed for the missing exchange")
    bench.say(f"{rate:.1f} channels a second closed meanwhile")
    rebind(collector)
    service.wait_ready()
    wait_until("all replies", lambda: collector.count == 400, 60)
    bench.verify(wanted + more, collector)
    finish(bench, simulator, service, "results exchange deleted, amqp.declare: false", more)


def memory_alarm(bench, simulator):
    """Published before: all is taken and paid during the alarm, acked where the ledger has it, and answered after it."""
    service = bench.service(simulator, name="alarm")
    collector = bench.collector("integration.alarm")
    service.process.terminate()
    wanted = jobs(600, "alarm")
    bench.publishing([each.message() for each in wanted]).wait()
    with bench.broker.alarm():
        # It must come up during an alarm, too.
        service.start(wait=False)
        line = service.wait_unready("publish", "blocked")
        bench.say(f"/readyz: {line}")
        wait_until("all to be paid during the alarm", lambda: paid_of(simulator, wanted) == 600, 60)
        wait_until("the deferred queue to be acked during the alarm",
                   lambda: bench.broker.depth("llm.requests.deferred") == 0, 20)
        equal("replies during the alarm", collector.count, 0)
        bench.say("all 600 are paid, none is answered")
    service.wait_ready()
    collector.wait_for(600, 60)
    bench.verify(wanted, collector)
    equal("copies of replies", collector.copies, 0)
    finish(bench, simulator, service, "memory alarm", wanted)


def permissions(bench, simulator):
    """The user loses the right to write to the results exchange, and then to read from the queues."""
    bench.broker.add_user("shrinking", "secret")
    url = bench.broker.url.replace("guest:guest", "shrinking:secret")
    service = bench.service(simulator, name="permissions", amqp={"url": url})
    collector = bench.collector("integration.permissions")
    first = jobs(100, "permitted")
    bench.broker.ctl("set_permissions", "-p", "/", "shrinking", ".*", "llm.dead-letters", ".*")
    bench.broker.ctl("close_all_connections", "permissions change")
    bench.publishing([each.message() for each in first]).wait()
    line = service.wait_unready("exchange.llm.results", "access to exchange")
    bench.say(f"/readyz: {line}")
    bench.broker.ctl("set_permissions", "-p", "/", "shrinking", ".*", ".*", "llm.results")
    bench.broker.ctl("close_all_connections", "permissions change")
    line = service.wait_unready("cannot consume the queue", "refused")
    bench.say(f"/readyz: {line}")
    second = jobs(100, "permitted2")
    bench.publishing([each.message() for each in second]).wait()
    tries = service.log_text().count("the consumer lost its broker")
    time.sleep(4)  # No synchronisation: the rate is measured.
    rate = (service.log_text().count("the consumer lost its broker") - tries) / 4
    check(rate <= 2, f"{rate:.1f} connections a second are made for want of a permission")
    bench.broker.ctl("set_permissions", "-p", "/", "shrinking", ".*", ".*", ".*")
    service.wait_ready()
    collector.wait_for(200, 60)
    bench.verify(first + second, collector)
    finish(bench, simulator, service, "permissions gone and back", first + second)


def undeliverable_poison(bench, simulator):
    """Poison that nobody can be given stays with the broker, and is not delivered in a loop."""
    service = bench.service(simulator, name="poison", amqp={"poison": "publish"})
    collector = bench.collector("integration.poison")
    with bench.broker.channel() as channel:
        channel.queue_unbind("llm.dead-letters", "llm.dead-letters", routing_key="")
        service.config["amqp"]["declare"] = False
    service.process.terminate()
    service.start()
    with bench.broker.channel() as channel:
        channel.confirm_delivery()
        for number in range(20):
            channel.basic_publish("llm.requests", "interactive.x", b"no json %d" % number)
    line = service.wait_unready("dead letters wait")
    bench.say(f"/readyz: {line}")
    collector.wait_for(20, 30)
    before = service.metric("deliveries")
    time.sleep(3)  # No synchronisation: the rate is measured.
    rate = (service.metric("deliveries") - before) / 3
    equal("deliveries a second of poison that waits", rate, 0)
    with bench.broker.channel() as channel:
        channel.queue_bind("llm.dead-letters", "llm.dead-letters", routing_key="")
    service.wait_ready()
    wait_until("the dead letters", lambda: bench.broker.depth("llm.dead-letters") == 20, 20)
    finish(bench, simulator, service, "no queue for dead letters", [])
    bench.broker.drain("llm.dead-letters")


def delivery_limit(bench, simulator):
    """A message that is delivered too often is answered once, one delivery before the broker would drop it."""
    bench.broker.clear()
    service = bench.service(simulator, name="limit", amqp={"delivery_limit": 6})
    collector = bench.collector("integration.limit")
    service.process.terminate()
    wanted = [job(number, "deferred", "limit") for number in range(3)]
    bench.publishing([each.message() for each in wanted]).wait()
    with bench.broker.channel() as channel:
        for _ in range(5):
            tags = [channel.basic_get("llm.requests.deferred")[0].delivery_tag for _ in wanted]
            for tag in tags:
                channel.basic_nack(tag, requeue=True)
            wait_until("them to be back", lambda: bench.broker.depth("llm.requests.deferred") == 3, 10)
    service.start()
    collector.wait_for(3, 30)
    for each in wanted:
        equal("the error code", collector.reply_to(each.correlation_id).error_code, "delivery_limit")
    wait_until("the dead letters", lambda: bench.broker.depth("llm.dead-letters") == 3, 20)
    equal("deliveries", service.metric("deliveries"), 3)
    equal("payments", paid_of(simulator, wanted), 0)
    finish(bench, simulator, service, "delivery limit", [])
    bench.broker.clear()


def consumer_timeout(bench):
    """Calls take longer than the broker lets a delivery be unacked: it closes the channel and delivers again, and the
    redelivery attaches to the call in flight."""
    with bench.broker.consumer_timeout(2000):
        simulator = bench.simulator("slow", latency_ms=9000)
        service = bench.service(simulator, name="timeout", execution={"interactive_hold_ms": 60000})
        collector = bench.collector("integration.timeout")
        wanted = [job(number, "interactive", "timeout") for number in range(48)]
        bench.publishing([each.message() for each in wanted]).wait()
        line = service.wait_unready("interactive", "timed out")
        bench.say(f"/readyz: {line}")
        collector.wait_for(48, 60)
        bench.verify(wanted, collector)
        wait_until("all to be acked", lambda: bench.broker.depth("llm.requests.interactive") == 0, 20)
        deliveries = service.metric("deliveries")
        bench.say(f"48 calls of 9 s: {deliveries:.0f} deliveries")
        check(48 < deliveries <= 48 * 8, f"{deliveries} deliveries of 48 messages in about 10 s")
        service.wait_ready()
        finish(bench, simulator, service, "consumer timeout", wanted)


def finish(bench, simulator, service, what, wanted):
    twice = {key: times for key, times in simulator.payments().items() if times > 1}
    check(not twice, f"{what}: paid more than once: {list(twice)[:5]}")
    if wanted:
        equal(f"{what}: requests paid for", paid_of(simulator, wanted), len(wanted))
    equal(f"{what}: replies given up", service.metric("replies", outcome="undeliverable"), 0)
    status, _ = service.process.terminate()
    equal(f"{what}: the exit status", status, 0)
    bench.say(f"held: {what}")


def paid_of(simulator, wanted):
    payments = simulator.payments()
    return sum(payments[each.key] for each in wanted)


def consumed(bench, queue):
    try:
        return bench.broker.consumers(queue) > 0
    except Exception:  # noqa: BLE001: it is not there yet
        return False


def rebind(collector):
    collector.declare(collector.broker.connect()).close()


def take_unclaimed(bench, collector):
    """Replies that came while no queue was bound to the new exchange."""
    for properties, body in bench.broker.drain("llm.results.unclaimed"):
        collector.note(Reply(properties, json.loads(body), properties.correlation_id))
