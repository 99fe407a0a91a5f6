#!/usr/bin/env python3
"""A second verifier, written from docs/reference/ledger.md alone: standard library, no usance code.

verifier.py DATABASE [VERIFIER-KEY] prints a line for each ledger and exits 1 at the first flaw.
With the verifier key (name+hash+base64) it also checks that the database's key is that one.
The signature itself is checked by the Ed25519 of RFC 8032 below.
"""
import base64, hashlib, sqlite3, sys

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()


def recover(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert (x * x - x2) % P == 0, "no such point"
    return (P - x if x & 1 != sign else x, y)


def add(a, b):
    t = D * a[0] * b[0] * a[1] * b[1] % P
    return ((a[0] * b[1] + b[0] * a[1]) * pow(1 + t, -1, P) % P,
            (a[1] * b[1] + a[0] * b[0]) * pow(1 - t, -1, P) % P)


def times(n, point):
    total = (0, 1)
    while n:
        if n & 1:
            total = add(total, point)
        point, n = add(point, point), n >> 1
    return total


def point(data):
    number = int.from_bytes(data, "little")
    return recover(number & ((1 << 255) - 1), number >> 255)


def signed(public, message, signature):
    base = recover(4 * pow(5, -1, P) % P, 0)
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    s = int.from_bytes(signature[32:], "little")
    return s < L and times(s, base) == add(point(signature[:32]), times(k, point(public)))


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        assert self.at + count <= len(self.data), "the bytes end early"
        self.at += count
        return self.data[self.at - count:self.at]

    def byte(self):
        return self.take(1)[0]

    def unsigned(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                assert (byte or not shift) and value < 1 << 64, "not the shortest form"
                return value
            shift += 7

    def signed(self):
        value = self.unsigned()
        return value >> 1 ^ -(value & 1)

    def text(self):
        return self.take(self.unsigned()).decode()

    def flagged(self, read):
        flag = self.byte()
        assert flag in (0, 1), "unknown flag"
        return read() if flag else None


def follow(index, data, ledger, state):
    """Checks one record against those before it."""
    r = Reader(data)
    assert r.byte() == 1, "unknown version"
    kind, time = r.byte(), r.signed()
    assert time >= state["time"], "time runs backwards"
    assert (kind == 0) == (index == 0), "opened once, at the start"
    state["time"] = time
    commitment = None
    if kind == 0:
        assert (r.take(16), r.take(16)) == ledger, "another ledger"
    elif kind == 1:
        flags, operation, meter = r.byte(), r.byte(), (r.take(16), r.text())
        assert flags < 64 and 1 <= operation <= 4, "unknown value"
        asked, applied, overage, total, gross, _held = (r.signed() for _ in range(6))
        allowed = r.signed() if flags & 1 else None
        previous = r.unsigned() if flags & 2 else None
        r.take(24 if flags & 4 else 0)
        if flags & 8:
            r.signed()
        commitment = r.take(32) if flags & 16 else None
        names = [(r.text(), r.text())[0] for _ in range(r.unsigned())] if flags & 32 else []
        assert names == sorted(set(names)) and bool(names) == bool(flags & 32), "attributes"
        change = -applied if operation == 2 else applied
        last, before, gross_before = state["meters"].get(meter, (None, total - change, None))
        if gross_before is None:
            gross_before = gross - (applied if operation == 1 else 0)
        assert previous == last, "wrong previous record"
        assert 0 < applied <= asked if operation < 3 else asked == total, "wrong amount"
        assert total == before + change, "wrong total"
        assert gross == gross_before + (applied if operation == 1 else 0), "wrong gross"
        above = lambda value: max(0, value - allowed) if allowed is not None else 0
        assert overage == max(0, above(total) - above(before)), "wrong overage"
        state["meters"][meter] = (index, total, gross)
    elif kind == 2:
        operation, meter, _code = r.byte(), (r.take(16), r.text()), r.text()
        _asked, total, previous = r.signed(), r.signed(), r.flagged(r.unsigned)
        last, before, gross = state["meters"].get(meter, (None, total, None))
        assert (previous, total) == (last, before) and 1 <= operation <= 4, "wrong refusal"
        state["meters"][meter] = (index, total, gross)
    elif kind == 3:
        assert 1 <= r.byte() <= 4 and 1 <= r.byte() <= 6, "unknown value"
        r.take(16), r.flagged(lambda: r.take(16)), r.take(32)
    else:
        assert kind == 4, "unknown kind"
        r.signed()
    assert r.at == len(data), "bytes follow after the end"
    return commitment


def check_subject(db, row_id, commitment):
    row = db.execute("SELECT salt, user, host, address FROM subject WHERE id = ?", (row_id,)).fetchone()
    if row is None:
        return
    data = row[0]
    for field in row[1:]:
        text = None if field is None else field.encode()
        length = b"" if text is None else bytes([len(text) & 127 | 128, len(text) >> 7] if len(text) > 127 else [len(text)])
        data += b"\0" if text is None else b"\1" + length + text
    assert sha(data) == commitment, "personal data was changed"


def root_of(roots):
    result = roots[-1][1] if roots else sha()
    for _, left in reversed(roots[:-1]):
        result = sha(b"\1", left, result)
    return result


def verify(db, number, account, writer, public):
    state, roots, index, signature = {"time": -2**63, "meters": {}}, [], 0, None
    blocks = db.execute("SELECT id, count, root, signature, body FROM block WHERE id >= ? AND id < ? ORDER BY id",
                        (number << 40, number + 1 << 40))
    for row_id, count, root, signature, body in blocks:
        assert row_id == number << 40 | index, f"record {index} is missing"
        reader, first = Reader(body), index
        for _ in range(count):
            try:
                data = reader.take(reader.unsigned())
                leaf = sha(b"\0", data)
                assert reader.take(4) == leaf[:4], "damaged"
                commitment = follow(index, data, (account, writer), state)
                if commitment:
                    check_subject(db, number << 40 | index, commitment)
            except (AssertionError, UnicodeDecodeError) as flaw:
                raise AssertionError(f"record {index}: {flaw}")
            roots.append((1, leaf))
            while len(roots) > 1 and roots[-1][0] == roots[-2][0]:
                (size, right), (_, left) = roots.pop(), roots.pop()
                roots.append((2 * size, sha(b"\1", left, right)))
            index += 1
        assert reader.at == len(body) and root_of(roots) == root, f"record {first}: wrong root of its block"
    origin = f"usance/acc_{account.hex()}/wri_{writer.hex()}"
    body = f"{origin}\n{index}\n{base64.b64encode(root_of(roots)).decode()}\n"
    assert signature and signed(public, body.encode(), signature), f"record {index - 1}: wrong signature"
    return index, origin, root_of(roots).hex()


def main():
    db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
    kept = base64.b64decode(sys.argv[2].split("+", 2)[2])[1:] if len(sys.argv) > 2 else None
    db.execute("BEGIN")
    query = "SELECT number, account, writer, public_key FROM ledger JOIN writer ON writer.id = ledger.writer"
    try:
        for number, account, writer, public in db.execute(query).fetchall():
            assert kept in (None, public), "signed with another key"
            print("%d records of %s have root %s" % verify(db, number, account, writer, public))
    except AssertionError as flaw:
        sys.exit(f"FLAW: {flaw}")


if __name__ == "__main__":
    main()
