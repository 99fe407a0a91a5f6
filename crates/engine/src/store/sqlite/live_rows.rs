//! What lives on licenses as rows, in both directions.

use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};
use usance_core::activation::{Activation, Component, Process};
use usance_core::id::{
    AccountId, ActivationId, ComponentId, HoldId, LicenseId, ProcessId, SessionId, UserId,
};
use usance_core::live::{Hold, Live, LiveChange, Pass, Session, Share};
use usance_core::usage::Subject;

use super::rows::{at, code, maybe_at, maybe_id, metadata};

type Result<T> = rusqlite::Result<T>;

pub const ACTIVATION: &str = "id, fingerprint, name, hostname, platform, address, cores, memory, \
                              disk, is_vm, is_container, user, components, metadata, \
                              own_heartbeat_seconds, seen_at, last_file_at, created_at, updated_at";

/// What lives on a license.
pub fn live(db: &Connection, account: AccountId, license: LicenseId) -> Result<Live> {
    let mut live = Live {
        activations: many(
            db,
            ("activation", ACTIVATION, "created_at, id"),
            account,
            license,
            |row| activation(row).map(Arc::new),
        )?,
        shares: many(
            db,
            ("share", "activation, meter, quantity", "meter, activation"),
            account,
            license,
            share,
        )?,
        holds: many(db, ("hold", HOLD, "created_at, id"), account, license, |row| {
            hold(row).map(Arc::new)
        })?,
        sessions: many(db, ("session", SESSION, "created_at, id"), account, license, |row| {
            session(row).map(Arc::new)
        })?,
        ..Live::default()
    };
    // What only is where the others are.
    if !live.activations.is_empty() {
        live.processes =
            many(db, ("process", PROCESS, "created_at, id"), account, license, |row| {
                process(row).map(Arc::new)
            })?;
    }
    live.passes = many(db, ("pass", "holder, until", "holder"), account, license, |row| {
        Ok(Pass { holder: row.get(0)?, until: at(row, 1)? })
    })?;
    Ok(live)
}

const HOLD: &str = "id, meter, activation, units, expires_at, created_at";
const SESSION: &str = "id, meter, activation, count, reserved, active_ms, user, host, address, \
                       seen_at, expires_at, created_at";
const PROCESS: &str = "id, activation, pid, metadata, seen_at, created_at";

fn many<T>(
    db: &Connection,
    (table, columns, order): (&str, &str, &str),
    account: AccountId,
    license: LicenseId,
    read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let sql = format!(
        "SELECT {columns} FROM {table} WHERE account = ?1 AND license = ?2 ORDER BY {order}"
    );
    db.prepare_cached(&sql)?.query_map(params![account.bytes(), license.bytes()], read)?.collect()
}

pub fn activation(row: &Row<'_>) -> Result<Activation> {
    let unsigned = |column| -> Result<Option<u64>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
    };
    Ok(Activation {
        id: ActivationId::from_bytes(row.get(0)?),
        fingerprint: row.get(1)?,
        name: row.get(2)?,
        hostname: row.get(3)?,
        platform: row.get(4)?,
        address: row.get(5)?,
        cores: row.get(6)?,
        memory: unsigned(7)?,
        disk: unsigned(8)?,
        is_vm: row.get(9)?,
        is_container: row.get(10)?,
        user: maybe_id(row, 11, UserId::from_bytes)?,
        components: components(row.get_ref(12)?.as_str()?)?,
        metadata: metadata(row, 13)?,
        own_heartbeat_seconds: row.get(14)?,
        seen_at: maybe_at(row, 15)?,
        last_file_at: maybe_at(row, 16)?,
        created_at: at(row, 17)?,
        updated_at: at(row, 18)?,
    })
}

/// Components as text: id, fingerprint and name, in lines with tabs between. Neither has control
/// characters.
fn components_text(components: &[Component]) -> String {
    let line = |one: &Component| format!("{}\t{}\t{}\n", one.id, one.fingerprint, one.name);
    components.iter().map(line).collect()
}

fn components(text: &str) -> Result<Vec<Component>> {
    let component = |line: &str| {
        let mut parts = line.splitn(3, '\t');
        Some(Component {
            id: parts.next()?.parse::<ComponentId>().ok()?,
            fingerprint: parts.next()?.into(),
            name: parts.next()?.into(),
        })
    };
    text.lines().map(component).collect::<Option<_>>().ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(12, Type::Text, "not components".into())
    })
}

fn share(row: &Row<'_>) -> Result<Share> {
    Ok(Share {
        activation: ActivationId::from_bytes(row.get(0)?),
        meter: code(row, 1)?,
        quantity: row.get(2)?,
    })
}

fn hold(row: &Row<'_>) -> Result<Hold> {
    Ok(Hold {
        id: HoldId::from_bytes(row.get(0)?),
        meter: code(row, 1)?,
        activation: maybe_id(row, 2, ActivationId::from_bytes)?,
        units: row.get(3)?,
        expires_at: at(row, 4)?,
        created_at: at(row, 5)?,
    })
}

fn session(row: &Row<'_>) -> Result<Session> {
    let subject = Subject { user: row.get(6)?, host: row.get(7)?, address: row.get(8)? };
    Ok(Session {
        id: SessionId::from_bytes(row.get(0)?),
        meter: code(row, 1)?,
        activation: maybe_id(row, 2, ActivationId::from_bytes)?,
        count: row.get(3)?,
        reserved: row.get(4)?,
        active_ms: row.get(5)?,
        subject: Some(subject).filter(|subject| *subject != Subject::default()),
        seen_at: at(row, 9)?,
        expires_at: at(row, 10)?,
        created_at: at(row, 11)?,
    })
}

fn process(row: &Row<'_>) -> Result<Process> {
    Ok(Process {
        id: ProcessId::from_bytes(row.get(0)?),
        activation: ActivationId::from_bytes(row.get(1)?),
        pid: row.get(2)?,
        metadata: metadata(row, 3)?,
        seen_at: at(row, 4)?,
        created_at: at(row, 5)?,
    })
}

/// Writes a change of what lives on a license.
pub fn write(
    db: &Connection,
    account: AccountId,
    license: LicenseId,
    change: &LiveChange,
) -> Result<()> {
    let drop_by = |table: &str, column: &str, id: &dyn rusqlite::ToSql| {
        db.prepare_cached(&format!(
            "DELETE FROM {table} WHERE account = ?1 AND license = ?2 AND {column} = ?3"
        ))?
        .execute(params![account.bytes(), license.bytes(), id])
        .map(|_| ())
    };
    match change {
        LiveChange::PutActivation(new) => put_activation(db, account, license, new),
        LiveChange::DropActivation(id) => {
            drop_by("activation", "id", id.bytes())?;
            drop_by("component", "activation", id.bytes())?;
            drop_by("process", "activation", id.bytes())?;
            drop_by("share", "activation", id.bytes())
        }
        LiveChange::PutProcess(new) => put_process(db, account, license, new),
        LiveChange::DropProcess(id) => drop_by("process", "id", id.bytes()),
        LiveChange::PutShare(new) => put_share(db, account, license, new),
        LiveChange::DropShares(meter) => drop_by("share", "meter", &meter.as_str()),
        LiveChange::PutHold(new) => put_hold(db, account, license, new),
        LiveChange::DropHold(id) => drop_by("hold", "id", id.bytes()),
        LiveChange::PutSession(new) => put_session(db, account, license, new),
        LiveChange::DropSession(id) => drop_by("session", "id", id.bytes()),
        LiveChange::PutPass(new) => db
            .prepare_cached(
                "INSERT OR IGNORE INTO pass (account, license, holder, until)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![account.bytes(), license.bytes(), new.holder, new.until.0])
            .map(|_| ()),
        LiveChange::DropPasses(now) => db
            .prepare_cached("DELETE FROM pass WHERE account = ?1 AND license = ?2 AND until <= ?3")?
            .execute(params![account.bytes(), license.bytes(), now.0])
            .map(|_| ()),
    }
}

/// Forgets all that lived on a license that is deleted.
pub fn forget(db: &Connection, account: AccountId, license: LicenseId) -> Result<()> {
    for table in ["activation", "component", "process", "share", "hold", "session", "pass", "timer"]
    {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE account = ?1 AND license = ?2"))?
            .execute(params![account.bytes(), license.bytes()])?;
    }
    Ok(())
}

fn put_activation(
    db: &Connection,
    account: AccountId,
    license: LicenseId,
    new: &Activation,
) -> Result<()> {
    db.prepare_cached(&format!(
        "INSERT OR REPLACE INTO activation (account, license, {ACTIVATION})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
             ?19, ?20, ?21)"
    ))?
    .execute(params![
        account.bytes(),
        license.bytes(),
        new.id.bytes(),
        new.fingerprint,
        new.name,
        new.hostname,
        new.platform,
        new.address,
        new.cores,
        new.memory.map(u64::cast_signed),
        new.disk.map(u64::cast_signed),
        new.is_vm,
        new.is_container,
        new.user.as_ref().map(UserId::bytes),
        components_text(&new.components),
        new.metadata.to_text(),
        new.own_heartbeat_seconds,
        new.seen_at.map(|at| at.0),
        new.last_file_at.map(|at| at.0),
        new.created_at.0,
        new.updated_at.0,
    ])?;
    db.prepare_cached("DELETE FROM component WHERE account = ?1 AND activation = ?2")?
        .execute(params![account.bytes(), new.id.bytes()])?;
    for component in &new.components {
        db.prepare_cached(
            "INSERT OR IGNORE INTO component (account, fingerprint, activation, license)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            account.bytes(),
            component.fingerprint,
            new.id.bytes(),
            license.bytes()
        ])?;
    }
    Ok(())
}

fn put_process(
    db: &Connection,
    account: AccountId,
    license: LicenseId,
    new: &Process,
) -> Result<()> {
    db.prepare_cached(&format!(
        "INSERT OR REPLACE INTO process (account, license, {PROCESS})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    ))?
    .execute(params![
        account.bytes(),
        license.bytes(),
        new.id.bytes(),
        new.activation.bytes(),
        new.pid,
        new.metadata.to_text(),
        new.seen_at.0,
        new.created_at.0,
    ])
    .map(|_| ())
}

fn put_share(db: &Connection, account: AccountId, license: LicenseId, new: &Share) -> Result<()> {
    let sql = match new.quantity {
        0 => {
            "DELETE FROM share WHERE account = ?1 AND license = ?2 AND activation = ?3
                 AND meter = ?4 AND ?5 = 0"
        }
        _ => {
            "INSERT OR REPLACE INTO share (account, license, activation, meter, quantity)
             VALUES (?1, ?2, ?3, ?4, ?5)"
        }
    };
    db.prepare_cached(sql)?
        .execute(params![
            account.bytes(),
            license.bytes(),
            new.activation.bytes(),
            new.meter.as_str(),
            new.quantity
        ])
        .map(|_| ())
}

fn put_hold(db: &Connection, account: AccountId, license: LicenseId, new: &Hold) -> Result<()> {
    db.prepare_cached(&format!(
        "INSERT OR REPLACE INTO hold (account, license, {HOLD})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    ))?
    .execute(params![
        account.bytes(),
        license.bytes(),
        new.id.bytes(),
        new.meter.as_str(),
        new.activation.as_ref().map(ActivationId::bytes),
        new.units,
        new.expires_at.0,
        new.created_at.0,
    ])
    .map(|_| ())
}

fn put_session(
    db: &Connection,
    account: AccountId,
    license: LicenseId,
    new: &Session,
) -> Result<()> {
    let subject = new.subject.clone().unwrap_or_default();
    db.prepare_cached(&format!(
        "INSERT OR REPLACE INTO session (account, license, {SESSION})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
    ))?
    .execute(params![
        account.bytes(),
        license.bytes(),
        new.id.bytes(),
        new.meter.as_str(),
        new.activation.as_ref().map(ActivationId::bytes),
        new.count,
        new.reserved,
        new.active_ms,
        subject.user,
        subject.host,
        subject.address,
        new.seen_at.0,
        new.expires_at.0,
        new.created_at.0,
    ])
    .map(|_| ())
}
