//! Who may see what: meters and metadata are shown to some audiences and not to others.

use crate::words::{word_set, words};

words! {
    /// A kind of caller beside the vendor, who sees everything.
    Audience {
        /// The program on a machine that holds the license.
        Activation = "activation",
        /// The person who uses it.
        User = "user",
        /// Who pays for it.
        Organization = "organization",
        /// Who sold it.
        Reseller = "reseller",
    }
}

word_set! {
    /// Audiences to whom something is shown.
    Audiences of Audience
}
