//! What can be done to a file behind the engine's back, and what `verify` says of it.
//!
//! The ledger that is attacked is always the same:
//!
//! ```text
//! 0 opened    1 product    2 policy    3, 4 licenses    5 token    6..306 uses    306..606 uses
//! blocks: 0, 1, 2, 3, 4, 5, 6..134, 134..262, 262..306, 306..434, 434..562, 562..606
//! ```
//!
//! The uses are increments of `frames`, in turn by the first license (of 2) and the second (of 1);
//! every tenth names a user.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use rusqlite::{Connection, params};
use tempfile::TempDir;
use usance_core::command::{Command, NewOverage, NewToken, Reply};
use usance_core::ledger::audit::Flaw;
use usance_core::ledger::block;
use usance_core::ledger::checkpoint::{Checkpoint, CheckpointError, Signer, Verifier};
use usance_core::ledger::record::{Event, Record};
use usance_core::ledger::tree::{Frontier, leaf_hash};
use usance_core::license::License;
use usance_core::time::Timestamp;
use usance_core::token::Permissions;
use usance_core::usage::{Subject, Use};
use usance_engine::OpenError;
use usance_engine::backup::backup;
use usance_engine::verify::{Finding, Problem, Report, VerifyOptions, verify};

use crate::property::property;
use crate::world::{BEGIN, World, check, increment, run};

const SIZE: u64 = 606;

// The victim.

struct Victim {
    directory: TempDir,
    /// The database of a server that was closed: everything is written back.
    closed: PathBuf,
    /// The same taken from the running server: meters and keys are still only in its memory.
    live: PathBuf,
    /// An older copy, of 306 records.
    older: PathBuf,
    /// Checkpoints that a customer kept: at 306 and at 606 records.
    notes: [String; 2],
    /// The verifier key that a customer kept.
    key: Verifier,
}

static VICTIM: LazyLock<Victim> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let (older, live) = (directory.path().join("older.db"), directory.path().join("live.db"));
    let (notes, key) = run(async {
        let world = World::on_disk(directory.path());
        world.policy("plan", Some(10_000), NewOverage::Refuse).await;
        let licenses = [world.license("plan").await, world.license("plan").await];
        world.change(Command::CreateToken(new_token())).await.expect("a token");
        world.count(uses(&licenses, 0..300)).await.expect("counted");
        backup(directory.path(), &older, &mut |_, _| {}).expect("a copy");
        let first = world.note().await;
        world.count(uses(&licenses, 300..600)).await.expect("counted");
        backup(directory.path(), &live, &mut |_, _| {}).expect("a copy");
        let key = world.engine.verifier_key(&world.system).expect("the key");
        let notes = [first, world.note().await];
        world.engine.close().await;
        (notes, Verifier::parse(&key).expect("a key"))
    });
    let closed = directory.path().join("usance.db");
    Victim { directory, closed, live, older, notes, key }
});

fn new_token() -> NewToken {
    NewToken {
        name: "reader".into(),
        permissions: Permissions::NONE,
        product: None,
        license: None,
        meter: None,
        user: None,
        customer: None,
        audience: None,
        expires_at: None,
    }
}

fn uses(licenses: &[License; 2], numbers: std::ops::Range<usize>) -> Vec<Use> {
    let one = |number: usize| {
        let key = format!("key {number}");
        let used = increment(&licenses[number % 2], 2 - number as i64 % 2, Some(&key));
        let subject = Subject { user: Some("ada".into()), ..Subject::default() };
        Use { subject: number.is_multiple_of(10).then_some(subject), ..used }
    };
    numbers.map(one).collect()
}

/// A copy of a file, for an attack.
struct Copy {
    /// Keeps the file.
    _directory: TempDir,
    path: PathBuf,
    db: Connection,
}

fn copy(of: &Path) -> Copy {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("usance.db");
    std::fs::copy(of, &path).unwrap();
    let db = Connection::open(&path).unwrap();
    Copy { _directory: directory, path, db }
}

fn look(path: &Path, key: Option<&Verifier>, checkpoints: &[&String]) -> Report {
    let checkpoints = checkpoints.iter().copied().cloned().collect();
    let options = VerifyOptions { key: key.cloned(), checkpoints };
    verify(path, &options, &mut |_, _| {}).expect("the file can be read")
}

// Hands.

type Records = Vec<(Vec<u8>, [u8; 4])>;

/// Changes rows, and makes sure that it did.
fn hit(db: &Connection, sql: &str, values: impl rusqlite::Params) {
    assert!(db.execute(sql, values).unwrap() > 0, "{sql}");
}

fn row(record: i64) -> i64 {
    1 << 40 | record
}

/// Changes the records of the block that begins with `first`, and nothing else of it.
fn edit_block(db: &Connection, first: i64, edit: impl FnOnce(&mut Records)) {
    let sql = "SELECT body FROM block WHERE id = ?1";
    let body: Vec<u8> = db.query_row(sql, [row(first)], |row| row.get(0)).unwrap();
    let mut records: Records =
        block::records(&body).map(|(bytes, check)| (bytes.to_vec(), check)).collect();
    edit(&mut records);
    let mut body = Vec::new();
    for (bytes, check) in records {
        let mut leaf = [0; 32];
        leaf[..4].copy_from_slice(&check);
        block::push(&mut body, &bytes, &leaf);
    }
    db.execute("UPDATE block SET body = ?2 WHERE id = ?1", params![row(first), body]).unwrap();
}

/// A record with the check that belongs to it.
fn checked(bytes: Vec<u8>) -> (Vec<u8>, [u8; 4]) {
    let check = *leaf_hash(&bytes).first_chunk().unwrap();
    (bytes, check)
}

/// A use with something changed in it.
fn changed(bytes: &[u8], change: impl FnOnce(&mut Record<'_>)) -> Vec<u8> {
    let mut record = Record::decode(bytes).unwrap();
    change(&mut record);
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    bytes
}

fn later_occurred(record: &mut Record<'_>) {
    if let Event::Use(event) = &mut record.event {
        event.occurred_at = Some(BEGIN);
    }
}

fn twice_applied(record: &mut Record<'_>) {
    if let Event::Use(event) = &mut record.event {
        event.counted.applied *= 2;
        event.counted.asked *= 2;
    }
}

/// Writes the whole ledger again with other records, roots, nodes and, given a signer, signatures:
/// what a thief with all the time in the world does.
fn rewrite(db: &Connection, signer: Option<&Signer>, change: impl Fn(u64, &[u8]) -> Vec<u8>) {
    let origin = Checkpoint::peek(&VICTIM.notes[0]).unwrap().origin;
    let sql = "SELECT id, body FROM block ORDER BY id";
    let blocks: Vec<(i64, Vec<u8>)> = db
        .prepare(sql)
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut frontier = Frontier::default();
    let mut nodes = Vec::new();
    for (id, old) in blocks {
        let mut body = Vec::new();
        for (bytes, _) in block::records(&old) {
            let bytes = change(frontier.size(), bytes);
            let leaf = leaf_hash(&bytes);
            block::push(&mut body, &bytes, &leaf);
            frontier.push(leaf, |position, hash| nodes.push((position, hash)));
        }
        let checkpoint =
            Checkpoint { origin: origin.clone(), size: frontier.size(), root: frontier.root() };
        let signature = signer.map(|signer| signer.sign(&checkpoint));
        let sql = "UPDATE block SET body = ?2, root = ?3,
                   signature = iif(signature IS NULL, NULL, coalesce(?4, signature)) WHERE id = ?1";
        hit(db, sql, params![id, body, frontier.root(), signature]);
    }
    // Only some of them are stored.
    for (position, hash) in nodes {
        let sql = "UPDATE node SET hash = ?3 WHERE height = ?1 AND position = ?2";
        db.execute(sql, params![position.height, position.index.cast_signed(), hash]).unwrap();
    }
}

/// Halves the last use of the first license, in the ledger and in its meter: a cheaper bill.
fn cheaper(index: u64, bytes: &[u8]) -> Vec<u8> {
    if index != 604 {
        return bytes.to_vec();
    }
    changed(bytes, |record| {
        if let Event::Use(event) = &mut record.event {
            event.counted.applied = 1;
            event.counted.total -= 1;
            event.counted.gross -= 1;
        }
    })
}

const CHEAPER_METER: &str = "UPDATE meter SET total = total - 1, gross = gross - 1
                             WHERE last_record = 604";

fn thief() -> Signer {
    Signer::new(VICTIM.key.name(), &[6; 32])
}

// The attacks that a ledger detects by itself.

struct Attack {
    name: &'static str,
    hand: fn(&Connection),
    record: Option<u64>,
    problem: fn(&Problem) -> bool,
}

const fn attack(
    name: &'static str,
    hand: fn(&Connection),
    record: Option<u64>,
    problem: fn(&Problem) -> bool,
) -> Attack {
    Attack { name, hand, record, problem }
}

macro_rules! sql {
    ($sql:expr) => {
        |db| db.execute_batch($sql).unwrap()
    };
}

macro_rules! is {
    ($pattern:pat) => {
        |problem| matches!(problem, $pattern)
    };
}

const BY_ITSELF: &[Attack] = &[
    // Records.
    attack(
        "a byte of a record is changed",
        |db| edit_block(db, 6, |records| records[14].0[40] ^= 1),
        Some(20),
        is!(Problem::Damaged),
    ),
    attack(
        "an amount is changed, with the record's check",
        |db| {
            edit_block(db, 6, |records| {
                records[14] = checked(changed(&records[14].0, twice_applied));
            });
        },
        Some(20),
        is!(Problem::Flaw(Flaw::WrongTotal { .. })),
    ),
    attack(
        "what no sum depends on is changed, with the record's check",
        |db| {
            edit_block(db, 6, |records| {
                records[14] = checked(changed(&records[14].0, later_occurred));
            });
        },
        Some(6),
        is!(Problem::WrongRoot(133)),
    ),
    attack(
        "a record and everything that follows from it is changed, but the signature",
        |db| {
            rewrite(db, None, cheaper);
            db.execute_batch(CHEAPER_METER).unwrap();
        },
        Some(605),
        is!(Problem::Forged),
    ),
    attack(
        "a record is replaced by bytes that are none",
        |db| edit_block(db, 6, |records| records[14] = checked(vec![1, 99])),
        Some(20),
        is!(Problem::Flaw(Flaw::Undecodable(_))),
    ),
    attack(
        "a record is deleted inside its block",
        |db| edit_block(db, 6, |records| drop(records.remove(14))),
        Some(21),
        is!(Problem::Flaw(Flaw::WrongPrevious { stated: Some(20), found: Some(18) })),
    ),
    attack(
        "the last record of a block is deleted",
        |db| edit_block(db, 562, |records| drop(records.pop())),
        Some(605),
        is!(Problem::Missing(605)),
    ),
    attack(
        "a record is deleted inside its block, and the count made to fit",
        |db| {
            edit_block(db, 6, |records| drop(records.remove(14)));
            db.execute("UPDATE block SET count = 127 WHERE id = ?1", [row(6)]).unwrap();
        },
        Some(21),
        is!(Problem::Flaw(Flaw::WrongPrevious { stated: Some(20), found: Some(18) })),
    ),
    attack(
        "a record is inserted",
        |db| edit_block(db, 6, |records| records.insert(15, records[14].clone())),
        Some(21),
        is!(Problem::Flaw(Flaw::WrongPrevious { stated: Some(18), found: Some(20) })),
    ),
    attack(
        "a record is appended to the last block",
        |db| edit_block(db, 562, |records| records.push(records[43].clone())),
        Some(606),
        is!(Problem::Surplus),
    ),
    attack(
        "a record is inserted, and the count made to fit",
        |db| {
            edit_block(db, 6, |records| records.insert(15, records[14].clone()));
            db.execute("UPDATE block SET count = 129 WHERE id = ?1", [row(6)]).unwrap();
        },
        Some(21),
        is!(Problem::Flaw(Flaw::WrongPrevious { stated: Some(18), found: Some(20) })),
    ),
    attack(
        "two records change places",
        |db| edit_block(db, 6, |records| records.swap(14, 16)),
        Some(20),
        is!(Problem::Flaw(Flaw::WrongPrevious { stated: Some(20), found: Some(18) })),
    ),
    attack(
        "two records of different licenses change places",
        |db| edit_block(db, 6, |records| records.swap(14, 15)),
        Some(22),
        is!(Problem::Flaw(Flaw::WrongPrevious { stated: Some(20), found: Some(21) })),
    ),
    attack(
        "a record is stamped earlier",
        |db| {
            edit_block(db, 6, |records| {
                records[14] =
                    checked(changed(&records[14].0, |record| record.at = Timestamp(BEGIN.0 - 1)));
            });
        },
        Some(20),
        is!(Problem::Flaw(Flaw::TimeRunsBackwards)),
    ),
    attack(
        "the first record opens another ledger",
        |db| {
            edit_block(db, 0, |records| {
                let other = |record: &mut Record<'_>| {
                    if let Event::Opened { account, .. } = &mut record.event {
                        *account = usance_core::id::AccountId::from_bytes([0; 16]);
                    }
                };
                records[0] = checked(changed(&records[0].0, other));
            });
        },
        Some(0),
        is!(Problem::Flaw(Flaw::WrongOpening)),
    ),
    // Blocks.
    attack(
        "a block is deleted",
        |db| hit(db, "DELETE FROM block WHERE id = ?1", [row(134)]),
        Some(134),
        is!(Problem::Missing(261)),
    ),
    attack(
        "the first block is deleted",
        |db| hit(db, "DELETE FROM block WHERE id = ?1", [row(0)]),
        Some(0),
        is!(Problem::Missing(0)),
    ),
    attack(
        "two blocks change places",
        |db| {
            for (from, to) in [(row(6), 1), (row(134), row(6)), (1, row(134))] {
                db.execute("UPDATE block SET id = ?2 WHERE id = ?1", [from, to]).unwrap();
            }
        },
        Some(6),
        is!(Problem::Flaw(Flaw::WrongPrevious { .. })),
    ),
    attack(
        "a block is there twice",
        |db| {
            let sql = "INSERT INTO block SELECT ?2, count, root, signature, body FROM block
                       WHERE id = ?1";
            hit(db, sql, [row(6), row(7)]);
        },
        Some(7),
        is!(Problem::Surplus),
    ),
    attack(
        "a block counts more than it holds",
        |db| hit(db, "UPDATE block SET count = 45 WHERE id = ?1", [row(262)]),
        Some(306),
        is!(Problem::Missing(306)),
    ),
    attack(
        "a root is changed",
        |db| hit(db, "UPDATE block SET root = zeroblob(32) WHERE id = ?1", [row(134)]),
        Some(134),
        is!(Problem::WrongRoot(261)),
    ),
    attack(
        "the last signature is changed",
        |db| {
            let sql = "UPDATE block SET signature = zeroblob(64) WHERE id = ?1";
            hit(db, sql, [row(562)]);
        },
        Some(605),
        is!(Problem::Forged),
    ),
    attack(
        "the last signature is that of an older end",
        |db| {
            let sql = "UPDATE block SET signature = (SELECT signature FROM block WHERE id = ?2)
                       WHERE id = ?1";
            hit(db, sql, [row(562), row(262)]);
        },
        Some(605),
        is!(Problem::Forged),
    ),
    attack(
        "the last signature is deleted",
        |db| hit(db, "UPDATE block SET signature = NULL WHERE id = ?1", [row(562)]),
        Some(605),
        is!(Problem::NotSigned),
    ),
    attack(
        "the tail is cut after a block that a unit of work did not end with",
        |db| hit(db, "DELETE FROM block WHERE id >= ?1", [row(562)]),
        Some(561),
        is!(Problem::NotSigned),
    ),
    attack(
        "the tail is cut below what was written back",
        |db| hit(db, "DELETE FROM block WHERE id >= ?1", [row(306)]),
        Some(306),
        is!(Problem::TailCut(SIZE)),
    ),
    attack(
        "the tail is cut, and what was written back said to be less",
        |db| {
            db.execute("DELETE FROM block WHERE id >= ?1", [row(306)]).unwrap();
            db.execute("UPDATE ledger SET covered = 306", []).unwrap();
        },
        Some(304),
        is!(Problem::WrongMeter(_)),
    ),
    attack(
        "a tree node is changed",
        sql!("UPDATE node SET hash = zeroblob(32) WHERE position = 1"),
        Some(511),
        is!(Problem::WrongNode),
    ),
    attack(
        "a tree node is deleted",
        sql!("DELETE FROM node WHERE position = 0"),
        Some(255),
        is!(Problem::WrongNode),
    ),
    attack("the ledger's writer is deleted", sql!("DELETE FROM writer"), None, |problem| {
        *problem == Problem::NotSigned
    }),
    attack(
        "the writer's key is replaced",
        |db| {
            let public = thief().verifier().public();
            db.execute("UPDATE writer SET public_key = ?1", [public]).unwrap();
        },
        Some(605),
        is!(Problem::Forged),
    ),
    attack(
        "the ledger is given to another account",
        sql!("UPDATE ledger SET account = zeroblob(16)"),
        Some(0),
        is!(Problem::Flaw(Flaw::WrongOpening)),
    ),
    attack("the ledger is forgotten", sql!("DELETE FROM ledger"), Some(0), is!(Problem::Surplus)),
    attack(
        "the ledger gets a number that no ledger has",
        sql!("UPDATE ledger SET number = 4294967295"),
        Some(0),
        is!(Problem::Surplus),
    ),
    attack(
        "the ledger and its records are deleted",
        sql!("DELETE FROM ledger; DELETE FROM block"),
        None,
        is!(Problem::WrongEntry(_)),
    ),
    // Personal data.
    attack(
        "a user is changed",
        |db| hit(db, "UPDATE subject SET user = 'eve' WHERE id = ?1", [row(16)]),
        Some(16),
        is!(Problem::WrongSubject),
    ),
    attack(
        "a user is deleted, but not its salt",
        |db| hit(db, "UPDATE subject SET user = NULL WHERE id = ?1", [row(16)]),
        Some(16),
        is!(Problem::WrongSubject),
    ),
    attack(
        "a user moves to another field",
        |db| {
            let sql = "UPDATE subject SET host = user, user = NULL WHERE id = ?1";
            hit(db, sql, [row(16)]);
        },
        Some(16),
        is!(Problem::WrongSubject),
    ),
    attack(
        "a salt is changed",
        |db| hit(db, "UPDATE subject SET salt = zeroblob(32) WHERE id = ?1", [row(16)]),
        Some(16),
        is!(Problem::WrongSubject),
    ),
    attack(
        "a user is put beside a record that names none",
        |db| {
            let sql = "INSERT INTO subject (id, salt, user) VALUES (?1, zeroblob(32), 'eve')";
            hit(db, sql, [row(17)]);
        },
        None,
        is!(Problem::StraySubject),
    ),
    // Meters.
    attack(
        "a total is lowered",
        sql!("UPDATE meter SET total = total - 1 WHERE last_record = 604"),
        Some(604),
        is!(Problem::WrongMeter(_)),
    ),
    attack(
        "a gross is lowered",
        sql!("UPDATE meter SET gross = gross - 1 WHERE last_record = 605"),
        Some(605),
        is!(Problem::WrongMeter(_)),
    ),
    attack(
        "a meter is put back to where it stood before",
        sql!(
            "UPDATE meter SET total = 598, gross = 598, last_record = 602
             WHERE last_record = 604"
        ),
        Some(604),
        is!(Problem::WrongMeter(_)),
    ),
    attack(
        "a meter is put back to where it began",
        sql!("UPDATE meter SET total = 0, gross = 0, last_record = NULL WHERE last_record = 604"),
        Some(604),
        is!(Problem::WrongMeter(_)),
    ),
    attack(
        "a meter is deleted",
        sql!("DELETE FROM meter WHERE last_record = 604"),
        Some(604),
        is!(Problem::WrongMeter(_)),
    ),
    attack(
        "a license gets a ceiling of its own",
        sql!("UPDATE meter SET own_allowed = 1, allowed = NULL WHERE last_record = 604"),
        None,
        is!(Problem::WrongEntry(_)),
    ),
    // The catalogue.
    attack(
        "a policy's limit is raised",
        sql!("UPDATE policy_meter SET spec = replace(spec, 'allowed=10000', 'allowed=20000')"),
        None,
        is!(Problem::WrongEntry(_)),
    ),
    attack(
        "a policy's overage is allowed",
        sql!("UPDATE policy_meter SET spec = spec || 'overage=allow' || char(10)"),
        None,
        is!(Problem::WrongEntry(_)),
    ),
    attack(
        "a license is said to end later",
        sql!("UPDATE license SET expires_at = 1"),
        None,
        is!(Problem::WrongEntry(_)),
    ),
    attack(
        "a license is suspended",
        sql!("UPDATE license SET standing = 1"),
        None,
        is!(Problem::WrongEntry(_)),
    ),
    attack(
        "a license's key is changed",
        sql!("UPDATE license SET key = key || '2'"),
        None,
        is!(Problem::WrongEntry(_)),
    ),
    attack(
        "a license is inserted",
        sql!(
            "CREATE TABLE other AS SELECT * FROM license LIMIT 1;
             UPDATE other SET id = zeroblob(16), key = 'KEY';
             INSERT INTO license SELECT * FROM other; DROP TABLE other"
        ),
        None,
        is!(Problem::WrongEntry(_)),
    ),
    attack(
        "the licenses are deleted",
        sql!("DELETE FROM license"),
        None,
        |problem| matches!(problem, Problem::WrongEntry(what) if what.contains("is gone")),
    ),
    attack(
        "a license is deleted with its meters",
        sql!(
            "DELETE FROM license WHERE id = (SELECT license FROM meter WHERE last_record = 604);
             DELETE FROM meter WHERE last_record = 604"
        ),
        None,
        is!(Problem::WrongEntry(_)),
    ),
    attack(
        "a product is renamed",
        sql!("UPDATE product SET name = 'Another'"),
        None,
        is!(Problem::WrongEntry(_)),
    ),
    attack(
        "a token may do everything",
        sql!("UPDATE token SET permissions = '*'"),
        None,
        is!(Problem::WrongEntry(_)),
    ),
    attack(
        "an entry is changed to what cannot be",
        sql!("UPDATE license SET standing = 9"),
        None,
        is!(Problem::Unreadable(_)),
    ),
    attack("a table is dropped", sql!("DROP TABLE meter"), None, is!(Problem::Unreadable(_))),
];

/// What is missing in a report of an attack.
fn shortcoming(attack: &Attack, report: &Report) -> Option<String> {
    let is_expected =
        |finding: &Finding| finding.record == attack.record && (attack.problem)(&finding.what);
    if report.findings.iter().any(is_expected) {
        return None;
    }
    Some(format!("{}: nothing as expected in {:?}", attack.name, report.findings))
}

#[test]
fn the_untouched_files_are_clean() {
    let Victim { directory, closed, live, older, notes, key } = &*VICTIM;
    for (path, size, kept) in [
        (closed.as_path(), SIZE, &[&notes[0], &notes[1]][..]),
        (live, SIZE, &[&notes[0], &notes[1]]),
        (directory.path(), SIZE, &[&notes[1]]),
        (older, 306, &[&notes[0]]),
    ] {
        let report = look(path, Some(key), kept);
        assert_eq!(report.findings, [], "{}", path.display());
        assert_eq!(report.remarks, [""; 0]);
        assert_eq!((report.records(), report.meters, report.catalogue_entries), (size, 2, 5));
        let uses = size - 6;
        assert_eq!((report.subjects_opened, report.subjects_absent), (uses / 10, 0));
        let ledger = &report.ledgers[0];
        assert_eq!((ledger.size, ledger.tally.uses, ledger.tally.changed), (size, uses, 5));
        assert_eq!(&ledger.verifier, key);
    }
}

#[test]
fn what_a_ledger_detects_by_itself() {
    let mut shortcomings = Vec::new();
    for attack in BY_ITSELF {
        let copy = copy(&VICTIM.closed);
        (attack.hand)(&copy.db);
        let report = look(&copy.path, None, &[]);
        shortcomings.extend(shortcoming(attack, &report));
        for finding in report.findings {
            assert!(finding.to_string().len() > 20, "{finding:?} is explained");
        }
    }
    assert!(shortcomings.is_empty(), "{}", shortcomings.join("\n"));
}

// The attacks that need what somebody kept.

#[test]
fn what_a_kept_checkpoint_or_key_detects() {
    let Victim { notes, key, .. } = &*VICTIM;
    let cut: fn(&Connection) = |db| {
        // All that a careful thief can put back is put back.
        db.execute("DELETE FROM block WHERE id >= ?1", [row(306)]).unwrap();
        db.execute("DELETE FROM subject WHERE id >= ?1", [row(306)]).unwrap();
    };
    let rewritten: fn(&Connection) = |db| {
        rewrite(db, Some(&thief()), cheaper);
        let public = thief().verifier().public();
        db.execute("UPDATE writer SET public_key = ?1", [public]).unwrap();
        db.execute_batch("UPDATE meter SET total = 599, gross = 599 WHERE last_record = 604")
            .unwrap();
    };
    let untouched: fn(&Connection) = |_| {};
    let other_origin = notes[0].replacen("usance/acc_", "usance/acc_0", 1);
    let garbage = "garbage".to_owned();
    type Found = (Option<u64>, Problem);
    type Kept<'a> = (Option<&'a Verifier>, &'a [&'a String]);
    type Case<'a> = (&'a str, &'a Path, fn(&Connection), Kept<'a>, &'a [Found]);
    let not_signed = CheckpointError::NotSigned;
    let cases: [Case<'_>; 11] = [
        (
            // The whole of it: nothing in the file says that there was more. A tail that nobody
            // else has seen can be cut, and that cannot be told by software.
            "the tail is cut, and nothing was kept",
            &VICTIM.live,
            cut,
            (None, &[]),
            &[],
        ),
        ("the tail is cut above the kept checkpoint", &VICTIM.live, cut, (None, &[&notes[0]]), &[]),
        (
            "the tail is cut below the kept checkpoint",
            &VICTIM.live,
            cut,
            (None, &[&notes[1]]),
            &[(Some(306), Problem::TailCut(SIZE))],
        ),
        (
            "an older copy is put back",
            &VICTIM.older,
            untouched,
            (Some(key), &[&notes[1], &notes[0]]),
            &[(Some(306), Problem::TailCut(SIZE))],
        ),
        (
            // Who can write the file can replace the key in it, so the key must be kept elsewhere.
            "history is rewritten and signed with another key, and nothing was kept",
            &VICTIM.closed,
            rewritten,
            (None, &[]),
            &[],
        ),
        (
            "history is rewritten and signed with another key, and the key was kept",
            &VICTIM.closed,
            rewritten,
            (Some(key), &[]),
            &[(None, Problem::OtherKey)],
        ),
        (
            "history is rewritten and signed with another key, and a checkpoint was kept",
            &VICTIM.closed,
            rewritten,
            (None, &[&notes[1]]),
            &[(None, Problem::BadCheckpoint(not_signed))],
        ),
        (
            "history is rewritten and signed with another key, and both were kept",
            &VICTIM.closed,
            rewritten,
            (Some(key), &[&notes[0], &notes[1]]),
            &[(None, Problem::OtherKey), (None, Problem::OtherHistory(SIZE))],
        ),
        (
            "a checkpoint is of another ledger",
            &VICTIM.closed,
            untouched,
            (None, &[&other_origin]),
            &[(None, Problem::UnknownOrigin)],
        ),
        (
            "a checkpoint is garbage",
            &VICTIM.closed,
            untouched,
            (None, &[&garbage]),
            &[(None, Problem::UnknownOrigin)],
        ),
        (
            "an untouched file is held against everything",
            &VICTIM.closed,
            untouched,
            (Some(key), &[&notes[1], &notes[0], &notes[1]]),
            &[],
        ),
    ];
    for (name, path, hand, (key, kept), expected) in cases {
        let copy = copy(path);
        hand(&copy.db);
        let report = look(&copy.path, key, kept);
        let found = report.findings.into_iter().map(|finding| (finding.record, finding.what));
        assert_eq!(found.collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn two_copies_that_ran_side_by_side_show_two_histories() {
    let first = tempfile::tempdir().unwrap();
    let second = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(first.path());
        world.policy("plan", None, NewOverage::Refuse).await;
        let license = world.license("plan").await;
        world.engine.close().await;
        drop(world);
        for name in ["usance.db", "writer.key"] {
            std::fs::copy(first.path().join(name), second.path().join(name)).unwrap();
        }
        let one = World::on_disk(first.path());
        let two = World::on_disk(second.path());
        one.count_one(increment(&license, 1, None)).await.unwrap();
        two.count_one(increment(&license, 2, None)).await.unwrap();
        let (of_one, of_two) = (one.note().await, two.note().await);
        two.count_one(increment(&license, 2, None)).await.unwrap();
        for (path, kept, expected) in [
            (first.path(), &of_one, None),
            (second.path(), &of_two, None),
            (first.path(), &of_two, Some(Problem::OtherHistory(5))),
            (second.path(), &of_one, Some(Problem::OtherHistory(5))),
        ] {
            let found = look(path, None, &[kept]).findings.into_iter().map(|finding| finding.what);
            assert_eq!(found.collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
        }
    });
}

#[test]
fn a_clock_that_is_set_back_is_remarked_and_time_does_not_fall() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        world.policy("plan", None, NewOverage::Refuse).await;
        let license = world.license("plan").await;
        for seconds in [0, 3600, 3599, 3598, 3600, 60, 30, 3597, 3598, 4000, 0] {
            world.clock.put(BEGIN.plus_ms(seconds * 1000));
            world.count_one(increment(&license, 1, None)).await.unwrap();
        }
        let at = world.history(&license, "frames", 100).await.into_iter().rev();
        let seconds: Vec<_> = at.map(|entry| (entry.at.0 - BEGIN.0) / 1000).collect();
        assert_eq!(seconds, [0, 3600, 3600, 3600, 3600, 3600, 3600, 3600, 3600, 4000, 4000]);
    });
    let report = check(directory.path());
    assert_eq!(report.findings, []);
    // Two seconds are what time synchronisation does; 60 and 30 are one, 3597 a second.
    assert_eq!(report.ledgers[0].tally.clock_back, 2);
    assert_eq!(report.remarks.len(), 1);
    assert!(report.remarks[0].contains("set back 2 times"), "{:?}", report.remarks);
}

#[test]
fn erased_personal_data_is_absent_and_nothing_is_wrong() {
    let copy = copy(&VICTIM.closed);
    copy.db.execute("DELETE FROM subject WHERE id = ?1", [row(16)]).unwrap();
    let report = look(&copy.path, Some(&VICTIM.key), &[&VICTIM.notes[1]]);
    assert_eq!(report.findings, []);
    assert_eq!((report.subjects_opened, report.subjects_absent), (59, 1));
}

// What a running server has not written back follows from the records, and must be one of them.

#[test]
fn meters_that_are_not_written_back_must_be_one_of_their_own_states() {
    let licenses: Vec<Vec<u8>> = Connection::open(&VICTIM.closed)
        .unwrap()
        .prepare("SELECT license FROM meter ORDER BY last_record")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    // The first license is at 600 after record 604, the second at 300 after record 605.
    for (name, total, gross, last_record, is_clean) in [
        ("where it began", 0, 0, None, true),
        ("where it stood once", 298, 298, Some(302), true),
        ("where it stands", 600, 600, Some(604), true),
        ("where it never stood", 299, 298, Some(302), false),
        ("where the other license stands", 300, 300, Some(605), false),
        ("after a record that there is not", 600, 600, Some(5000), false),
        ("after a record of the catalogue", 0, 0, Some(3), false),
        ("beyond the first record, as if it never moved", 1, 0, None, false),
    ] {
        let copy = copy(&VICTIM.live);
        let sql = "UPDATE meter SET total = ?2, gross = ?3, last_record = ?4 WHERE license = ?1";
        hit(&copy.db, sql, params![licenses[0], total, gross, last_record]);
        let report = look(&copy.path, None, &[]);
        let wrong =
            report.findings.iter().all(|finding| matches!(finding.what, Problem::WrongMeter(_)));
        assert!(wrong, "{:?}", report.findings);
        assert_eq!(report.is_clean(), is_clean, "{name}: {:?}", report.findings);
    }
}

// What the ledger does not say, asserted as it is.

#[test]
fn what_verify_does_not_see() {
    for (name, sql) in [
        // Only the last signature counts; each one before it is replaced by it.
        (
            "an older signature is changed",
            "UPDATE block SET signature = zeroblob(64) WHERE id = 1 << 40 | 3",
        ),
        // Derived from the records, and not yet computed again by verify.
        ("sums of an hour are changed", "UPDATE meter SET incremented = incremented + 1"),
        ("refusals are changed", "UPDATE meter SET refusals = 99"),
        ("the keys that were spent are forgotten", "DELETE FROM key_run"),
        // No part of an entry's canonical text.
        ("a license is said to be older", "UPDATE license SET created_at = 0, updated_at = 0"),
    ] {
        let copy = copy(&VICTIM.closed);
        copy.db.execute_batch(sql).unwrap();
        assert!(copy.db.changes() > 0, "{name} changes something");
        assert_eq!(look(&copy.path, None, &[]).findings, [], "{name}");
    }
}

// Damage that is nobody's plan.

#[test]
fn a_flipped_byte_of_any_record_is_found() {
    let copy = copy(&VICTIM.closed);
    let bodies: Vec<(i64, Vec<u8>)> = copy
        .db
        .prepare("SELECT id, body FROM block")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let put = |id: i64, body: &[u8]| {
        copy.db.execute("UPDATE block SET body = ?2 WHERE id = ?1", params![id, body]).unwrap();
    };
    use proptest::prelude::*;
    let inputs = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1u8..=255);
    property(150, &inputs, |(block, byte, flip)| {
        let (id, body) = &bodies[block.index(bodies.len())];
        let mut damaged = body.clone();
        damaged[byte.index(body.len())] ^= flip;
        put(*id, &damaged);
        let report = look(&copy.path, None, &[]);
        put(*id, body);
        assert!(!report.is_clean(), "byte {} of block {}", byte.index(body.len()), id - row(0));
    });
    assert_eq!(look(&copy.path, None, &[]).findings, []);
}

#[test]
fn a_file_that_was_cut_short_is_never_clean() {
    let whole = std::fs::read(&VICTIM.closed).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("usance.db");
    for cut in [0, 1, 100, 4096, 4097, whole.len() / 3, whole.len() / 2, whole.len() - 4096] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let found = verify(&path, &VerifyOptions::default(), &mut |_, _| {});
        assert!(!found.as_ref().is_ok_and(Report::is_clean), "cut at {cut}: {found:?}");
    }
}

#[test]
fn a_file_that_is_none_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("usance.db");
    let look = || verify(directory.path(), &VerifyOptions::default(), &mut |_, _| {});
    assert!(matches!(look(), Err(OpenError::Io { .. })));
    let mut whole = std::fs::read(&VICTIM.closed).unwrap();
    whole[..16].copy_from_slice(b"something else..");
    std::fs::write(&path, &whole).unwrap();
    assert!(matches!(look(), Err(OpenError::NotADatabase(_))), "{:?}", look());
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE something (other)").unwrap();
    std::fs::remove_file(&path).unwrap();
    db.execute("VACUUM INTO ?1", [path.to_str().unwrap()]).unwrap();
    assert!(matches!(look(), Err(OpenError::NotADatabase(_))), "{:?}", look());
}

#[test]
fn a_running_server_is_clean_at_every_moment() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        world.policy("plan", None, NewOverage::Refuse).await;
        let license = world.license("plan").await;
        let mut token = None;
        for number in 0..20 {
            world.count_one(increment(&license, 1, None)).await.unwrap();
            if number == 10 {
                let reply = world.change(Command::CreateToken(new_token())).await;
                let Ok(Reply::Token(made, _)) = reply else { panic!("{reply:?}") };
                token = Some(made.id);
            }
            let notes = [world.note().await];
            let report = look(directory.path(), None, &[&notes[0]]);
            assert_eq!(report.findings, []);
        }
        let revoked = world.change(Command::RevokeToken(token.unwrap())).await;
        assert!(revoked.is_ok(), "{revoked:?}");
        assert_eq!(check(directory.path()).findings, []);
        // Two handles, one engine.
        let other = world.engine.clone();
        let system = Arc::clone(&world.system);
        drop(world);
        assert!(other.checkpoint(system).await.is_ok());
    });
}
