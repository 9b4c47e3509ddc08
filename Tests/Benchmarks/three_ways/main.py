"""Runs the ways one after the other on one simulator, each with a key of its own. Started by the script `ways`."""
import argparse
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

# Behind the harness of the integration tests, which is not this folder's.
sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))

from harness.bench import Bench  # noqa: E402
from harness.broker import Broker  # noqa: E402
from harness.checks import Failed  # noqa: E402
from three_ways.account import SIMULATOR, requests  # noqa: E402
from three_ways.client import sequential  # noqa: E402
from three_ways.lanes import through_millrace  # noqa: E402
from three_ways.report import markdown, measured  # noqa: E402

FEW, MANY = 32, 600
# Name in the table, lane of its requests, workers without Millrace.
WAYS = {
    "sequential": (f"sequential, {FEW} workers", "interactive", FEW),
    "crowd": (f"the same, {MANY:,} workers", "interactive", MANY),
    "batch": ("native batch, by Millrace", "deferred", None),
    "dynamic": ("dynamic batching, by Millrace", "interactive", None),
}


def way_names(text):
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in WAYS:
            raise argparse.ArgumentTypeError(f"{name} is no way; there are {', '.join(WAYS)}")
    if not names:
        raise argparse.ArgumentTypeError(f"names no way; there are {', '.join(WAYS)}")
    return names


def request_count(text):
    if not text.isdigit() or not 100 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 100 to 1000000")
    return int(text)


def arguments():
    parser = argparse.ArgumentParser(
        prog="ways", description="The same requests, three ways, to one simulated account.")
    parser.add_argument("--root", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=request_count, default=10_000, metavar="N", help="requests of each way (10000)")
    parser.add_argument("--only", type=way_names, default=list(WAYS), metavar="WAY,...", help=", ".join(WAYS))
    parser.add_argument("--json", metavar="FILE", help="also write every figure to FILE")
    parser.add_argument("--bin", type=pathlib.Path, help="folder with millrace and provider-simulator, instead of building")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs and ledgers")
    return parser.parse_args()


def built(options):
    """The folder of the release programs."""
    if options.bin:
        return options.bin.resolve()
    for product in ("millrace", "provider-simulator"):
        print(f"building {product} (release) ...", file=sys.stderr, flush=True)
        done = subprocess.run(
            ["swift", "build", "-c", "release", "--product", product], cwd=options.root, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"swift build of {product} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    shown = subprocess.run(["swift", "build", "-c", "release", "--show-bin-path"], cwd=options.root, capture_output=True,
                           text=True, check=True)
    return pathlib.Path(shown.stdout.strip())


def compare(bench, options):
    simulator = bench.simulator(**SIMULATOR)
    found = []
    for name in options.only:
        title, lane, workers = WAYS[name]
        key = f"sk-ways-{name}-0123456789"
        jobs = requests(options.count, lane, name)
        print(f"{title}: {len(jobs)} requests ...", file=sys.stderr, flush=True)
        if workers:
            waits = sequential(jobs, simulator, key, workers)
        else:
            waits = through_millrace(bench, jobs, simulator, key, lane)
        found.append(measured(title, jobs, waits, simulator, key))
    bench.check_services()
    return found


def main():
    options = arguments()

    def stop(_signal, _frame):
        raise KeyboardInterrupt

    # Of both, since a shell has what it starts in the background ignore Ctrl-C.
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    # Not under /tmp, which is often memory: ledger and broker have to sync to a disk.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-ways.", dir="/var/tmp"))
    broker = Broker(options.root / "Deploy" / "lib" / "broker.sh", folder / "broker")
    ways, bench = [], None
    try:
        binaries = built(options)
        broker.start()
        bench = Bench("ways", folder / "ways", binaries, broker, None)
        bench.prepare()
        bench.say = lambda text: print(f"  {text}", file=sys.stderr, flush=True)
        ways = compare(bench, options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    except Failed as failure:
        print(f"ways: {failure}", file=sys.stderr)
        options.keep = True
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if bench:
            bench.close()
        broker.stop()
        if options.keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if not ways:
        return 1
    command = "Tests/Benchmarks/ways" + (f" --count {options.count}" if options.count != 10_000 else "") + (
        f" --only {','.join(options.only)}" if options.only != list(WAYS) else "")
    print(markdown(ways, command))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"command": command, "simulator": SIMULATOR, "ways": ways}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
