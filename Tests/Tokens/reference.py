"""tiktoken's encodings from the ranks that the product carries, so that nothing has to be fetched for them."""
import pathlib
import struct

import tiktoken
import tiktoken_ext.openai_public as public

DATA = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "CTokenData"
NAMES = ["cl100k_base", "o200k_base"]


def ranks(name):
    data = (DATA / f"{name}.bin").read_bytes()
    count, _ = struct.unpack_from("<II", data)
    shared, lengths = data[8:8 + count], data[8 + count:8 + 2 * count]
    at, next_byte, token, table = 8 + 3 * count, 8 + 6 * count, b"", {}
    for index in range(count):
        add = lengths[index] - shared[index]
        token = token[:shared[index]] + data[next_byte:next_byte + add]
        next_byte += add
        table[token] = int.from_bytes(data[at + 3 * index:at + 3 * index + 3], "little")
    return table


def encoding(name):
    """With tiktoken's own pattern."""
    read = public.load_tiktoken_bpe
    public.load_tiktoken_bpe = lambda *_, **__: ranks(name)
    try:
        return tiktoken.Encoding(**getattr(public, name)())
    finally:
        public.load_tiktoken_bpe = read
