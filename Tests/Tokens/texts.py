"""The texts that the comparison and the benchmark read: files of this machine, the vectors, and made-up ones from a seed."""
import json
import pathlib
import random
import struct
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "Tests" / "TokenizerTests" / "Vectors" / "token-vectors.jsonl"
PROBE = "TokenProbe"

# First and last code points of scripts, so that every class of characters stands next to every other.
SCRIPTS = [
    (0x20, 0x7e), (0xa0, 0xff), (0x100, 0x17f), (0x180, 0x24f), (0x250, 0x2ff), (0x300, 0x36f), (0x370, 0x3ff),
    (0x400, 0x4ff), (0x530, 0x58f), (0x590, 0x5ff), (0x600, 0x6ff), (0x900, 0x97f), (0xe00, 0xe7f), (0x10a0, 0x10ff),
    (0x1100, 0x11ff), (0x1680, 0x169f), (0x1e00, 0x1fff), (0x2000, 0x206f), (0x2100, 0x218f), (0x2460, 0x24ff),
    (0x3000, 0x30ff), (0x4e00, 0x9fff), (0xac00, 0xd7a3), (0xfe00, 0xffef), (0x10000, 0x1034f), (0x1d400, 0x1d7ff),
    (0x1f300, 0x1faff), (0x20000, 0x2a6df), (0xe0100, 0xe01ef), (0x100000, 0x10ffff),
]
CASES = "aAbB\u01c5\u02b0\u00aa\u0301\u0e40\u00df\u1e9e\u017f'sStTlLvVeErRdDmM \u00a0\t\r\n/0\u00b2\u0663!?.\u200d\u4e2d"
WORDS = "I'm you'LL we've THEY'RE it's don't iPhone McDonald HTTPServer getURL 3.14 1234567 \u00e9t\u00e9 na\u00efve // \r\n \n\n  \t ".split(" ")


def vectors():
    return [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]


def of_files(limit, sizes):
    """Pieces of documents and of source code that are UTF-8, cut at any byte that starts a character."""
    total, sizes = 0, list(sizes)
    rng = random.Random(3)
    names = subprocess.run(
        ["find", "/usr/share", "/usr/include", "/usr/lib/python3", str(ROOT / "Sources"), "-type", "f", "-size", "+2k",
         "-size", "-2000k"],
        capture_output=True, text=True).stdout.split("\n")
    names = sorted(filter(None, names))
    rng.shuffle(names)
    for name in names:
        try:
            text = pathlib.Path(name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue
        start = 0
        while start < len(text):
            piece = text[start:start + rng.choice(sizes)]
            start += len(piece)
            total += len(piece.encode())
            yield piece
            if total >= limit:
                return


def made_up(limit, seed):
    """Characters of all scripts, runs of them, mixed case and contractions, white space of all kinds."""
    rng = random.Random(seed)
    total = 0
    while total < limit:
        parts = []
        for _ in range(rng.randrange(1, 60)):
            kind = rng.randrange(7)
            if kind == 0:
                first, last = rng.choice(SCRIPTS)
                parts += [chr(rng.randint(first, last)) for _ in range(rng.randrange(1, 12))]
            elif kind == 1:
                parts += rng.choices(CASES, k=rng.randrange(1, 12))
            elif kind == 2:
                parts.append(rng.choice(WORDS))
            elif kind == 3:
                parts.append(rng.choice(" \t\n\r\u00a0\u2003\u3000\u0085/") * rng.randrange(1, 20))
            elif kind == 4:
                parts.append(rng.choice(CASES) * rng.randrange(1, 300 if rng.random() < 0.03 else 9))
            elif kind == 5:
                parts += [chr(rng.choice([rng.randrange(0xd800), rng.randrange(0xe000, 0x110000)])) for _ in range(rng.randrange(1, 5))]
            else:
                parts.append("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randrange(1, 40))))
        text = "".join(parts)
        total += len(text.encode())
        yield text


def random_bytes(limit, seed):
    """Bytes of which most are no UTF-8, and some that nearly are."""
    rng = random.Random(seed)
    total = 0
    while total < limit:
        data = rng.randbytes(rng.choice([7, 60, 1000, 20000]))
        if rng.random() < 0.5:
            text = "".join(chr(rng.randint(*rng.choice(SCRIPTS))) for _ in range(len(data) // 4))
            data = bytearray(text.encode())
            for _ in range(len(data) // 8 + 1):
                data[rng.randrange(len(data))] = rng.choice([rng.randrange(256), 0x20, 0xbf, 0xef, 0xf4])
            data = bytes(data)
        total += len(data)
        yield data


def write_frames(path, texts):
    with open(path, "wb") as file:
        for text in texts:
            data = text if isinstance(text, bytes) else text.encode()
            file.write(struct.pack("<I", len(data)))
            file.write(data)
