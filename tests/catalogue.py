"""Catalogue entries of a database against their digests in the ledger, for verifier.py.

Written from docs/reference/ledger.md alone: standard library, no usance code.
"""
import hashlib, sqlite3

GONE = (3, 10, 11)


def escape(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


PREFIXES = {"product": "prod", "policy": "pol", "customer": "cus", "reseller": "cus", "license": "lic",
            "token": "tok", "activation": "act", "owner": "usr", "user": "usr", "entitlement": "ent"}
# The lines of each entry, in their order: columns as they are, but for those below.
ENTRIES = {
    "product": "code name archived metadata",
    "policy": "code name product archived key_pattern terms entitlements metadata meters",
    "license": "key product policy customer reseller owner users name standing valid_from expires_at"
               " overrides entitlements metadata checked_in_at own_meters",
    "token": "name permissions product license meter user customer audience expires_at revoked",
    "activation": "license fingerprint platform cores memory disk is_vm is_container user"
                  " own_heartbeat_seconds components",
    "entitlement": "code name metadata",
}
ENTRIES_IN_ORDER = list(ENTRIES)


def named(kind, identity):
    return None if identity is None else f"{PREFIXES[kind]}_{identity.hex()}"


class Text:
    """The canonical text of an entry."""

    def __init__(self, db, kind, row):
        self.db, self.row, self.text = db, row, ""
        self.line(kind, named(kind, row["id"]))
        for field in ENTRIES[kind].split():
            special = getattr(self, "put_" + field, None)
            if special:
                special()
            elif field in PREFIXES:
                self.line(field, named(field, row[field]))
            elif field in ("archived", "revoked", "is_vm", "is_container"):
                holds = row[field] if field.startswith("is_") else row[field + "_at"] is not None
                self.line(field, "true" if holds else "false")
            else:
                self.line(field, row[field])

    def line(self, name, value):
        if value is not None:
            self.text += f"{name}={escape(str(value))}\n"

    def put_terms(self, column="terms"):
        for line in (self.row[column] or "").split("\n"):
            self.text += line + "\n" if line and not line.startswith("access=") else ""

    def put_overrides(self):
        self.put_terms("overrides")

    def put_entitlements(self, column="entitlements"):
        for word in self.row[column].split():
            self.line(column[:-1], word)

    def put_permissions(self):
        self.put_entitlements("permissions")

    def put_users(self):
        for at in range(0, len(self.row["users"]), 16):
            self.line("user", named("user", self.row["users"][at:at + 16]))

    def put_standing(self):
        self.line("standing", {0: "active", 1: "suspended", 2: "revoked"}[self.row["standing"]])

    def put_metadata(self):
        for entry in self.row["metadata"].split("\n")[:-1]:
            audiences, key, value = entry.split("\t", 2)
            self.text += f"metadata={key}\nvalue={value}\n"
            for audience in filter(None, audiences.split(",")):
                self.line("visible_to", audience)

    def put_components(self):
        for component in self.row["components"].split("\n")[:-1]:
            identity, fingerprint, _name = component.split("\t", 2)
            self.line("component", identity)
            self.line("component_fingerprint", fingerprint)

    def specs_of(self, policy):
        query = "SELECT spec FROM policy_meter WHERE account = ? AND policy = ? ORDER BY place"
        return [spec for spec, in self.db.execute(query, (self.row["account"], policy))]

    def put_meters(self):
        self.text += "".join(self.specs_of(self.row["id"]))

    def put_own_meters(self):
        query = """SELECT name, spec, own_allowed, allowed FROM meter
                   WHERE account = ? AND license = ? AND hidden = 0 ORDER BY name"""
        rows = self.db.execute(query, (self.row["account"], self.row["id"])).fetchall()
        ceilings = {name: allowed for name, spec, is_own, allowed in rows if spec is None and is_own}
        names = [spec[len("meter="):spec.index("\n")] for spec in self.specs_of(self.row["policy"])]
        for name in filter(ceilings.__contains__, names):
            self.line("meter", name)
            self.line("allowed", "unlimited" if ceilings[name] is None else ceilings[name])
        for _name, spec, is_own, allowed in rows:
            if spec is not None:
                self.text += spec
                self.line("allowed", ("unlimited" if allowed is None else allowed) if is_own else "policy")


def check_catalogue(db, account, things):
    there = set()
    for entity, kind in enumerate(ENTRIES_IN_ORDER, 1):
        cursor = db.cursor()
        cursor.row_factory = sqlite3.Row
        for row in cursor.execute(f"SELECT * FROM {kind} WHERE account = ?", (account,)):
            name = named(kind, row["id"])
            assert row["id"] in things, f"{name} was put there behind the ledger's back"
            known, action, digest = things[row["id"]]
            assert known == entity and action not in GONE, f"{name} was deleted, but is there"
            try:
                text = Text(db, kind, row).text
            except (ValueError, KeyError, AttributeError, TypeError):
                text = "damaged"
            assert hashlib.sha256(text.encode()).digest() == digest, f"{name} was changed behind the ledger's back"
            there.add(row["id"])
    for thing, (entity, action, _) in things.items():
        if entity > len(ENTRIES_IN_ORDER):
            continue  # Customers, people, rules and webhooks: their texts are in the audit log.
        kind = ENTRIES_IN_ORDER[entity - 1]
        assert action in GONE or thing in there, f"{named(kind, thing)} is gone without a record of it"


def floor_of(db, account, license, meter):
    """The lowest total of a meter."""
    specs = db.execute("""SELECT spec FROM meter WHERE account = ?1 AND license = ?2 AND spec NOT NULL UNION ALL
                          SELECT policy_meter.spec FROM policy_meter JOIN license USING (account, policy)
                          WHERE account = ?1 AND license.id = ?2""", (account, license))
    lines = next((spec.split("\n") for spec, in specs if spec.startswith(f"meter={meter}\n")), [])
    return next((int(line[6:]) for line in lines if line.startswith("floor=")), 0)
