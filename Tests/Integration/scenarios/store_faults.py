"""The ledger's disk is full, its file is locked or made read-only: custody stays where it is, and all goes on after.

Run as root: a small file system is mounted for it. MILLRACE_LOCK_SECONDS says how long the file is locked.
"""
import os
import sqlite3
import subprocess
import time

from harness.checks import check, equal, wait_until
from harness.jobs import job, jobs

LOCK_SECONDS = float(os.environ.get("MILLRACE_LOCK_SECONDS", "12"))


def run(bench):
    simulator = bench.simulator(latency_ms=100, batch_min_ms=500)
    locked(bench, simulator)
    read_only(bench, simulator)
    if os.geteuid() == 0 and can_mount(bench):
        full(bench, simulator)
        read_only_at_start(bench, simulator)
    else:
        bench.say("SKIPPED disk full: a file system can only be mounted by root")


def locked(bench, simulator):
    service = bench.service(simulator, name="locked")
    collector = bench.collector("integration.locked")
    wanted = jobs(200, "locked")
    publishing = bench.publishing([each.message() for each in wanted[:100]])
    wait_until("the first replies", lambda: collector.count > 5, 30)
    # Shells and backup programs take this lock.
    other = sqlite3.connect(service.folder / "ledger.sqlite", isolation_level=None, timeout=30)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    more = bench.publishing([each.message() for each in wanted[100:]])
    line = service.wait_unready("ledger", "locked by another program")
    bench.say(f"/readyz: {line}")
    # What was in flight may end; after that nothing is sent, however long it takes.
    calls = None
    while time.monotonic() - began < LOCK_SECONDS:
        time.sleep(1)  # No synchronisation: that nothing happens takes time to see.
        paid = len(simulator.paid())
        if time.monotonic() - began > 3:
            calls = paid if calls is None else calls
            equal("payments while the ledger is locked", paid, calls)
    other.execute("ROLLBACK")
    other.close()
    unlocked = time.monotonic()
    service.wait_ready()
    bench.say(f"locked for {unlocked - began:.0f} s; ready {time.monotonic() - unlocked:.1f} s later")
    publishing.wait()
    more.wait()
    collector.wait_for(200, 90)
    finish(bench, simulator, service, collector, wanted, "locked")


def read_only(bench, simulator):
    """Nothing may be written to the file any more, not even through a descriptor that is open."""
    service = bench.service(simulator, name="immutable")
    files = [service.folder / name for name in ("ledger.sqlite", "ledger.sqlite-wal")]
    collector = bench.collector("integration.immutable")
    wanted = jobs(200, "immutable")
    bench.publishing([each.message() for each in wanted[:100]]).wait()
    collector.wait_for(100, 60)
    if subprocess.run(["chattr", "+i", *files], capture_output=True).returncode != 0:
        bench.say("SKIPPED read-only file: chattr +i needs root, and a file system that has it")
        return
    try:
        more = bench.publishing([each.message() for each in wanted[100:]])
        line = service.wait_unready("ledger", "ledger.sqlite")
        bench.say(f"/readyz: {line}")
        more.wait()
        time.sleep(3)  # No synchronisation: that nothing happens takes time to see.
        equal("payments while nothing can be written", len(by_prompt(simulator, wanted)), 100)
    finally:
        subprocess.run(["chattr", "-i", *files], check=True)
    service.wait_ready()
    collector.wait_for(200, 60)
    finish(bench, simulator, service, collector, wanted, "read-only")


def by_prompt(simulator, wanted):
    payments = simulator.payments()
    return [each for each in wanted if payments[each.key]]


def created(simulator):
    return simulator.stats()["counters"].get("batches.created", 0)


def full(bench, simulator):
    folder = bench.folder / "full"
    mount(folder, "6m")
    try:
        service = bench.service(simulator, name="full")
        collector = bench.collector("integration.full")
        wanted = [job(number, "interactive" if number % 10 == 0 else "deferred", "full", marker="x" * 6000, kind=0)
                  for number in range(1500)]
        publishing = bench.publishing([each.message() for each in wanted])
        line = service.wait_unready("ledger", "free space on its disk", seconds=60)
        bench.say(f"/readyz: {line}")
        publishing.wait()
        held = service.metric("deliveries_held")
        waiting = sum(bench.broker.depth(f"llm.requests.{lane}") for lane in ("interactive", "deferred"))
        bench.say(f"{collector.count} of {len(wanted)} answered, {waiting} wait in the queues, {held:.0f} held unacked")
        # Batches that were planned before may be created and run meanwhile.
        calls = [each for each in wanted if each.lane == "interactive"]
        paid, batches = len(by_prompt(simulator, calls)), created(simulator)
        time.sleep(4)  # No synchronisation: that nothing happens takes time to see.
        check(service.process.running, "a full disk ended the service")
        paid, batches = len(by_prompt(simulator, calls)) - paid, created(simulator) - batches
        check(paid <= 1, f"{paid} calls with a full disk")
        check(batches <= 2, f"{batches} batches made with a full disk")
        subprocess.run(["mount", "-o", "remount,size=256m", folder], check=True)
        roomy = time.monotonic()
        service.wait_ready()
        bench.say(f"ready {time.monotonic() - roomy:.1f} s after the disk had room")
        collector.wait_for(len(wanted), 120, bench.say)
        finish(bench, simulator, service, collector, wanted, "disk full")
    finally:
        for each in bench.services:
            each.close()
        subprocess.run(["umount", folder], check=False)


def read_only_at_start(bench, simulator):
    """A file that cannot be written to has the start refused in one line; started again when it can, all is there."""
    folder = bench.folder / "readonly"
    mount(folder, "64m")
    try:
        service = bench.service(simulator, name="readonly")
        collector = bench.collector("integration.readonly")
        wanted = jobs(100, "readonly")
        service.process.terminate()
        bench.publishing([each.message() for each in wanted]).wait()
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        status, error = start_refused(service)
        bench.say(f"start on a read-only file system: exit {status}: {error}")
        check(status in (69, 78), f"the start ended with {status}")
        check(len(error.splitlines()) == 1 and "ledger" in error.lower(), f"it says {error!r}")
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        service.start()
        collector.wait_for(100, 60)
        finish(bench, simulator, service, collector, wanted, "read-only at the start")
    finally:
        for each in bench.services:
            each.close()
        subprocess.run(["umount", folder], check=False)


def start_refused(service):
    # The configuration was written before; its folder cannot be written to now.
    status, output, error = service.command(
        "serve", "--config", service.folder / "millrace.yaml", config=False, seconds=30)
    lines = [line for line in (output + error).splitlines() if not line.startswith("{")]
    return status, "\n".join(lines)


def finish(bench, simulator, service, collector, wanted, what):
    bench.verify(wanted, collector)
    payments = simulator.payments()
    twice = [key for key, times in payments.items() if times > 1]
    check(not twice, f"{what}: paid more than once: {twice[:5]}")
    status, _ = service.process.terminate()
    equal(f"{what}: the exit status", status, 0)
    bench.say(f"held: {what}: {len(wanted)} answered, {collector.copies} copies, none paid twice")


def mount(folder, size):
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)


def can_mount(bench):
    try:
        mount(bench.folder / "try", "1m")
    except subprocess.CalledProcessError:
        return False
    subprocess.run(["umount", bench.folder / "try"], check=False)
    return True
