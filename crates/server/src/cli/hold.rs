//! `usance hold`: units set aside for work that is not done yet.

use super::entity::{Deed, Does, Entity, Field, Named, Verb};
use super::said::{ANSWER, BELOW_METER, OCCASION};
use super::table::Column;
use super::value;

/// Units set aside.
pub const HOLD: Entity = Entity {
    word: "hold",
    about: "Holds: units set aside before the work, and settled for what it really took",
    examples: "\
usance hold take LICENSE frames 100 --for 2h
usance hold settle LICENSE frames HOLD 83
usance hold release LICENSE frames HOLD",
    path: "/v1/licenses/{}/meters/{}/holds",
    parents: BELOW_METER,
    own: Named::new("HOLD", "Its id"),
    columns: &[
        Column::text("id"),
        Column::number("units"),
        Column::text("activation"),
        Column::text("until"),
        Column::text("created_at").titled("taken"),
    ],
    details: &[],
    parts: &[],
    verbs: &[
        Verb::new(
            "take",
            "Set units aside: nobody else can use them until they are settled or released",
            "usance hold take LICENSE frames 100 --for 2h --key job-17\n\
             usance hold take LICENSE frames 100 --partial",
            Does::Act(
                Deed::of_all("")
                    .taking(&[
                        &[
                            Field::place("AMOUNT", "amount", "How many [default: 1]")
                                .reads("AMOUNT", value::units)
                                .optional(),
                            Field::flag(
                                "for",
                                "seconds",
                                "When they are let go if nobody does it before: 90s, 15m, 12h, \
                                 30d [default: as long as the meter lets it]",
                            )
                            .reads("LENGTH", value::length),
                            Field::switch("partial", "partial", true, "Take what fits"),
                        ],
                        OCCASION,
                    ])
                    .showing(ANSWER),
            ),
        ),
        Verb::new(
            "list",
            "List what is set aside, oldest first",
            "usance hold list LICENSE frames",
            Does::List(&[]),
        ),
        Verb::new(
            "settle",
            "Let go of the units, and count what was really used",
            "usance hold settle LICENSE frames HOLD 83\n\
             usance hold settle LICENSE frames HOLD          all of it was used",
            Does::Act(
                Deed::of_one("settle")
                    .taking(&[
                        &[Field::place(
                            "AMOUNT",
                            "amount",
                            "How many were used, also more than were set aside if they fit \
                             [default: all of them]",
                        )
                        .reads("AMOUNT", value::units)
                        .optional()],
                        OCCASION,
                    ])
                    .showing(ANSWER),
            ),
        ),
        Verb::new(
            "release",
            "Let go of the units, and count nothing",
            "usance hold release LICENSE frames HOLD",
            Does::Act(Deed::of_one("release").taking(&[OCCASION]).showing(ANSWER)),
        ),
    ],
};
