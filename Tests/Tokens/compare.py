import itertools
import os
import struct
import subprocess
import sys
import tempfile

import reference
import texts


def frames(path):
    with open(path, "rb") as file:
        while head := file.read(4):
            data = file.read(struct.unpack("<I", head)[0])
            yield struct.unpack(f"<{len(data) // 4}I", data)


def decoded(text):
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def check(probe, name, folder, batch):
    source, result = os.path.join(folder, "texts"), os.path.join(folder, "ids")
    texts.write_frames(source, batch)
    with open(result, "wb") as output:
        subprocess.run([probe, "ids", name, source], stdout=output, check=True)
    expected = reference_encodings[name].encode_ordinary_batch([decoded(text) for text in batch], num_threads=2)
    wrong = 0
    for text, ours, theirs in itertools.zip_longest(batch, frames(result), expected):
        if ours is None or list(ours) != theirs:
            wrong += 1
            if wrong <= 3:
                print(f"{name}: {text[:200]!r}\n  expected {theirs[:40]}\n  got      {(ours or [])[:40]}")
    return wrong


probe, megabytes = sys.argv[1], float(sys.argv[2])
reference_encodings = {name: reference.encoding(name) for name in reference.NAMES}
vectors = texts.vectors()
for name in reference.NAMES:
    theirs = [reference_encodings[name].encode_ordinary(vector["text"]) for vector in vectors]
    stale = sum(v[name] != (t if isinstance(v[name], list) else len(t)) for v, t in zip(vectors, theirs))
    if stale:
        sys.exit(f"{name}: {stale} vectors are not what this tiktoken says")

limit = int(megabytes * 1e6)
files = list(texts.of_files(limit * 6 // 10, [100, 2000, 30000]))
of_files = sum(len(text.encode()) for text in files)
made_up = list(texts.made_up(limit - of_files, seed=11))
noise = list(texts.random_bytes(limit // 10, seed=12))
everything = [v["text"] for v in vectors] + files + made_up + noise
size = sum(len(text if isinstance(text, bytes) else text.encode()) for text in everything)
wrong = 0
with tempfile.TemporaryDirectory() as folder:
    for name in reference.NAMES:
        bad = sum(check(probe, name, folder, everything[i:i + 20000]) for i in range(0, len(everything), 20000))
        print(f"{name}: {len(everything)} texts, {size / 1e6:.1f} MB ({of_files / 1e6:.0f} of files, {limit / 1e7:.0f} of random bytes): {bad} differences")
        wrong += bad
sys.exit(1 if wrong else 0)
