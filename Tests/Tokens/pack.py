#!/usr/bin/env python3
"""Packs tiktoken's rank files and its character classes into the files that Sources/CTokenData embeds.

    python3 -m venv venv && venv/bin/pip install tiktoken==0.14.0
    venv/bin/python Tests/Tokens/pack.py cl100k_base.tiktoken o200k_base.tiktoken

The rank files are the ones that OpenAI publishes with tiktoken (MIT); their hashes are checked. Every number is little-endian.

A vocabulary file, tokens in the order of their bytes:
    u32 tokens, u32 bytes that the tokens add to the one before
    u8[tokens]   bytes shared with the token before
    u8[tokens]   length in bytes
    u8[tokens]   length of the left of the two tokens that merge into this one; 0 for single bytes
    u24[tokens]  rank
    u8[]         what each token adds

The class file: u32 ranges, then u24 first code point and u8 class of each; a range ends where the next begins.
Classes are bits: 1 letter, 2 number, 4 white space, 8 upper (Lu Lt), 16 lower (Ll), 32 both (Lm Lo M).
"""
import base64
import hashlib
import pathlib
import struct
import sys

import tiktoken

TARGET = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "CTokenData"
HASHES = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}


def ranks(path):
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != HASHES[path.stem]:
        sys.exit(f"{path}: not the file that tiktoken uses")
    pairs = (line.split() for line in data.splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in pairs}


def last_merge(table, token):
    """The two parts that byte-pair encoding has left before it makes the token, from merges of lower rank only."""
    limit = table[token]
    parts = [token[i:i + 1] for i in range(len(token))]
    while len(parts) > 2:
        best, at = limit, None
        for i in range(len(parts) - 1):
            rank = table.get(parts[i] + parts[i + 1], limit)
            if rank < best:
                best, at = rank, i
        if at is None:
            sys.exit(f"{token!r} is not what its own bytes are encoded to: the encoder would be wrong")
        parts[at:at + 2] = [parts[at] + parts[at + 1]]
    return len(parts[0])


def u24(value):
    return value.to_bytes(3, "little")


def pack(path):
    table = ranks(path)
    tokens = sorted(table)
    assert sorted(table.values()) == list(range(len(table)))
    shared, before = [], b""
    for token in tokens:
        count = 0
        while count < min(len(before), len(token)) and before[count] == token[count]:
            count += 1
        shared.append(count)
        before = token
    added = b"".join(token[count:] for token, count in zip(tokens, shared))
    out = struct.pack("<II", len(tokens), len(added))
    out += bytes(shared) + bytes(map(len, tokens))
    out += bytes(0 if len(token) == 1 else last_merge(table, token) for token in tokens)
    out += b"".join(u24(table[token]) for token in tokens) + added
    (TARGET / f"{path.stem}.bin").write_bytes(out)
    print(f"{path.stem}: {len(tokens)} tokens, {len(added)} nodes, longest {max(map(len, tokens))}, {len(out)} bytes")


def members(pattern):
    """The code points that tiktoken's own regular expressions put into a class."""
    engine = tiktoken.Encoding("probe", pat_str=pattern, mergeable_ranks={bytes([i]): i for i in range(256)}, special_tokens={})
    found = set()
    for first in range(0, 0x110000, 0x400):
        text = "".join(chr(c) for c in range(first, first + 0x400) if not 0xD800 <= c < 0xE000)
        found.update(map(ord, engine.decode_bytes(engine.encode_ordinary(text)).decode()))
    return found


def classes():
    bits = {r"\p{L}": 1, r"\p{N}": 2, r"\s": 4, r"[\p{Lu}\p{Lt}]": 8, r"\p{Ll}": 16, r"[\p{Lm}\p{Lo}\p{M}]": 32}
    table = [0] * 0x110000
    for pattern, bit in bits.items():
        for point in members(pattern):
            table[point] |= bit
    out, before = [], None
    for point, value in enumerate(table):
        if value != before:
            out.append(u24(point) + bytes([value]))
            before = value
    (TARGET / "classes.bin").write_bytes(struct.pack("<I", len(out)) + b"".join(out))
    print(f"classes: {len(out)} ranges")
    # Which letters count as those of an English contraction, whatever their case.
    for letter in "sdmtlver":
        print(letter, sorted(hex(p) for p in members(f"(?i:{letter})")))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        pack(pathlib.Path(name))
    classes()
