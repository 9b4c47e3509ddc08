"""Kills or freezes the service at one step, has it or a replica go on, and looks at what came of the load."""
import signal
import subprocess
import time

from harness.checks import Problems, check, equal, wait_until
from harness.jobs import job

from crash.bench import CONCURRENCY
from crash.load import SPARE, Load
from crash.witness import instance_of, instances

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
# Steps that only deadlines make necessary which a batch would miss.
RESCUE = {"ledger.rescue", "ledger.expedite", "provider.cancel"}
# Scenarios that stop the service for longer than its leases last, while a replica takes over, and then let it go on.
FROZEN = "frozen."
# Seconds: another replica must have watched the silence for longer than the lease, and be sure of its own.
STANDSTILL = 10
# Seconds that a call's answer may need into the ledger on a busy machine.
SLACK = 10


def names(binary):
    """Every failpoint of the binary."""
    done = subprocess.run([binary, "failpoints"], capture_output=True, text=True, timeout=30)
    check(done.returncode == 0 and done.stdout, f"{binary} has no failpoints; a debug build has")
    return done.stdout.split()


def run(bench, ledger, scenario):
    """Returns one line about what happened, or fails with what is wrong."""
    frozen = scenario.startswith(FROZEN)
    name = scenario.removeprefix(FROZEN)
    step = name.rpartition(".")[0]
    hit = bench.chance(scenario, ledger).randint(1, MOST_HITS.get(step, 1))
    load = Load(f"{ledger[0]}{scenario}")
    changes = {}
    if step in RESCUE:
        load.urgent()
        bench.simulator.change(batch_tail_ms=600_000, batch_tail_share=1, batch_cancel_ms=200)
        changes["rescue"] = {"assumed_cancel": "2s", "buffer": f"{SPARE - 2000}ms"}
    else:
        load.mixed()
    folder = f"{ledger} {scenario}"
    service = bench.service(ledger, folder, **changes)
    order = f"{name}={'stop' if frozen else 'kill'}@"
    ends, lonely = [], None
    if step == "ledger.undeliverable":
        hit = 1
        lonely = refuse_a_reply(bench, service, load, order + "1")
    else:
        bench.publish(load)
        if step in AFTER:
            arm(service, f"{AFTER[step]}=kill@1")
            ends.append(await_end(service, AFTER[step], 1))
        arm(service, f"{order}{hit}")
    ends.append(await_end(service, name, hit, frozen))
    began = time.monotonic()
    # The same process again, or another replica, whose turn it is when the leases have run out.
    takes_over = frozen or (bench.ledgers[ledger].replicas > 1 and bench.chance("heir", scenario).random() < 0.5)
    heir = bench.service(ledger, folder, " 2", **changes) if takes_over else service
    heir.start(wait=False)
    bench.wait_for(load.names, [heir], 90)
    recovered = time.monotonic() - began
    running = [heir, service] if frozen else [heir]
    # Nothing may be left to do, and then it is still starting, and deaf to signals.
    heir.wait_ready()
    if frozen:
        # How long it stands still is the point: for longer than its lease, and until another has seen that.
        time.sleep(max(0, ends[-1] + STANDSTILL - time.time()))
        thaw(service)
    for each in running:
        equal("the exit status after SIGTERM", each.process.terminate()[0], 0)
    wait_until("the replies to be taken", lambda: not bench.broker.depth(bench.collector.queue), 20)
    survivor = instances(heir.log_text())[-1:]

    def kills_of(entry):
        return [] if [instance_of(entry["agent"])] == survivor else ends

    problems = Problems()
    problems.found += load.reply_problems(bench.collector)
    paid = bench.simulator.paid()
    problems.found += load.bill_problems(paid, bench.collector, None if frozen else kills_of, SLACK)
    if lonely:
        problems.found += unclaimed_problems(bench, name, lonely, paid)
    for queue in ("llm.requests.interactive", "llm.requests.deferred"):
        problems.equal(f"messages left in {queue}", bench.broker.depth(queue), 0)
    letters = {properties.correlation_id for properties, _ in bench.broker.drain("llm.dead-letters")}
    problems.note(load.poison <= letters, f"poison that is not in the dead letters: {load.poison - letters}")
    repeated = load.repeated(paid)
    problems.note(repeated <= CONCURRENCY * len(ends), f"{repeated} calls were repeated")
    problems.raise_any()
    bench.check_logs()
    return (f"hit {hit}, {bench.collector.copies} copies, {repeated} calls repeated, "
            f"{'taken over' if takes_over else 'recovered'} in {recovered:.1f} s")


def arm(service, order):
    service.start(wait=False, environment={"MILLRACE_FAILPOINTS": order})


def await_end(service, name, hit, frozen=False, seconds=30):
    """Waits until the service has died of its failpoint, or stands still at it; returns when that was."""
    def has_ended():
        return not service.process.running or (frozen and service.process.is_stopped)

    wait_until(f"{name} to be hit {hit} times", has_ended, seconds, pause=0.005)
    now = time.time()
    if frozen:
        check(service.process.running, f"it ended with {service.process.child.returncode}")
    else:
        equal("the status of the service", service.process.child.returncode, -signal.SIGKILL)
    check(f"failpoint {name}: {'stop' if frozen else 'kill'} at hit {hit}" in service.log_text(),
          "it ended, but not by the failpoint")
    return now


def thaw(service):
    """Lets a frozen service go on where it stood. It finds its lease gone and starts anew, under another name."""
    before = instances(service.log_text())
    service.process.child.send_signal(signal.SIGCONT)

    def has_begun_anew():
        service.process.need()
        return len(instances(service.log_text())) > len(before)

    wait_until("the frozen service to start anew", has_begun_anew, 60)
    service.wait_ready()


def refuse_a_reply(bench, service, load, order):
    """Has a reply that no queue takes, not even the one for unclaimed replies; the next start declares that again."""
    service.start(environment={"MILLRACE_FAILPOINTS": order})
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
