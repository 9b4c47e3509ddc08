import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import reference
import texts


def english():
    """2 KB pieces of the prose that every installation has: licences and documentation."""
    found = [t for t in texts.of_files(40_000_000, [2000]) if len(t) == 2000 and t.isascii() and prose(t)]
    return found[:250]


def prose(text):
    letters = sum(c.islower() or c == " " for c in text)
    return letters > 0.88 * len(text) and " the " in text and text.count("  ") < 40


def hostile():
    rng = random.Random(5)
    emoji = "\U0001f600\U0001f469\u200d\U0001f680\U0001f44d\U0001f3fd\u2764\ufe0f\U0001f1e9\U0001f1ea"
    return {
        "one letter": b"a" * 1_000_000,
        "letters": bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz", k=1_000_000)),
        "spaces": b" " * 1_000_000,
        "line breaks": b"\n" * 1_000_000,
        "one emoji": ("\U0001f600" * 250_000).encode(),
        "emoji": "".join(rng.choices(emoji, k=270_000)).encode(),
        "random bytes": rng.randbytes(1_000_000),
        "symbols": bytes(rng.choices(b"!#$%&()*+,-./:;<=>?@[]^_{|}~", k=1_000_000)),
        "zeros": bytes(1_000_000),
    }


def ours(path, name):
    out = subprocess.run([probe, "time", name, str(seconds), path], capture_output=True, text=True, check=True).stdout
    to_ids, to_count, tokens = map(int, out.split())
    return to_ids / 1e9, to_count / 1e9, tokens


def theirs(name, batch):
    encode, best, stop = encodings[name].encode_ordinary, float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < stop:
        start = time.perf_counter()
        for text in batch:
            encode(text)
        best = min(best, time.perf_counter() - start)
    return best


probe, seconds = sys.argv[1], float(sys.argv[2])
encodings = {name: reference.encoding(name) for name in reference.NAMES}
corpora = {"English, 2 KB": english(), "vectors": [v["text"] for v in texts.vectors()]}
normal, failed = {}, []
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "texts")
    for name in reference.NAMES:
        out = subprocess.run([probe, "load", name], capture_output=True, text=True, check=True).stdout.split()
        print(f"{name}: tables made in {float(out[0]):.1f} ms, {int(out[1]) / 1e6:.1f} MB resident")
        for corpus, batch in corpora.items():
            texts.write_frames(path, batch)
            size = sum(len(t.encode()) for t in batch)
            ratios, counts, speeds = [], [], []
            for _ in range(3):
                reference_time = theirs(name, batch)
                to_ids, to_count, _ = ours(path, name)
                ratios.append(reference_time / to_ids)
                counts.append(reference_time / to_count)
                speeds.append((size / reference_time / 1e6, size / to_ids / 1e6, size / to_count / 1e6))
            speed = [statistics.median(s) for s in zip(*speeds)]
            wanted = 6 if corpus.startswith("English") else 3
            ratio = statistics.median(ratios)
            print(f"{name}, {corpus} ({len(batch)} texts): tiktoken {speed[0]:.1f} MB/s, ids {speed[1]:.0f} MB/s ({ratio:.1f}x), "
                  f"count {speed[2]:.0f} MB/s ({statistics.median(counts):.1f}x); wanted {wanted}x")
            if corpus.startswith("English"):
                normal[name] = 1e3 / speed[1], 1e3 / speed[2]
            if ratio < wanted:
                failed.append(f"{name}, {corpus}")
        for label, text in hostile().items():
            texts.write_frames(path, [text])
            to_ids, to_count, tokens = ours(path, name)
            per_byte = to_ids * 1e9 / len(text), to_count * 1e9 / len(text)
            times = per_byte[0] / normal[name][0], per_byte[1] / normal[name][1]
            print(f"{name}, 1 MB of {label}: {per_byte[0]:.1f} ns a byte to ids ({times[0]:.1f} x English), "
                  f"{per_byte[1]:.1f} to count ({times[1]:.1f} x), {tokens} tokens")
            if max(times) > 3:
                failed.append(f"{name}, {label}")
if failed:
    sys.exit("outside the bounds: " + "; ".join(failed))
