//! `usance process`: the programs that run on a machine.

use super::entity::{Deed, Does, Entity, Field, Named, Verb};
use super::said::{LICENSE, METADATA, METADATA_COLUMN, VISIBLE_COLUMN};
use super::table::Column;
use super::value;

/// A program that runs on a machine.
pub const PROCESS: Entity = Entity {
    word: "process",
    about: "Processes: programs that run on an activated machine, as far as a policy limits them",
    examples: "\
usance process start LICENSE 9f3c 4711
usance process list LICENSE 9f3c
usance process end LICENSE 9f3c prc_0193b2c4d5e67890a1b2c3d4e5f60718",
    path: "/v1/licenses/{}/activations/{}/processes",
    parents: &[
        Named::new("LICENSE", LICENSE),
        Named::new("ACTIVATION", "The machine: its id or fingerprint"),
    ],
    own: Named::new("PROCESS", "Its id"),
    columns: COLUMNS,
    details: COLUMNS,
    parts: &[],
    verbs: &[
        Verb::new(
            "start",
            "Tell that a program starts",
            "usance process start LICENSE 9f3c 4711",
            Does::Make(&[
                &[Field::place("PID", "pid", "What the machine calls it")
                    .reads("PID", value::text)],
                METADATA,
            ]),
        ),
        Verb::new(
            "list",
            "List what runs on a machine",
            "usance process list LICENSE 9f3c",
            Does::List(&[]),
        ),
        Verb::new(
            "heartbeat",
            "Tell that a program still runs",
            "usance process heartbeat LICENSE 9f3c PROCESS",
            Does::Act(Deed::of_one("heartbeat")),
        ),
        Verb::new(
            "end",
            "Tell that a program has ended",
            "usance process end LICENSE 9f3c PROCESS",
            Does::Delete("over"),
        ),
    ],
};

const COLUMNS: &[Column] = &[
    Column::text("id"),
    Column::text("pid"),
    Column::text("activation"),
    METADATA_COLUMN,
    VISIBLE_COLUMN,
    Column::text("seen_at").titled("seen"),
    Column::text("created_at").titled("started"),
];
