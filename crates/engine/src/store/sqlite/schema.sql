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

-- Things of the catalogue after each change, beside the record of it. A row id is that of a record.
-- `salt` opens the ledger's commitment where the thing is personal data. `address` is from where it
-- was changed.
CREATE TABLE detail (
    id      INTEGER PRIMARY KEY,
    thing   BLOB NOT NULL,
    text    TEXT NOT NULL,
    salt    BLOB,
    address TEXT
);
CREATE INDEX detail_thing ON detail (thing, id);

CREATE TABLE product (
    account     BLOB NOT NULL,
    id          BLOB NOT NULL,
    code        TEXT NOT NULL,
    name        TEXT NOT NULL,
    metadata    TEXT NOT NULL,
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
    key_pattern         TEXT NOT NULL,
    terms               TEXT NOT NULL,
    entitlements        TEXT NOT NULL,
    metadata            TEXT NOT NULL,
    archived_at         INTEGER,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, code)
) WITHOUT ROWID;

-- `spec` has a line `name=value` for all that is said of a meter.
CREATE TABLE policy_meter (
    account BLOB NOT NULL,
    policy  BLOB NOT NULL,
    place   INTEGER NOT NULL,
    spec    TEXT NOT NULL,
    PRIMARY KEY (account, policy, place)
) WITHOUT ROWID;

CREATE TABLE customer (
    account     BLOB NOT NULL,
    id          BLOB NOT NULL,
    code        TEXT NOT NULL,
    name        TEXT NOT NULL,
    email       TEXT,
    kind        TEXT NOT NULL,
    reseller    BLOB,
    max_users       INTEGER,
    max_licenses    INTEGER,
    max_activations INTEGER,
    metadata    TEXT NOT NULL,
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
    reseller   BLOB,
    owner      BLOB,
    users      BLOB NOT NULL,
    name       TEXT,
    overrides  TEXT,
    entitlements TEXT NOT NULL,
    metadata   TEXT NOT NULL,
    checked_in_at INTEGER,
    validated_at  INTEGER,
    file_at       INTEGER,
    activated_at  INTEGER,
    activations   INTEGER NOT NULL,
    deactivations INTEGER NOT NULL,
    standing   INTEGER NOT NULL,
    valid_from INTEGER,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    blocks     TEXT NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE INDEX license_product ON license (account, product, id);
CREATE INDEX license_policy ON license (account, policy, id);
CREATE INDEX license_customer ON license (account, customer, id) WHERE customer IS NOT NULL;
CREATE INDEX license_reseller ON license (account, reseller, id) WHERE reseller IS NOT NULL;

-- Owners and users of licenses, for the questions that begin with a person.
CREATE TABLE license_user (
    account BLOB NOT NULL,
    user    BLOB NOT NULL,
    license BLOB NOT NULL,
    PRIMARY KEY (account, user, license)
) WITHOUT ROWID;

-- Where a meter stood at `last_record`; what came later is in the blocks from `ledger.covered` on.
-- `spec` is there if the license says what the meter is, and not its policy. A meter that is hidden
-- was taken away; the ledger keeps its records, and it goes on from here if it comes back: `spec`
-- is what it was, whoever said it.
CREATE TABLE meter (
    account     BLOB NOT NULL,
    license     BLOB NOT NULL,
    name        TEXT NOT NULL,
    spec        TEXT,
    hidden      INTEGER NOT NULL,
    own_allowed INTEGER NOT NULL,
    allowed     INTEGER,
    total       INTEGER NOT NULL,
    gross       INTEGER NOT NULL,
    held        INTEGER NOT NULL,
    carried     INTEGER NOT NULL,
    period_end  INTEGER,
    last_record INTEGER,
    refusals    INTEGER NOT NULL,
    hour        INTEGER NOT NULL,
    uses        INTEGER NOT NULL,
    incremented INTEGER NOT NULL,
    decremented INTEGER NOT NULL,
    adjusted    INTEGER NOT NULL,
    overage     INTEGER NOT NULL,
    PRIMARY KEY (account, license, name)
) WITHOUT ROWID;

-- What lives on licenses. Written with each commit, so that it needs no replay.
CREATE TABLE activation (
    account      BLOB NOT NULL,
    license      BLOB NOT NULL,
    id           BLOB NOT NULL,
    fingerprint  TEXT NOT NULL,
    name         TEXT,
    hostname     TEXT,
    platform     TEXT,
    address      TEXT,
    cores        INTEGER,
    memory       INTEGER,
    disk         INTEGER,
    is_vm        INTEGER NOT NULL,
    is_container INTEGER NOT NULL,
    user         BLOB,
    components   TEXT NOT NULL,
    metadata     TEXT NOT NULL,
    own_heartbeat_seconds INTEGER,
    seen_at      INTEGER,
    last_file_at INTEGER,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (account, license, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX activation_id ON activation (account, id);
CREATE INDEX activation_fingerprint ON activation (account, fingerprint);

-- Parts of machines, for the questions that begin with one.
CREATE TABLE component (
    account     BLOB NOT NULL,
    fingerprint TEXT NOT NULL,
    activation  BLOB NOT NULL,
    license     BLOB NOT NULL,
    PRIMARY KEY (account, fingerprint, activation)
) WITHOUT ROWID;
CREATE INDEX component_activation ON component (account, activation);

CREATE TABLE process (
    account    BLOB NOT NULL,
    license    BLOB NOT NULL,
    id         BLOB NOT NULL,
    activation BLOB NOT NULL,
    pid        TEXT NOT NULL,
    metadata   TEXT NOT NULL,
    seen_at    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, license, id)
) WITHOUT ROWID;

CREATE TABLE share (
    account    BLOB NOT NULL,
    license    BLOB NOT NULL,
    activation BLOB NOT NULL,
    meter      TEXT NOT NULL,
    quantity   INTEGER NOT NULL,
    PRIMARY KEY (account, license, activation, meter)
) WITHOUT ROWID;

CREATE TABLE hold (
    account    BLOB NOT NULL,
    license    BLOB NOT NULL,
    id         BLOB NOT NULL,
    meter      TEXT NOT NULL,
    activation BLOB,
    units      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, license, id)
) WITHOUT ROWID;

CREATE TABLE session (
    account    BLOB NOT NULL,
    license    BLOB NOT NULL,
    id         BLOB NOT NULL,
    meter      TEXT NOT NULL,
    activation BLOB,
    count      INTEGER NOT NULL,
    reserved   INTEGER NOT NULL,
    active_ms  INTEGER NOT NULL,
    user       TEXT,
    host       TEXT,
    address    TEXT,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, license, id)
) WITHOUT ROWID;

CREATE TABLE pass (
    account BLOB NOT NULL,
    license BLOB NOT NULL,
    holder  BLOB NOT NULL,
    until   INTEGER NOT NULL,
    PRIMARY KEY (account, license, holder, until)
) WITHOUT ROWID;

-- When a license is to be looked at next: a period ends, a hold expires, a machine falls silent.
CREATE TABLE timer (
    account BLOB NOT NULL,
    license BLOB NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (account, license)
) WITHOUT ROWID;
CREATE INDEX timer_at ON timer (at);

CREATE TABLE entitlement (
    account    BLOB NOT NULL,
    id         BLOB NOT NULL,
    code       TEXT NOT NULL,
    name       TEXT NOT NULL,
    metadata   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, code)
) WITHOUT ROWID;

-- People. `email_key` is the address in lower case.
CREATE TABLE user (
    account    BLOB NOT NULL,
    id         BLOB NOT NULL,
    email      TEXT NOT NULL,
    email_key  TEXT NOT NULL,
    first_name TEXT,
    last_name  TEXT,
    role       TEXT NOT NULL,
    customer   BLOB,
    password   TEXT,
    banned_at  INTEGER,
    metadata   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, email_key)
) WITHOUT ROWID;

-- Keys that sign license files. `secret` is encrypted with the writer's key.
CREATE TABLE signing_key (
    account    BLOB NOT NULL,
    number     INTEGER NOT NULL,
    public     BLOB NOT NULL,
    secret     BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER,
    PRIMARY KEY (account, number)
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
    user        BLOB,
    customer    BLOB,
    audience    TEXT,
    expires_at  INTEGER,
    revoked_at  INTEGER,
    created_at  INTEGER NOT NULL,
    uses        INTEGER NOT NULL DEFAULT 0,
    refused     INTEGER NOT NULL DEFAULT 0,
    last_used_at INTEGER,
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

-- Receivers of events. Every event before `next` was told, not wanted, or given up.
CREATE TABLE webhook (
    account      BLOB NOT NULL,
    id           BLOB NOT NULL,
    name         TEXT NOT NULL,
    url          TEXT NOT NULL,
    kinds        TEXT NOT NULL,
    license      BLOB,
    product      BLOB,
    meter        TEXT,
    disabled_at  INTEGER,
    disabled_for TEXT,
    secret       INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    next         INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    retry_at     INTEGER,
    delivered_at INTEGER,
    failed_at    INTEGER,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

-- What messages to receivers are signed with. `secret` is encrypted with the writer's key.
CREATE TABLE webhook_secret (
    account    BLOB NOT NULL,
    webhook    BLOB NOT NULL,
    number     INTEGER NOT NULL,
    secret     BLOB NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (account, webhook, number)
) WITHOUT ROWID;

-- The newest attempts to tell receivers something.
CREATE TABLE delivery (
    account     BLOB NOT NULL,
    webhook     BLOB NOT NULL,
    number      INTEGER NOT NULL,
    event       INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    again       INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    outcome     TEXT NOT NULL,
    status      INTEGER,
    answer      TEXT NOT NULL,
    PRIMARY KEY (account, webhook, number)
) WITHOUT ROWID;

-- Events that receivers never took.
CREATE TABLE dead_letter (
    account  BLOB NOT NULL,
    webhook  BLOB NOT NULL,
    event    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    status   INTEGER,
    answer   TEXT NOT NULL,
    PRIMARY KEY (account, webhook, event)
) WITHOUT ROWID;

-- Events that are to be told once more: those from `next` on, before `until`.
CREATE TABLE redelivery (
    account   BLOB NOT NULL,
    webhook   BLOB NOT NULL,
    number    INTEGER NOT NULL,
    dead_only INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    next      INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    retry_at  INTEGER,
    PRIMARY KEY (account, webhook, number)
) WITHOUT ROWID;

-- Rules that act by themselves. `spec` has a line `name=value` for all that is said of one; `told`
-- is what it told of last.
CREATE TABLE rule (
    account      BLOB NOT NULL,
    id           BLOB NOT NULL,
    code         TEXT NOT NULL,
    spec         TEXT NOT NULL,
    told_license BLOB,
    told         TEXT,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, code)
) WITHOUT ROWID;

-- What rules did, each once for each cause. It stays when it is over or undone.
CREATE TABLE act (
    account   BLOB NOT NULL,
    license   BLOB NOT NULL,
    rule      BLOB NOT NULL,
    cause     TEXT NOT NULL,
    since     INTEGER NOT NULL,
    block     TEXT NOT NULL,
    undone_at INTEGER,
    PRIMARY KEY (account, license, rule, cause)
) WITHOUT ROWID;
