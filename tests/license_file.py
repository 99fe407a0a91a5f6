#!/usr/bin/env python3
"""A second verifier of license files, written from docs/reference/license-file.md alone.

license_file.py FILE VERIFIER-KEY... prints what the file says, one line NAME=VALUE each, and exits 1
at the first flaw. The keys are those of the account (name+hash+base64). Standard library only, so
of an encrypted file it checks and prints the header, and says so on standard error. It judges who
signed, not the time: NOW=MILLISECONDS in the environment has it judge the file's time too.
"""
import base64, hashlib, os, re, sys

from verifier import signed

BEGIN, END = (f"-----{word} USANCE LICENSE FILE-----" for word in ("BEGIN", "END"))
DAY_MS = 24 * 60 * 60 * 1000
CODE, NUMBER = r"[a-z0-9][a-z0-9._-]{0,63}", r"(0|-?[1-9][0-9]*)"
TEXT = r"([^\\\x00-\x1f\x7f]|\\[\\nrt]|\\x(0[0-8bcef]|1[0-9a-f]|7f))*"
ID = lambda prefix: prefix + "_[0-9a-f]{32}"
# Each field in its order: name, form of its value, and whether it must ("1") or may ("?") be there.
# A list of fields repeats.
HEADER = [("account", ID("acc"), "1"), ("license", ID("lic"), "1"), ("key_number", "[1-9][0-9]*", "1"),
          ("issued_at", NUMBER, "1"), ("file_expires_at", NUMBER, "?"),
          ("encryption", "none|aes-256-gcm", "1"), ("nonce", "[0-9a-f]{24}", "?")]
METER = [("meter", CODE, "1"), ("unit", TEXT, "1"), ("scale", "[0-9]", "1"), ("allowed", NUMBER, "?"),
         ("total", NUMBER, "1"), ("gross", NUMBER, "1"), ("held", NUMBER, "1"), ("period_end", NUMBER, "?")]
BODY = [("product", ID("prod"), "1"), ("product_code", CODE, "1"), ("policy", ID("pol"), "1"),
        ("policy_code", CODE, "1"), ("customer", ID("cus"), "?"), ("status", CODE, "1"),
        ("valid_from", NUMBER, "?"), ("expires_at", NUMBER, "?"),
        [("activation", TEXT, "1"), ("fingerprint", TEXT, "1")], [("entitlement", CODE, "1")],
        [("term", TEXT, "1"), ("value", TEXT, "1")], METER, [("metadata", TEXT, "1"), ("value", TEXT, "1")]]


def unarmour(data):
    assert len(data) <= 64 * 1024, "longer than 64 KiB"
    text = data.decode().removeprefix("\ufeff").strip(" \t\r\n")
    assert text.startswith(BEGIN) and text.endswith(END) and len(text) >= len(BEGIN + END), "no armour"
    symbols = re.sub("[ \t\r\n]", "", text[len(BEGIN):-len(END)])
    return unbase64(symbols).decode()


def unbase64(symbols):
    data = base64.b64decode(symbols, validate=True)
    assert base64.b64encode(data).decode() == symbols, "not the one form of base64"
    return data


def read(lines, fields, found):
    """Takes the lines that the fields describe, in their order."""
    for field in fields:
        if isinstance(field, list):
            begun, names = field[0][0] + "=", set()
            while lines and lines[0].startswith(begun):
                assert lines[0] not in names, f"{lines[0]} is there twice"
                names.add(lines[0])
                read(lines, field, found)
            assert begun != "activation=" or len(names) < 2, "two activations"
            continue
        name, form, needed = field
        if lines and lines[0].startswith(name + "="):
            value = lines.pop(0)[len(name) + 1:]
            assert re.fullmatch(form, value), f"{name} has another form"
            is_number = form is NUMBER
            assert not is_number or -2**63 <= int(value) < 2**63, f"{name} is out of range"
            found.append((name, value))
        else:
            assert needed == "?", f"{name} is missing"


def verify(data, verifier_keys):
    note = unarmour(data)
    text, signature_line = note[:note.index("\n\n") + 1], note[note.index("\n\n") + 2:]
    first, *lines = text[:-1].split("\n")
    assert first == "usance-license-file/1", "unknown version"
    found = []
    read(lines, HEADER, found)
    header = dict(found)
    encrypted = header["encryption"] != "none"
    assert encrypted == ("nonce" in header), "a nonce belongs to encryption"
    name = f"usance/{header['account']}/{header['key_number']}"
    assert signature_line.startswith(f"— {name} ") and signature_line.endswith("\n"), "no signature"
    blob = unbase64(signature_line[len(name) + 3:-1])
    assert len(blob) == 68, "no signature"
    keys = [unbase64(key.split("+", 2)[2])[1:] for key in verifier_keys if key.split("+")[0] == name]
    hash_of = lambda key: hashlib.sha256(name.encode() + b"\n\1" + key).digest()[:4]
    public = next((key for key in keys if hash_of(key) == blob[:4]), None)
    assert public, f"signed with a key that is not given: {name}"
    assert signed(public, text.encode(), blob[4:]), "forged"
    if encrypted:
        assert len(lines) == 1 and lines[0].startswith("sealed="), "no encrypted body"
        unbase64(lines[0].removeprefix("sealed="))
    else:
        read(lines, BODY, found)
        assert not lines, f"unknown field {lines[0]}"
    if "NOW" in os.environ:
        now = int(os.environ["NOW"])
        assert int(header["issued_at"]) <= now + DAY_MS, "the clock was set back"
        assert now < int(header.get("file_expires_at", now + 1)), "the file has expired"
    return found, encrypted


def main():
    try:
        with open(sys.argv[1], "rb") as file:
            found, encrypted = verify(file.read(), sys.argv[2:])
    except (AssertionError, ValueError) as flaw:
        sys.exit(f"FLAW: {flaw}")
    for name, value in found:
        print(f"{name}={value}")
    if encrypted:
        print("the rest is encrypted to the license key", file=sys.stderr)


if __name__ == "__main__":
    main()
