//! The watcher against a slow and obvious model, which looks at all records each time.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy)]
struct Row {
    second: i64,
    what: SeenWhat,
}

/// Whether the condition holds with the record at `index`, by all that was recorded until then.
fn holds(rule: &Rule, rows: &[Row], index: usize) -> bool {
    let above = i128::from(rule.condition.above.quantity(Scale::default()).unwrap());
    let now = rows[index].second;
    let lately = rows[..=index].iter().filter(|row| row.second > now - i64::from(WINDOW));
    let found = match rule.condition.kind {
        RuleKind::Rate => lately
            .map(|row| match row.what {
                SeenWhat::Used { amount: amount @ 1.., .. } => i128::from(amount),
                _ => 0,
            })
            .sum(),
        RuleKind::Refusals => {
            lately.filter(|row| matches!(row.what, SeenWhat::Refused)).count() as i128
        }
        RuleKind::Addresses => {
            let addresses = lately.filter_map(|row| match row.what {
                SeenWhat::Used { address, .. } => address,
                SeenWhat::Refused => None,
            });
            addresses.collect::<BTreeSet<_>>().len() as i128
        }
        RuleKind::ClockBack => {
            let said = |row: &Row| match row.what {
                SeenWhat::Used { occurred_at, .. } => occurred_at,
                SeenWhat::Refused => None,
            };
            let (Some(now), Some(latest)) = (said(&rows[index]), lately.filter_map(said).max())
            else {
                return false;
            };
            i128::from(latest.0 - now.0) / 1000
        }
        _ => unreachable!("not in this model"),
    };
    found > above
}

/// Whether the rule looks at the record at all.
fn is_looked_at(kind: RuleKind, what: SeenWhat) -> bool {
    match (kind, what) {
        (RuleKind::Rate, SeenWhat::Used { amount, .. }) => amount > 0,
        (RuleKind::Addresses, SeenWhat::Used { address, .. }) => address.is_some(),
        (RuleKind::ClockBack, SeenWhat::Used { occurred_at, .. }) => occurred_at.is_some(),
        (RuleKind::Refusals, SeenWhat::Refused) => true,
        _ => false,
    }
}

/// The records that trigger: those with which the condition begins to hold.
fn model(rule: &Rule, rows: &[Row]) -> Vec<u64> {
    let looked_at: Vec<usize> = (0..rows.len())
        .filter(|index| is_looked_at(rule.condition.kind, rows[*index].what))
        .collect();
    let mut triggers = Vec::new();
    for (place, index) in looked_at.iter().enumerate() {
        let at = rows[*index].second;
        if !holds(rule, rows, *index) || at * 1000 < rule.updated_at.0 {
            continue;
        }
        let earlier = place.checked_sub(1).map(|before| looked_at[before]);
        let goes_on = earlier.is_some_and(|earlier| {
            let judged = rows[earlier].second * 1000 >= rule.updated_at.0;
            judged && held_still(rule, rows, earlier, at)
        });
        if !goes_on {
            triggers.push(*index as u64);
        }
    }
    triggers
}

/// Whether the condition still holds at `now`, by what was recorded until `earlier`.
fn held_still(rule: &Rule, rows: &[Row], earlier: usize, now: i64) -> bool {
    if rule.condition.kind == RuleKind::ClockBack {
        let lately = rows[..=earlier].iter().any(|row| {
            row.second > now - i64::from(WINDOW) && is_looked_at(rule.condition.kind, row.what)
        });
        return lately && holds(rule, rows, earlier);
    }
    // Nothing happened then: what is left is what the window still holds.
    let mut until_now = rows[..=earlier].to_vec();
    let what = SeenWhat::Used { amount: 0, activation: None, occurred_at: None, address: None };
    until_now.push(Row { second: now, what });
    holds(rule, &until_now, until_now.len() - 1)
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let what = prop_oneof![
        3 => (0i64..8).prop_map(used),
        2 => Just(SeenWhat::Refused),
        3 => (0u128..6).prop_map(|address| SeenWhat::Used {
            amount: 1, activation: None, occurred_at: None, address: Some(address),
        }),
        3 => (0i64..200).prop_map(|second| SeenWhat::Used {
            amount: 1, activation: None, occurred_at: Some(Timestamp(second * 1000)), address: None,
        }),
    ];
    prop::collection::vec((0i64..25, what), 1..80).prop_map(|steps| {
        let mut second = 0;
        let row = |(step, what)| {
            second += step;
            Row { second, what }
        };
        steps.into_iter().map(row).collect()
    })
}

fn watched(rule: &Rule, rows: &[Row], from: usize) -> Vec<u64> {
    let mut watcher = Watcher::new(alloc::vec![rule.clone()]);
    let mut triggers = Vec::new();
    for (index, row) in rows.iter().enumerate().skip(from) {
        if index % 7 == 0 {
            watcher.forget(Timestamp(row.second * 1000));
        }
        for trigger in observe(&mut watcher, index as u64, row.second, row.what) {
            let Cause::Record(number) = trigger.cause else { panic!("a record is the cause") };
            triggers.push(number);
        }
    }
    triggers
}

proptest! {
    #[test]
    fn the_watcher_finds_what_the_model_finds(
        rows in rows(),
        kind in prop::sample::select(&[
            RuleKind::Rate, RuleKind::Refusals, RuleKind::Addresses, RuleKind::ClockBack,
        ][..]),
        above in 0i64..15,
        updated_at in prop_oneof![Just(0), 0i64..400],
    ) {
        let rule = Rule { updated_at: Timestamp(updated_at * 1000), ..rule(kind, above) };
        prop_assert_eq!(watched(&rule, &rows, 0), model(&rule, &rows));
    }

    /// Who begins a reach earlier finds the same causes: the law that a restart rests on.
    #[test]
    fn a_watcher_that_begins_again_finds_the_same(
        rows in rows(),
        kind in prop::sample::select(&[
            RuleKind::Rate, RuleKind::Refusals, RuleKind::Addresses, RuleKind::ClockBack,
        ][..]),
        above in 0i64..15,
        place in any::<prop::sample::Index>(),
    ) {
        let rule = rule(kind, above);
        let again = place.index(rows.len());
        let reach = rule.condition.reach_ms();
        let begin = rows[again].second * 1000 - reach;
        let from = rows.iter().position(|row| row.second * 1000 >= begin).unwrap_or(0);
        let whole: Vec<u64> =
            watched(&rule, &rows, 0).into_iter().filter(|number| *number >= again as u64).collect();
        let part: Vec<u64> =
            watched(&rule, &rows, from).into_iter().filter(|number| *number >= again as u64).collect();
        prop_assert_eq!(part, whole);
    }
}
