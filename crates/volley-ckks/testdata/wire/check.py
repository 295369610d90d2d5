#!/usr/bin/env python3
"""Reads the golden files by docs/formats.md alone, with nothing but Python, and decrypts the seeded ciphertext.

    python3 check.py

It finds the primes, the roots of unity and the expansion of seeds by the written rules: that all limbs of what it
decrypts agree on one small polynomial shows that they are right.
"""

import pathlib
import struct

HERE = pathlib.Path(__file__).parent
MASK = 0xFFFFFFFF


def rotate(x, n):
    """To the right."""
    return (x >> n | x << 32 - n) & MASK


# BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs), unkeyed, 32 bytes.
IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8


def compress(chaining, words, counter, length, flags):
    s = chaining + IV[:4] + [counter & MASK, counter >> 32, length, flags]
    words = list(words)

    def mix(a, b, c, d, x, y):
        s[a] = s[a] + s[b] + x & MASK
        s[d] = rotate(s[d] ^ s[a], 16)
        s[c] = s[c] + s[d] & MASK
        s[b] = rotate(s[b] ^ s[c], 12)
        s[a] = s[a] + s[b] + y & MASK
        s[d] = rotate(s[d] ^ s[a], 8)
        s[c] = s[c] + s[d] & MASK
        s[b] = rotate(s[b] ^ s[c], 7)

    for _ in range(7):
        for i in range(4):
            mix(i, 4 + i, 8 + i, 12 + i, words[2 * i], words[2 * i + 1])
        for i in range(4):
            mix(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, words[8 + 2 * i], words[9 + 2 * i])
        words = [words[i] for i in PERMUTATION]
    return [s[i] ^ s[i + 8] for i in range(8)]


def blake3(data):
    def node(data, first_chunk, root):
        if len(data) <= 1024:
            blocks = [data[i : i + 64] for i in range(0, len(data), 64)] or [b""]
            chaining = IV
            for i, block in enumerate(blocks):
                flags = CHUNK_START * (i == 0) | (CHUNK_END | root) * (i == len(blocks) - 1)
                words = struct.unpack("<16I", block.ljust(64, b"\0"))
                chaining = compress(chaining, words, first_chunk, len(block), flags)
            return chaining
        chunks = 1 << ((len(data) - 1) // 1024).bit_length() - 1
        left = node(data[: 1024 * chunks], first_chunk, 0)
        right = node(data[1024 * chunks :], first_chunk + chunks, 0)
        return compress(IV, left + right, 0, 64, PARENT | root)

    return struct.pack("<8I", *node(data, 0, ROOT))


def chacha20_words(seed, nonce):
    """The key stream with a 64-bit counter and a 64-bit nonce, as u64 words."""
    counter = 0
    key = list(struct.unpack("<8I", seed))
    while True:
        start = list(struct.unpack("<4I", b"expand 32-byte k")) + key
        start += [counter & MASK, counter >> 32, nonce & MASK, nonce >> 32]
        s = start[:]

        def quarter(a, b, c, d):
            for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                s[x] = s[x] + s[y] & MASK
                s[z] = rotate(s[z] ^ s[x], 32 - n)

        for _ in range(10):
            for i in range(4):
                quarter(i, 4 + i, 8 + i, 12 + i)
            for i in range(4):
                quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
        yield from struct.unpack("<8Q", struct.pack("<16I", *((x + y) & MASK for x, y in zip(s, start))))
        counter += 1


class Structure:
    """Postcard."""

    def __init__(self, data):
        self.data = data

    def take(self, count):
        taken, self.data = self.data[:count], self.data[count:]
        assert len(taken) == count
        return taken

    def varint(self):
        value = shift = 0
        while True:
            (byte,) = self.take(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def sequence(self):
        return [self.varint() for _ in range(self.varint())]


def read(kind):
    """(id of the parameters, key id, body)"""
    params_id, key_id, _, body = read_extended(kind, kind)
    return params_id, key_id, body


def read_extended(kind, name):
    """(id of the parameters, key id, extension, body) of the file of this name."""
    data = (HERE / f"{name.replace(' ', '-')}.vly").read_bytes()
    assert data[:8] == b"\x89VLY\r\n\x1a\n"
    version, length = struct.unpack("<HH", data[8:12])
    assert version == 1
    assert blake3(data[:-32]) == data[-32:], kind
    header = Structure(data[12 : 12 + length])
    assert header.take(header.varint()).decode() == kind
    params_id = header.take(32)
    key_id = header.take(16) if header.take(1) == b"\1" else None
    extension = header.take(header.varint())
    body = data[12 + length : -32]
    assert header.varint() == len(body) and not header.data
    return params_id, key_id, extension, body


def is_prime(n):
    def probable(base):
        twos, odd = 0, n - 1
        while odd % 2 == 0:
            twos, odd = twos + 1, odd // 2
        x = pow(base, odd, n)
        return x in (1, n - 1) or any(pow(x, 1 << i, n) == n - 1 for i in range(1, twos))

    return all(n == base or (n % base and probable(base)) for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37))


def primes_of(degree, lengths):
    found = {}
    for bits in set(lengths):
        candidates = range(((1 << bits) - 1) // (2 * degree) * (2 * degree) + 1, 1 << bits - 1, -2 * degree)
        found[bits] = (q for q in candidates if q < 1 << bits and is_prime(q))
    return [next(found[bits]) for bits in lengths]


def primitive_root(degree, q):
    odd, twos = q - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    z = next(z for z in range(2, q) if pow(z, (q - 1) // 2, q) == q - 1)
    e = 1 << twos - 1
    for _ in range(degree.bit_length() - 1):
        e = e // 2 + ((1 << twos - 1) if -(-e * odd // (1 << twos)) % 2 else 0)
    root = pow(pow(z, odd, q), e, q)
    assert pow(root, degree, q) == q - 1
    return root


def unpack(data, degree, q):
    bits = q.bit_length()
    length = degree * bits // 8
    number = int.from_bytes(data[:length], "little")
    limb = [number >> j * bits & (1 << bits) - 1 for j in range(degree)]
    assert all(residue < q for residue in limb)
    return limb, data[length:]


def expand(seed, domain, digit, limb, degree, q):
    residues = []
    for word in chacha20_words(seed, domain << 56 | digit << 32 | limb):
        residue = word & (1 << q.bit_length()) - 1
        if residue < q:
            residues.append(residue)
        if len(residues) == degree:
            return residues


def option(structure, read_value):
    return read_value() if structure.take(1) == b"\1" else None


def check_pool(encoded, top_bytes):
    """The ids and hashes of the files of a pool. `encoded` is what the id of its parameters is a hash of, without the
    distribution of the secret. A polynomial at the highest level of keys has `top_bytes`."""
    params_id, _, (owners,), _ = read_extended("parameters", "pooled parameters")
    assert blake3(encoded + struct.pack("<BB", 2, owners)) == params_id

    _, key_id, pool_id, body = read_extended("pool", "pool")
    (length,) = struct.unpack("<I", body[:4])
    structure, keys = Structure(body[4 : 4 + length]), body[4 + length :]
    names = [structure.take(structure.varint()) for _ in range(structure.varint())]
    threshold = option(structure, lambda: structure.take(1)[0])
    seed = structure.take(32)
    relinearization = option(structure, structure.varint)
    galois = [(structure.varint(), structure.varint()) for _ in range(structure.varint())]
    assert not structure.data and len(names) == owners
    assert len(keys) == (0 if threshold is None else 1184 * owners)
    content = b"volley-ckks pool 1" + params_id + bytes([owners])
    content += b"".join(bytes([len(name)]) + name for name in names)
    content += bytes([owners if threshold is None else threshold]) + keys
    content += struct.pack("<HI", 0 if relinearization is None else relinearization + 1, len(galois))
    content += b"".join(struct.pack("<IH", element, level) for element, level in galois)
    assert blake3(content + seed) == pool_id and key_id == pool_id[:16]

    extension, share = read_extended("pool round one share", "pool round one share")[2:]
    member = extension[32]
    assert extension == pool_id + bytes([member])
    second = read("pool round two share")[2]
    galois_share = second[32 + (len(share) - top_bytes) // 2 :]
    digests = b"".join(
        blake3(b"volley-ckks pool share 1" + pool_id + bytes([number, member]) + polynomials)
        for number, polynomials in ((1, share), (2, galois_share))
    )
    assert read("pool commitment")[2] == digests
    sums = read("pool round one sums")[2]
    assert sums[64 * member : 64 * member + 64] == digests
    assert len(sums) == 64 * owners + len(share)
    hash_of_sums = blake3(b"volley-ckks pool sums 1" + pool_id + sums)
    assert second[:32] == hash_of_sums
    assert read("pool owner before round two")[2][32:] == hash_of_sums


def main():
    params_id, _, body = read("parameters")
    (length,) = struct.unpack("<I", body[:4])
    literal = Structure(body[4:])
    assert length == len(literal.data)
    log_n = literal.varint()
    levels = [literal.sequence() for _ in range(literal.varint())]
    p_bits, log_scale = literal.sequence(), literal.varint()
    q_bits = [bits for level in levels for bits in level]
    degree = 1 << log_n
    primes = primes_of(degree, q_bits + p_bits)
    q, p = primes[: len(q_bits)], primes[len(q_bits) :]
    encoded = b"volley-ckks parameters 1" + struct.pack("<II", log_n, len(levels))
    ends = [sum(map(len, levels[: i + 1])) for i in range(len(levels))]
    for part in [q[end - len(level) : end] for level, end in zip(levels, ends)] + [p]:
        encoded += struct.pack(f"<I{len(part)}Q", len(part), *part)
    encoded += struct.pack("<I", log_scale)
    assert blake3(encoded + b"\1") == params_id
    check_pool(encoded, sum(degree * prime.bit_length() // 8 for prime in primes))

    for kind in ("public key", "evaluation keys", "ciphertext"):
        assert read(kind)[0] == params_id

    _, key_id, packed = read("secret key")
    secret = [[0, 1, -1][packed[j // 4] >> 2 * (j % 4) & 3] for j in range(degree)]

    _, owner, body = read("seeded ciphertext")
    assert owner == key_id
    level, _, exponent, count = struct.unpack("<HBiH", body[:9])
    assert exponent == log_scale and count == 0
    seed, body = body[9:41], body[41:]
    phases = []
    for i in range(ends[level]):
        c0, body = unpack(body, degree, q[i])
        c1 = expand(seed, 1, 0, i, degree, q[i])
        root = primitive_root(degree, q[i])
        points = [pow(root, 2 * int(f"{j:0{log_n}b}"[::-1], 2) + 1, q[i]) for j in range(degree)]
        values = [sum(s * pow(x, k, q[i]) for k, s in enumerate(secret)) for x in points]
        phase = [(a + b * s) % q[i] for a, b, s in zip(c0, c1, values)]
        # Interpolation: f(x) = Σ cₖ xᵏ at all odd powers of the root.
        inverse = pow(degree, -1, q[i])
        phases.append(
            [sum(v * pow(x, -k, q[i]) for v, x in zip(phase, points)) * inverse % q[i] for k in range(degree)]
        )
    assert not body
    # q₀ alone is wider than the message; the other limbs must agree.
    message = [c - q[0] if c > q[0] // 2 else c for c in phases[0]]
    for i, limb in enumerate(phases):
        assert all((a - b) % q[i] == 0 for a, b in zip(message, limb))
    print("The golden files are as the document says. The plaintext's coefficients over the scale:")
    print(" ".join(f"{c / 2**log_scale:.6f}" for c in message))


if __name__ == "__main__":
    main()
