#!/usr/bin/env python3
"""A second verifier, written from docs/reference/ledger.md alone: standard library, no usance code.

verifier.py DATABASE [VERIFIER-KEY] prints a line for each ledger and exits 1 at the first flaw.
With the verifier key (name+hash+base64) it also checks that the database's key is that one.
The signature itself is checked by the Ed25519 of RFC 8032 below.
Catalogue entries are checked by catalogue.py. Tree nodes, which are a short cut only, are not.
"""
import base64, hashlib, sqlite3, sys

from catalogue import check_catalogue, floor_of, named

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


# Of each operation: by how many times `applied` total, gross and held change.
CHANGES = {1: (1, 1, 0), 2: (-1, 0, 0), 3: (1, 0, 0), 4: (1, 0, 0), 5: (0, 0, 1), 6: (1, 1, 0), 7: (0, 0, -1),
           8: (1, 0, 0), 9: (-1, 0, 0)}
SET, TURN, SETTLE = (3, 4, 8), 8, 6


def read_reference(r):
    """Nothing for a hold or session; of a turn the ends of the old and the new period, and carried."""
    flags = r.byte()
    if flags & ~24 == 4:
        return (r.signed() if flags & 8 else None, r.signed() if flags & 16 else None, r.signed())
    assert flags in (1, 2, 9, 10), "unknown reference"
    r.take(16)
    if flags & 8:
        r.signed()
    return None


def follow_use(r, index, time, state):
    flags, operation, meter = r.byte(), r.byte(), (r.take(16), r.text())
    assert operation in CHANGES, "unknown operation"
    asked, applied = r.signed(), r.signed()
    released = r.signed() if operation == SETTLE else 0
    overage, total, gross, held = (r.signed() for _ in range(4))
    allowed = r.signed() if flags & 1 else None
    previous = r.unsigned() if flags & 2 else None
    r.take(16 if flags & 64 else 0)
    turn = read_reference(r) if flags & 128 else None
    r.take(24 if flags & 4 else 0)
    if flags & 8:
        r.signed()
    commitment = r.take(32) if flags & 16 else None
    names = [(r.text(), r.text())[0] for _ in range(r.unsigned())] if flags & 32 else []
    assert names == sorted(set(names)) and bool(names) == bool(flags & 32) and len(names) < 17, "attributes"

    of_total, of_gross, of_held = (times * applied for times in CHANGES[operation])
    last, before, gross_before, held_before, end, carried = state["meters"].get(
        meter, (None, total - of_total, 0, 0, None, 0))
    assert previous == last, "wrong previous record"
    lowest = 1 if operation in (1, 2) else 0
    assert asked == total if operation in SET else lowest <= applied <= asked, "wrong amount"
    assert released >= 0 and (operation != 7 or applied == asked), "wrong amount"
    assert total == before + of_total, "wrong total"
    assert gross == gross_before + of_gross, "wrong gross"
    assert held == held_before + of_held - released and held >= 0, "wrong units on hold"
    above = lambda value: max(0, value - allowed) if allowed is not None else 0
    assert overage == max(0, above(total) - above(before)), "wrong overage"
    assert (turn is not None) == (operation == TURN), "wrong turn"
    if turn:
        old_end, new_end, new_carried = turn
        assert old_end == end and (end is None or end <= time), "wrong turn"
        assert (new_end is None or new_end > time) and new_carried >= 0, "wrong turn"
        end, carried = new_end, new_carried
    state["meters"][meter] = (index, total, gross, held, end, carried)
    state["moves"][index] = (meter, state["meters"][meter])
    return commitment


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
        commitment = follow_use(r, index, time, state)
    elif kind == 2:
        operation, meter, _code = r.byte(), (r.take(16), r.text()), r.text()
        _asked, total, previous = r.signed(), r.signed(), r.flagged(r.unsigned)
        last, before, *rest = state["meters"].get(meter, (None, total, 0, 0, None, 0))
        assert (previous, total) == (last, before) and operation in CHANGES, "wrong refusal"
        state["meters"][meter] = (index, total, *rest)
        state["moves"][index] = (meter, state["meters"][meter])
    elif kind == 3:
        entity, action, thing = r.byte(), r.byte(), r.take(16)
        assert 1 <= entity <= 10 and 1 <= action <= 13, "unknown value"
        r.flagged(lambda: r.take(16))
        state["things"][thing] = (entity, action, r.take(32))
        state["changes"][index] = (thing, state["things"][thing][2])
    elif kind == 5:
        flags, notice = r.byte(), r.byte()
        assert flags < 4 and 1 <= notice <= 4, "unknown value"
        if notice == 1:
            r.unsigned()
        meter, total = (r.take(16), r.text()), r.signed()
        if flags & 2:
            r.signed()
        cause = r.unsigned() if flags & 1 else None
        assert cause is None or cause < index, "a cause that comes later"
        assert total == state["meters"].get(meter, (None, total))[1], "wrong total"
    else:
        assert kind == 4, "unknown kind"
        r.signed()
    assert r.at == len(data), "bytes follow after the end"
    return commitment


def check_details(db, number, changes):
    """The audit log against the records: what is erased is no flaw, what is altered is."""
    for row_id, thing, text, salt in db.execute("SELECT id, thing, text, salt FROM detail WHERE id >= ? AND id < ?",
                                                (number << 40, number + 1 << 40)):
        index = row_id & (1 << 40) - 1
        assert index in changes, "the audit log tells of a change that no record tells of"
        whole = sha(salt or b"", text.encode()) == changes[index][1]
        assert thing == changes[index][0] and (not text or whole), f"record {index}: its audit log was changed"


def check_subject(db, row_id, commitment):
    row = db.execute("SELECT salt, user, host, address FROM subject WHERE id = ?", (row_id,)).fetchone()
    if row is None:
        return
    data = row[0]
    for field in row[1:]:
        text = None if field is None else field.encode()
        size = 0 if text is None else len(text)
        length = bytes([size & 127 | 128, size >> 7] if size > 127 else [size])
        data += b"\0" if text is None else b"\1" + length + text
    assert sha(data) == commitment, "personal data was changed"


def check_meters(db, account, covered, state):
    held, rows = {}, {}
    for license, meter, units in db.execute(
            """SELECT license, meter, units FROM hold WHERE account = ?1
               UNION ALL SELECT license, meter, reserved FROM session WHERE account = ?1""", (account,)):
        held[license, meter] = held.get((license, meter), 0) + units
    for license, name, *row in db.execute(
            """SELECT license, name, hidden, last_record, total, gross, held, period_end, carried
               FROM meter WHERE account = ?""", (account,)):
        rows[license, name] = row
    for meter in state["meters"].keys() | rows.keys() | held.keys():
        license, name = meter
        what = f"meter {name} of {named('license', license)}"
        newest, _, _, on_hold, _, _ = state["meters"].get(meter, (None, 0, 0, 0, None, 0))
        if state["things"].get(license, (3, 3))[1] == 3:
            assert meter not in rows and meter not in held, f"{what} is there, but its license is not"
            continue
        assert held.get(meter, 0) == on_hold, f"{what}: holds and sessions hold another sum"
        if meter not in rows:
            assert newest is None or newest >= covered, f"{what} is missing"
            continue
        hidden, last, total, gross, row_held, end, carried = rows[meter]
        if hidden and newest is None:
            continue
        is_behind = newest is not None and last != newest
        assert not is_behind or newest >= covered and not hidden, f"{what} is behind the ledger"
        beginning = (meter, (None, max(0, floor_of(db, account, license, name)), 0, 0, None, 0))
        whose, left = state["moves"].get(last, beginning)
        stands = (last, total, gross, row_held, end, carried)
        assert whose == meter and left == stands, f"{what} stands where no record left it"


def root_of(roots):
    result = roots[-1][1] if roots else sha()
    for _, left in reversed(roots[:-1]):
        result = sha(b"\1", left, result)
    return result


def verify(db, number, account, writer, covered, public):
    state = {"time": -2**63, "meters": {}, "moves": {}, "things": {}, "changes": {}}
    roots, index, signature = [], 0, None
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
    assert covered <= index, "the tail was cut"
    check_catalogue(db, account, state["things"])
    check_details(db, number, state["changes"])
    check_meters(db, account, covered, state)
    return index, origin, root_of(roots).hex()


def main():
    db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
    kept = base64.b64decode(sys.argv[2].split("+", 2)[2])[1:] if len(sys.argv) > 2 else None
    db.execute("BEGIN")
    query = "SELECT number, account, writer, covered, public_key FROM ledger JOIN writer ON writer.id = ledger.writer"
    try:
        for number, account, writer, covered, public in db.execute(query).fetchall():
            assert kept in (None, public), "signed with another key"
            print("%d records of %s have root %s" % verify(db, number, account, writer, covered, public))
    except AssertionError as flaw:
        sys.exit(f"FLAW: {flaw}")


if __name__ == "__main__":
    main()
