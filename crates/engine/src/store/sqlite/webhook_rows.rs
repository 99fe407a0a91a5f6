//! Receivers of events as rows, in both directions.

use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};
use usance_core::event::Kinds;
use usance_core::id::{AccountId, LicenseId, ProductId, WebhookId};
use usance_core::limits::{DEAD_LETTERS_MAX, DELIVERIES_KEPT_MAX, WEBHOOK_SECRETS_MAX};
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::webhook::{
    Attempt, DeadLetter, DeliveryNote, Disabled, Outcome, Progress, Redelivery, Wants, Webhook,
    WebhookView, WhyDisabled,
};

use super::reader::SqliteReader;
use super::rows::{at, maybe_at, maybe_id, word};
use crate::store::webhooks::{WebhookReader, WebhookSecretRow};
use crate::store::{Slice, StoreError};

type Result<T> = rusqlite::Result<T>;

/// What of a receiver its commitment covers.
pub const WEBHOOK: &str = "id, name, url, kinds, license, product, meter, disabled_at, \
                           disabled_for, secret, created_at, updated_at";
const VIEW: &str = "id, name, url, kinds, license, product, meter, disabled_at, disabled_for, \
                    secret, created_at, updated_at, next, attempts, retry_at, delivered_at, \
                    failed_at, \
                    (SELECT count(*) FROM dead_letter d
                         WHERE d.account = webhook.account AND d.webhook = webhook.id), \
                    (SELECT count(*) FROM redelivery r
                         WHERE r.account = webhook.account AND r.webhook = webhook.id)";

fn damaged(column: usize, what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, what.into())
}

fn count(row: &Row<'_>, column: usize) -> Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

pub fn webhook(row: &Row<'_>) -> Result<Webhook> {
    let kinds = row.get_ref(3)?.as_str()?;
    let kinds = Kinds::parse(kinds.split(' ')).map_err(|_| damaged(3, "not kinds of events"))?;
    let meter = row.get::<_, Option<String>>(6)?;
    let meter = meter.map(|name| Code::parse("meter", &name)).transpose();
    let disabled = match maybe_at(row, 7)? {
        None => None,
        Some(at) => Some(Disabled { at, why: word(row, 8, WhyDisabled::from_word)? }),
    };
    Ok(Webhook {
        id: WebhookId::from_bytes(row.get(0)?),
        name: row.get(1)?,
        url: row.get(2)?,
        wants: Wants {
            kinds,
            license: maybe_id(row, 4, LicenseId::from_bytes)?,
            product: maybe_id(row, 5, ProductId::from_bytes)?,
            meter: meter.map_err(|_| damaged(6, "not a meter"))?,
        },
        disabled,
        secret: row.get(9)?,
        created_at: at(row, 10)?,
        updated_at: at(row, 11)?,
    })
}

fn view(row: &Row<'_>) -> Result<WebhookView> {
    Ok(WebhookView {
        webhook: webhook(row)?,
        progress: progress(row, 12)?,
        delivered_at: maybe_at(row, 15)?,
        failed_at: maybe_at(row, 16)?,
        dead_letters: count(row, 17)?,
        redeliveries: count(row, 18)?,
    })
}

fn progress(row: &Row<'_>, first: usize) -> Result<Progress> {
    Ok(Progress {
        next: count(row, first)?,
        attempts: row.get(first + 1)?,
        retry_at: maybe_at(row, first + 2)?,
    })
}

/// Writes a new or changed receiver. With `progress` it is told from there on.
pub fn put_webhook(
    db: &Connection,
    account: AccountId,
    webhook: &Webhook,
    progress: Option<&Progress>,
) -> Result<()> {
    let wants = &webhook.wants;
    db.prepare_cached(
        "INSERT INTO webhook (account, id, name, url, kinds, license, product, meter, disabled_at,
             disabled_for, secret, created_at, updated_at, next, attempts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, 0)
         ON CONFLICT (account, id) DO UPDATE SET name = ?3, url = ?4, kinds = ?5, license = ?6,
             product = ?7, meter = ?8, disabled_at = ?9, disabled_for = ?10, secret = ?11,
             updated_at = ?13",
    )?
    .execute(params![
        account.bytes(),
        webhook.id.bytes(),
        webhook.name,
        webhook.url,
        wants.kinds.patterns().join(" "),
        wants.license.as_ref().map(LicenseId::bytes),
        wants.product.as_ref().map(ProductId::bytes),
        wants.meter.as_ref().map(Code::as_str),
        webhook.disabled.map(|disabled| disabled.at.0),
        webhook.disabled.map(|disabled| disabled.why.word()),
        webhook.secret,
        webhook.created_at.0,
        webhook.updated_at.0,
    ])?;
    match progress {
        Some(progress) => put_progress(db, account, webhook.id, progress),
        None => Ok(()),
    }
}

fn put_progress(
    db: &Connection,
    account: AccountId,
    id: WebhookId,
    progress: &Progress,
) -> Result<()> {
    db.prepare_cached(
        "UPDATE webhook SET next = ?3, attempts = ?4, retry_at = ?5
         WHERE account = ?1 AND id = ?2",
    )?
    .execute(params![
        account.bytes(),
        id.bytes(),
        progress.next.cast_signed(),
        progress.attempts,
        progress.retry_at.map(|at| at.0),
    ])
    .map(|_| ())
}

/// Forgets a receiver and all that was noted of it.
pub fn delete_webhook(db: &Connection, account: AccountId, id: WebhookId) -> Result<()> {
    db.prepare_cached("DELETE FROM webhook WHERE account = ?1 AND id = ?2")?
        .execute(params![account.bytes(), id.bytes()])?;
    for table in ["webhook_secret", "delivery", "dead_letter", "redelivery"] {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE account = ?1 AND webhook = ?2"))?
            .execute(params![account.bytes(), id.bytes()])?;
    }
    Ok(())
}

/// Writes a receiver's newest secret. The older ones end with `older_until` at the latest, and
/// those that have ended are forgotten.
pub fn put_secret(
    db: &Connection,
    (account, id): (AccountId, WebhookId),
    secret: &WebhookSecretRow,
    older_until: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let kept_from = i64::from(secret.number) - i64::try_from(WEBHOOK_SECRETS_MAX).unwrap_or(0);
    db.prepare_cached(
        "UPDATE webhook_secret SET expires_at = min(coalesce(expires_at, ?3), ?3)
         WHERE account = ?1 AND webhook = ?2",
    )?
    .execute(params![account.bytes(), id.bytes(), older_until.0])?;
    db.prepare_cached(
        "DELETE FROM webhook_secret
         WHERE account = ?1 AND webhook = ?2 AND (expires_at <= ?3 OR number <= ?4)",
    )?
    .execute(params![account.bytes(), id.bytes(), now.0, kept_from])?;
    db.prepare_cached(
        "INSERT INTO webhook_secret (account, webhook, number, secret, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        account.bytes(),
        id.bytes(),
        secret.number,
        secret.secret,
        secret.expires_at.map(|at| at.0),
    ])
    .map(|_| ())
}

/// Writes a new redelivery, or how far one went.
pub fn put_redelivery(
    db: &Connection,
    (account, id): (AccountId, WebhookId),
    redelivery: &Redelivery,
) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO redelivery (account, webhook, number, dead_only, until, next, attempts,
             retry_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        account.bytes(),
        id.bytes(),
        redelivery.number.cast_signed(),
        redelivery.is_dead_only,
        redelivery.until.cast_signed(),
        redelivery.progress.next.cast_signed(),
        redelivery.progress.attempts,
        redelivery.progress.retry_at.map(|at| at.0),
    ])
    .map(|_| ())
}

/// Writes how deliveries went.
pub fn note(db: &Connection, account: AccountId, note: &DeliveryNote) -> Result<()> {
    let id = note.webhook;
    match note.redelivery {
        None => put_progress(db, account, id, &note.progress)?,
        Some(number) if note.is_finished => {
            db.prepare_cached(
                "DELETE FROM redelivery WHERE account = ?1 AND webhook = ?2 AND number = ?3",
            )?
            .execute(params![account.bytes(), id.bytes(), number.cast_signed()])?;
        }
        Some(number) => {
            db.prepare_cached(
                "UPDATE redelivery SET next = ?4, attempts = ?5, retry_at = ?6
                 WHERE account = ?1 AND webhook = ?2 AND number = ?3",
            )?
            .execute(params![
                account.bytes(),
                id.bytes(),
                number.cast_signed(),
                note.progress.next.cast_signed(),
                note.progress.attempts,
                note.progress.retry_at.map(|at| at.0),
            ])?;
        }
    }
    if note.attempts.is_empty() {
        return Ok(());
    }
    let last = db
        .prepare_cached("SELECT max(number) FROM delivery WHERE account = ?1 AND webhook = ?2")?
        .query_row(params![account.bytes(), id.bytes()], |row| row.get::<_, Option<i64>>(0))?;
    let mut number = last.unwrap_or(0);
    for attempt in &note.attempts {
        number += 1;
        put_attempt(db, (account, id), number, attempt)?;
    }
    trim(db, (account, id), number)
}

fn put_attempt(
    db: &Connection,
    (account, id): (AccountId, WebhookId),
    number: i64,
    attempt: &Attempt,
) -> Result<()> {
    let (account, id, event) = (account.bytes(), id.bytes(), attempt.event.cast_signed());
    db.prepare_cached(
        "INSERT INTO delivery (account, webhook, number, event, attempt, again, at, duration_ms,
             outcome, status, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        account,
        id,
        number,
        event,
        attempt.number,
        attempt.is_again,
        attempt.at.0,
        attempt.duration_ms.cast_signed(),
        attempt.outcome.word(),
        attempt.status,
        attempt.answer,
    ])?;
    let column = match attempt.outcome {
        Outcome::Delivered => "delivered_at",
        Outcome::Failed | Outcome::GaveUp | Outcome::Gone => "failed_at",
    };
    let sql = format!("UPDATE webhook SET {column} = ?3 WHERE account = ?1 AND id = ?2");
    db.prepare_cached(&sql)?.execute(params![account, id, attempt.at.0])?;
    match attempt.outcome {
        Outcome::Failed | Outcome::Gone => Ok(()),
        Outcome::Delivered => db
            .prepare_cached(
                "DELETE FROM dead_letter WHERE account = ?1 AND webhook = ?2 AND event = ?3",
            )?
            .execute(params![account, id, event])
            .map(|_| ()),
        Outcome::GaveUp => db
            .prepare_cached(
                "INSERT OR REPLACE INTO dead_letter
                     (account, webhook, event, at, attempts, status, answer)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                account,
                id,
                event,
                attempt.at.0,
                attempt.number,
                attempt.status,
                attempt.answer
            ])
            .map(|_| ()),
    }
}

/// Forgets the oldest attempts and dead letters beyond their bounds.
fn trim(db: &Connection, (account, id): (AccountId, WebhookId), newest: i64) -> Result<()> {
    db.prepare_cached("DELETE FROM delivery WHERE account = ?1 AND webhook = ?2 AND number <= ?3")?
        .execute(params![
            account.bytes(),
            id.bytes(),
            newest - DELIVERIES_KEPT_MAX.cast_signed()
        ])?;
    db.prepare_cached(
        "DELETE FROM dead_letter WHERE account = ?1 AND webhook = ?2 AND event <=
             (SELECT event FROM dead_letter WHERE account = ?1 AND webhook = ?2
                 ORDER BY event DESC LIMIT 1 OFFSET ?3)",
    )?
    .execute(params![account.bytes(), id.bytes(), DEAD_LETTERS_MAX.cast_signed()])
    .map(|_| ())
}

fn attempt(row: &Row<'_>) -> Result<(u64, Attempt)> {
    let attempt = Attempt {
        event: count(row, 1)?,
        number: row.get(2)?,
        is_again: row.get(3)?,
        at: at(row, 4)?,
        duration_ms: count(row, 5)?,
        outcome: word(row, 6, Outcome::from_word)?,
        status: row.get(7)?,
        answer: row.get(8)?,
    };
    Ok((count(row, 0)?, attempt))
}

fn secret(row: &Row<'_>) -> Result<WebhookSecretRow> {
    Ok(WebhookSecretRow { number: row.get(0)?, secret: row.get(1)?, expires_at: maybe_at(row, 2)? })
}

impl WebhookReader for SqliteReader {
    fn webhook(
        &self,
        of: AccountId,
        id: WebhookId,
    ) -> std::result::Result<Option<WebhookView>, StoreError> {
        let sql = format!("SELECT {VIEW} FROM webhook WHERE account = ?1 AND id = ?2");
        self.one(&sql, params![of.bytes(), id.bytes()], view)
    }

    fn webhooks(
        &self,
        of: AccountId,
        part: &Slice,
    ) -> std::result::Result<Vec<WebhookView>, StoreError> {
        self.slice(("webhook", VIEW), of, ("", &[]), part, view)
    }

    fn webhook_secrets(
        &self,
        of: AccountId,
        id: WebhookId,
    ) -> std::result::Result<Vec<WebhookSecretRow>, StoreError> {
        let sql = "SELECT number, secret, expires_at FROM webhook_secret
             WHERE account = ?1 AND webhook = ?2 ORDER BY number DESC";
        self.many(sql, params![of.bytes(), id.bytes()], secret)
    }

    fn attempts(
        &self,
        of: AccountId,
        id: WebhookId,
        before: Option<u64>,
        limit: usize,
    ) -> std::result::Result<Vec<(u64, Attempt)>, StoreError> {
        let sql = "SELECT number, event, attempt, again, at, duration_ms, outcome, status, answer
             FROM delivery WHERE account = ?1 AND webhook = ?2 AND number < ?3
             ORDER BY number DESC LIMIT ?4";
        let before = before.map_or(i64::MAX, u64::cast_signed);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.many(sql, params![of.bytes(), id.bytes(), before, limit], attempt)
    }

    fn dead_letters(
        &self,
        of: AccountId,
        id: WebhookId,
        from: u64,
        limit: usize,
    ) -> std::result::Result<Vec<DeadLetter>, StoreError> {
        let sql = "SELECT event, at, attempts, status, answer FROM dead_letter
             WHERE account = ?1 AND webhook = ?2 AND event >= ?3 ORDER BY event LIMIT ?4";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.many(sql, params![of.bytes(), id.bytes(), from.cast_signed(), limit], |row| {
            Ok(DeadLetter {
                event: count(row, 0)?,
                at: at(row, 1)?,
                attempts: row.get(2)?,
                status: row.get(3)?,
                answer: row.get(4)?,
            })
        })
    }

    fn redeliveries(
        &self,
        of: AccountId,
        id: WebhookId,
    ) -> std::result::Result<Vec<Redelivery>, StoreError> {
        let sql = "SELECT number, dead_only, until, next, attempts, retry_at FROM redelivery
             WHERE account = ?1 AND webhook = ?2 ORDER BY number";
        self.many(sql, params![of.bytes(), id.bytes()], |row| {
            Ok(Redelivery {
                number: count(row, 0)?,
                is_dead_only: row.get(1)?,
                until: count(row, 2)?,
                progress: progress(row, 3)?,
            })
        })
    }
}
