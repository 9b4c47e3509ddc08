"""Runs crash scenarios, two at a time, and compares with what is known of them. Started by the script `run`."""
import argparse
import pathlib
import queue
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback

from harness.broker import Broker
from harness.checks import Failed

from crash import failpoints, kills
from crash.bench import Bench
from crash.ledgers import KINDS
from crash.record import Record

# Failpoints for each ledger.
SHORT = 16
# The scenarios of chance, by their lane.
KILLS = {"kills.deferred": "deferred", "kills.interactive": "interactive"}


def arguments():
    parser = argparse.ArgumentParser(prog="run", description="Crash tests of Millrace.")
    parser.add_argument("--root", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--bin", type=pathlib.Path, help="folder with debug builds of millrace and provider-simulator")
    parser.add_argument("--ledger", choices=sorted(KINDS), action="append", help="only this kind of ledger")
    parser.add_argument("--short", action="store_true", help="only a few of the failpoints, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1, help="what chance begins with (default: 1)")
    parser.add_argument("--slots", type=int, default=2, help="scenarios at a time (default: 2)")
    parser.add_argument("--requests", type=int, help="of a scenario of chance (default: 10000, --short: 1000)")
    parser.add_argument("--kills", type=int, help="of a scenario of chance (default: 50, --short: 10)")
    parser.add_argument("--record", action="store_true", help="write what held and what broke into scenarios.txt")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs in any case")
    parser.add_argument("--list", action="store_true", help="say which scenarios there are")
    parser.add_argument("names", nargs="*", metavar="SCENARIO")
    options = parser.parse_intermixed_args()
    options.bin = (options.bin or options.root / ".build" / "debug").resolve()
    for program in ("millrace", "provider-simulator"):
        if not (options.bin / program).exists():
            parser.error(f"{options.bin / program} does not exist; build it (swift build --product {program})")
    options.points = failpoints.names(options.bin / "millrace")
    for name in options.names:
        if name not in all_names(options):
            parser.error(f"no scenario is named {name}; --list says which there are")
    options.requests = options.requests or (1000 if options.short else 10_000)
    options.kills = options.kills or (10 if options.short else 50)
    return options


def all_names(options, ledger=None):
    """The scenarios of a ledger, or of any."""
    frozen = [failpoints.FROZEN + name for name in options.points if ledger is None or KINDS[ledger].replicas > 1]
    return [*options.points, *frozen, *KILLS]


def choose(options, scenarios):
    """What of all scenarios is to be run."""
    wanted = [each for each in scenarios if each[1] in (options.ledger or KINDS)]
    if options.names:
        return [each for each in wanted if each[0] in options.names]
    if options.short:
        points = [each for each in wanted if each[0] not in KILLS]
        drawn = set(random.Random(options.seed).sample(points, min(SHORT * len(options.ledger or KINDS), len(points))))
        return [each for each in wanted if each in drawn or each[0] in KILLS]
    return wanted


def main():
    options = arguments()
    scenarios = [(name, ledger) for ledger in KINDS for name in all_names(options, ledger)]
    if options.list:
        for each in scenarios:
            print(*each)
        return 0
    record = Record(pathlib.Path(__file__).parent / "scenarios.txt")
    complaints = [] if options.record else record.completeness_problems(scenarios, options.ledger or KINDS)
    for line in complaints:
        print(f"FAIL  {line}", flush=True)

    def stop(_signal, _frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    (options.root / ".millrace").mkdir(exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="crash run ", dir=options.root / ".millrace"))
    run = Run(options, folder, record)
    try:
        chosen = choose(options, scenarios)
        run.start()
        run.all(chosen)
        complaints += [f"{' '.join(each)} did not run" for each in chosen if each not in run.results]
    except KeyboardInterrupt:
        complaints.append("interrupted")
        print("interrupted", flush=True)
    except Failed as error:
        complaints.append(str(error))
        print(f"FAIL  {error}", flush=True)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        run.close()
    if options.record and not complaints:
        record.write(run.results, scenarios)
        failed = 0
    else:
        failed = len(complaints) + run.surprises
    if options.keep or not all(run.results.values()) or failed:
        print(f"==> logs are in {folder}", flush=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    held = sum(run.results.values())
    print(f"{held} held, {len(run.results) - held} broken, {failed} otherwise than recorded "
          f"({time.monotonic() - run.began:.0f} s, seed {options.seed})", flush=True)
    return 1 if failed else 0


class Run:
    """One run of the runner: the broker, and as many benches as scenarios run at a time."""

    def __init__(self, options, folder, record):
        self.options = options
        self.folder = folder
        self.record = record
        self.broker = Broker(options.root / "Deploy" / "lib" / "broker.sh", folder / "broker")
        self.ledgers = {name: kind(options.root, folder) for name, kind in KINDS.items()
                        if name in (options.ledger or KINDS)}
        self.benches = []
        self.number = 0
        self.results = {}
        self.surprises = 0
        self.began = time.monotonic()
        self.lock = threading.Lock()

    def start(self):
        print(f"==> starting a broker on loopback, and what {' and '.join(self.ledgers)} needs", flush=True)
        self.broker.start()
        for ledger in self.ledgers.values():
            ledger.start()

    def all(self, scenarios):
        waiting = queue.SimpleQueue()
        for each in scenarios:
            waiting.put(each)
        threads = [threading.Thread(target=self.work, args=(number + 1, waiting), daemon=True)
                   for number in range(min(self.options.slots, len(scenarios)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            # In steps, so that a signal is heard.
            while thread.is_alive():
                thread.join(0.5)

    def work(self, slot, waiting):
        bench = None
        while True:
            try:
                name, ledger = waiting.get_nowait()
            except queue.Empty:
                return
            began = time.monotonic()
            problem = text = None
            try:
                bench = bench or self.bench(slot)
                bench.prepare(ledger)
                text = self.scenario(bench, ledger, name)
            except Failed as error:
                problem = str(error)
            except Exception:  # noqa: BLE001: whatever is wrong with a scenario must not keep the others from running
                problem = traceback.format_exc()
            try:
                if bench:
                    bench.forget()
            except Exception:  # noqa: BLE001: the same; what the bench consists of is broken
                print(f"       slot {slot} begins anew: {traceback.format_exc()}", flush=True)
                bench = None
            self.note((name, ledger), problem, text, time.monotonic() - began)

    def bench(self, slot):
        with self.lock:
            self.number += 1
            bench = Bench(f"slot {slot} {self.number}", self.folder, self.options.bin, self.broker, self.ledgers,
                          self.options.seed)
            self.benches.append(bench)
            return bench

    def scenario(self, bench, ledger, name):
        if name not in KILLS:
            return failpoints.run(bench, ledger, name)
        return kills.run(bench, ledger, KILLS[name], self.options.requests, self.options.kills,
                         lambda text: print(f"       {name} {ledger}: {text}", flush=True))

    def note(self, scenario, problem, text, seconds):
        with self.lock:
            self.results[scenario] = problem is None
            verdict = None if self.options.record else self.record.verdict(scenario, problem is None)
            if verdict:
                self.surprises += 1
            state = "held  " if problem is None else "BROKEN"
            print(f"{state} {' '.join(scenario)} ({seconds:.1f} s): {text or problem}"
                  + (f"\n       {verdict}" if verdict else ""), flush=True)

    def close(self):
        for bench in self.benches:
            bench.close()
        for ledger in self.ledgers.values():
            ledger.stop()
        self.broker.stop()


if __name__ == "__main__":
    sys.exit(main())
