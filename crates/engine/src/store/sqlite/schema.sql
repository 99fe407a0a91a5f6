-- Format 1. Times are milliseconds since 1970; ids are the 16 bytes of a UUID.
-- A row id of `block` and `subject` is the ledger's number << 40 | the record's position.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE account (
    id         BLOB PRIMARY KEY,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE writer (
    id         BLOB PRIMARY KEY,
    public_key BLOB NOT NULL
) WITHOUT ROWID;

-- Records before `covered` are reflected in `meter`, those before `keys_covered` in the runs of
-- idempotency keys; later ones are replayed from the blocks at start.
CREATE TABLE ledger (
    number  INTEGER PRIMARY KEY,
    account BLOB NOT NULL,
    writer  BLOB NOT NULL,
    covered INTEGER NOT NULL,
    keys_covered INTEGER NOT NULL,
    UNIQUE (account, writer)
);

CREATE TABLE block (
    id        INTEGER PRIMARY KEY,
    count     INTEGER NOT NULL,
    root      BLOB NOT NULL,
    signature BLOB,
    body      BLOB NOT NULL
);

CREATE TABLE node (
    ledger   INTEGER NOT NULL,
    height   INTEGER NOT NULL,
    position INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    PRIMARY KEY (ledger, height, position)
) WITHOUT ROWID;

CREATE TABLE subject (
    id      INTEGER PRIMARY KEY,
    salt    BLOB NOT NULL,
    user    TEXT,
    host    TEXT,
    address TEXT
);

CREATE TABLE product (
    account     BLOB NOT NULL,
    id          BLOB NOT NULL,
    code        TEXT NOT NULL,
    name        TEXT NOT NULL,
    archived_at INTEGER,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, code)
) WITHOUT ROWID;

CREATE TABLE policy (
    account             BLOB NOT NULL,
    id                  BLOB NOT NULL,
    product             BLOB NOT NULL,
    code                TEXT NOT NULL,
    name                TEXT NOT NULL,
    duration_ms         INTEGER,
    key_pattern         TEXT NOT NULL,
    license_permissions TEXT NOT NULL,
    meter_while         INTEGER NOT NULL,
    archived_at         INTEGER,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, code)
) WITHOUT ROWID;

CREATE TABLE policy_meter (
    account         BLOB NOT NULL,
    policy          BLOB NOT NULL,
    place           INTEGER NOT NULL,
    name            TEXT NOT NULL,
    unit            TEXT NOT NULL,
    scale           INTEGER NOT NULL,
    allowed         INTEGER,
    floor           INTEGER NOT NULL,
    overage         TEXT NOT NULL,
    overage_value   INTEGER NOT NULL,
    record_refusals INTEGER NOT NULL,
    PRIMARY KEY (account, policy, place)
) WITHOUT ROWID;

CREATE TABLE customer (
    account     BLOB NOT NULL,
    id          BLOB NOT NULL,
    code        TEXT NOT NULL,
    name        TEXT NOT NULL,
    email       TEXT,
    archived_at INTEGER,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, code)
) WITHOUT ROWID;

CREATE TABLE license (
    account    BLOB NOT NULL,
    id         BLOB NOT NULL,
    key        TEXT NOT NULL UNIQUE,
    product    BLOB NOT NULL,
    policy     BLOB NOT NULL,
    customer   BLOB,
    name       TEXT,
    standing   INTEGER NOT NULL,
    valid_from INTEGER,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE INDEX license_product ON license (account, product, id);
CREATE INDEX license_policy ON license (account, policy, id);
CREATE INDEX license_customer ON license (account, customer, id) WHERE customer IS NOT NULL;

-- Where a meter stood at `last_record`; what came later is in the blocks from `ledger.covered` on.
CREATE TABLE meter (
    account     BLOB NOT NULL,
    license     BLOB NOT NULL,
    place       INTEGER NOT NULL,
    own_allowed INTEGER NOT NULL,
    allowed     INTEGER,
    total       INTEGER NOT NULL,
    gross       INTEGER NOT NULL,
    held        INTEGER NOT NULL,
    last_record INTEGER,
    refusals    INTEGER NOT NULL,
    hour        INTEGER NOT NULL,
    uses        INTEGER NOT NULL,
    incremented INTEGER NOT NULL,
    decremented INTEGER NOT NULL,
    adjusted    INTEGER NOT NULL,
    overage     INTEGER NOT NULL,
    PRIMARY KEY (account, license, place)
) WITHOUT ROWID;

-- Sums of hours that are over.
CREATE TABLE usage_hour (
    account     BLOB NOT NULL,
    license     BLOB NOT NULL,
    meter       TEXT NOT NULL,
    hour        INTEGER NOT NULL,
    uses        INTEGER NOT NULL,
    incremented INTEGER NOT NULL,
    decremented INTEGER NOT NULL,
    adjusted    INTEGER NOT NULL,
    overage     INTEGER NOT NULL,
    PRIMARY KEY (account, license, meter, hour)
) WITHOUT ROWID;

CREATE TABLE token (
    account     BLOB NOT NULL,
    id          BLOB NOT NULL,
    name        TEXT NOT NULL,
    secret      BLOB NOT NULL UNIQUE,
    permissions TEXT NOT NULL,
    product     BLOB,
    license     BLOB,
    meter       TEXT,
    expires_at  INTEGER,
    revoked_at  INTEGER,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

-- Idempotency keys in immutable runs; see docs/adr/0003-idempotency.md.
CREATE TABLE key_run (
    number    INTEGER PRIMARY KEY,
    keys      INTEGER NOT NULL,
    newest_at INTEGER NOT NULL,
    filter    BLOB NOT NULL
);

-- The row id is the run's number << 16 | the chunk.
CREATE TABLE key_chunk (
    id      INTEGER PRIMARY KEY,
    entries BLOB NOT NULL
);
