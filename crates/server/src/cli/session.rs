//! `usance session`: what is checked out while it is used.

use super::entity::{Deed, Does, Entity, Field, Named, Verb};
use super::said::{ANSWER, BELOW_METER, OCCASION};
use super::table::Column;
use super::value;

/// Something that is checked out.
pub const SESSION: Entity = Entity {
    word: "session",
    about: "Sessions: floating seats and paid time, checked out while they are used",
    examples: "\
usance session check-out LICENSE seats --user ada
usance session heartbeat LICENSE seats SESSION
usance session check-in LICENSE seats SESSION",
    path: "/v1/licenses/{}/meters/{}/sessions",
    parents: BELOW_METER,
    own: Named::new("SESSION", "Its id"),
    columns: &[
        Column::text("id"),
        Column::number("count"),
        Column::number("reserved"),
        Column::number("active_seconds").titled("active (s)"),
        Column::text("subject"),
        Column::text("activation"),
        Column::text("seen_at").titled("seen"),
        Column::text("until"),
    ],
    details: &[],
    parts: &[],
    verbs: &[
        Verb::new(
            "check-out",
            "Take a seat, or begin to count time",
            "usance session check-out LICENSE seats --user ada --host node7\n\
             usance session check-out LICENSE seats 2 --key tab-1",
            Does::Act(
                Deed::of_all("")
                    .taking(&[
                        &[Field::place("COUNT", "count", "How many at once [default: 1]")
                            .reads("COUNT", value::units)
                            .optional()],
                        OCCASION,
                    ])
                    .showing(ANSWER),
            ),
        ),
        Verb::new(
            "list",
            "List what is checked out, oldest first",
            "usance session list LICENSE seats",
            Does::List(&[]),
        ),
        Verb::new(
            "heartbeat",
            "Tell that a session goes on; one that falls silent ends by itself",
            "usance session heartbeat LICENSE seats SESSION",
            Does::Act(Deed::of_one("heartbeat").taking(&[OCCASION]).showing(ANSWER)),
        ),
        Verb::new(
            "check-in",
            "End a session: the seat is free again, the time is counted",
            "usance session check-in LICENSE seats SESSION",
            Does::Act(Deed::of_one("check-in").taking(&[OCCASION]).showing(ANSWER)),
        ),
    ],
};
