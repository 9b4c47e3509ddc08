"""Kills the service at one step, starts it again, and looks at what came of the load."""
import signal
import subprocess
import time

from harness.checks import Problems, check, equal, wait_until
from harness.jobs import job

from crash.load import Load

# How often the load makes the service pass a failpoint; where it is not known to be often, the first hit is meant.
MOST_HITS = {
    "ledger.commit": 12, "ledger.record": 6, "ledger.delivered": 3, "ledger.plan": 3, "ledger.creating": 3,
    "ledger.submitted": 3, "ledger.settle": 3, "ledger.take_replies": 3, "broker.publish": 6, "broker.confirm": 3,
    "broker.ack": 2, "provider.upload": 3, "provider.create": 3, "provider.poll": 4, "provider.fetch": 3,
    "provider.call": 10}
# Steps that only a recovery takes, and the failpoint that makes one necessary.
AFTER = {
    "provider.find": "provider.create.after", "provider.delete": "provider.create.before",
    "ledger.planned": "provider.create.before"}
# How long after it was accepted a call's answer may need into the ledger, on a busy machine.
SLACK = 2


def names(binary):
    """Every failpoint of the binary."""
    done = subprocess.run([binary, "failpoints"], capture_output=True, text=True, timeout=30)
    check(done.returncode == 0 and done.stdout, f"{binary} has no failpoints; a debug build has")
    return done.stdout.split()


def run(bench, ledger, name):
    """Returns one line about what happened, or fails with what is wrong."""
    step = name.rpartition(".")[0]
    hit = bench.chance(name, ledger).randint(1, MOST_HITS.get(step, 1))
    scenario = f"{ledger} {name}"
    load = Load(f"{ledger[0]}{name}").mixed()
    kills = []
    service = bench.service(ledger, scenario)
    lonely = None
    if step == "ledger.undeliverable":
        lonely = refuse_a_reply(bench, service, load, name)
        kills.append(await_death(service, name, 1))
    else:
        bench.publish(load)
        if step in AFTER:
            kills.append(die(service, AFTER[step], 1))
        kills.append(die(service, name, hit))
    died = time.monotonic()
    # Another replica takes over, or the same comes back.
    service = bench.ledgers[ledger].heir(bench, scenario, service, name)
    service.start(wait=False)
    bench.wait_for(load.names, service, 60)
    recovered = time.monotonic() - died
    # Nothing may be left to do, and then it is still starting, and deaf to signals.
    service.wait_ready()
    status, _ = service.process.terminate()
    equal("the exit status after SIGTERM", status, 0)
    wait_until("the replies to be taken", lambda: not bench.broker.depth(bench.collector.queue), 20)
    problems = Problems()
    problems.found += load.reply_problems(bench.collector)
    paid = bench.simulator.paid()
    problems.found += load.bill_problems(paid, bench.collector, kills, SLACK)
    if lonely:
        problems.found += unclaimed_problems(bench, name, lonely, paid)
    for queue in ("llm.requests.interactive", "llm.requests.deferred"):
        problems.equal(f"messages left in {queue}", bench.broker.depth(queue), 0)
    letters = {properties.correlation_id for properties, _ in bench.broker.drain("llm.dead-letters")}
    problems.note(load.poison <= letters, f"poison that is not in the dead letters: {load.poison - letters}")
    problems.raise_any()
    bench.check_logs()
    repeated = sum(len([entry for entry in paid if entry["prompt_key"] == request.key]) - 1
                   for request in load.jobs.values() if request.lane == "interactive"
                   and bench.collector.replies_to(request.correlation_id)[0].error_code is None)
    return f"hit {hit}, {bench.collector.copies} copies, {repeated} calls repeated, recovered in {recovered:.1f} s"


def die(service, name, hit):
    service.start(wait=False, environment={"MILLRACE_FAILPOINTS": f"{name}=kill@{hit}"})
    return await_death(service, name, hit)


def await_death(service, name, hit, seconds=30):
    """Waits until the service has died of its failpoint; returns when that was."""
    wait_until(f"{name} to be hit {hit} times", lambda: not service.process.running, seconds, pause=0.005)
    now = time.time()
    equal("the status of the service", service.process.child.returncode, -signal.SIGKILL)
    check(f"failpoint {name}: kill at hit {hit}" in service.log_text(), "it was killed, but not by the failpoint")
    return now


def refuse_a_reply(bench, service, load, name):
    """Has a reply that no queue takes, not even the one for unclaimed replies; the next start declares that again."""
    service.start(environment={"MILLRACE_FAILPOINTS": f"{name}=kill@1"})
    bench.delete_queue("llm.results.unclaimed")
    lonely = job(90, "deferred", load.tag, kind=0)
    bench.publisher.publish(lonely.message(reply_to=f"nobody {load.tag}"))
    bench.publish(load)
    return lonely


def unclaimed_problems(bench, name, lonely, paid):
    """The reply that nobody took is given up in the ledger, or, if the kill came before that, kept by the next start."""
    problems = Problems()
    found = {properties.correlation_id for properties, _ in bench.broker.drain("llm.results.unclaimed")}
    wanted = {lonely.correlation_id} if name.endswith(".before") else set()
    problems.equal("unclaimed replies", found, wanted)
    problems.equal(f"payments of {lonely.correlation_id}",
                   len([entry for entry in paid if entry["prompt_key"] == lonely.key]), 1)
    return problems.found
