//! What the clients were told, kept apart from the server: the other side of every comparison.

use super::load::{UseAnswer, Verdict};

/// What one customer's clients were told.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// Uses told, each once however often it was repeated.
    pub asked: usize,
    /// Those refused.
    pub refused: usize,
    /// Frames counted up.
    pub counted: i64,
    /// Frames given back.
    pub given_back: i64,
    /// What of them lay above the ceiling.
    pub overage: i64,
    /// The records of those accepted.
    pub records: Vec<u64>,
}

/// The accounts of all customers, in their order.
#[derive(Debug, Default)]
pub struct Book {
    /// One for each.
    pub accounts: [Account; 4],
    /// Records of the studio's holds, seats and uses.
    pub others: usize,
}

impl Account {
    /// Enters what became of an increment.
    pub fn enter(&mut self, verdict: &Verdict) {
        self.asked += 1;
        match verdict {
            Verdict::Counted(answer) => {
                self.counted += answer.applied;
                self.overage += answer.overage;
                self.records.push(answer.record);
            }
            Verdict::Refused(_) => self.refused += 1,
        }
    }

    /// Enters frames that were given back.
    pub fn enter_return(&mut self, answer: &UseAnswer) {
        self.asked += 1;
        self.given_back += answer.applied;
        self.records.push(answer.record);
    }

    /// What the meter must show.
    #[must_use]
    pub const fn total(&self) -> i64 {
        self.counted - self.given_back
    }
}

impl Book {
    /// Uses accepted, of all customers.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.accounts.iter().map(|account| account.records.len()).sum()
    }

    /// Frames that the meters must show together.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.accounts.iter().map(Account::total).sum()
    }

    /// How many different records were named.
    #[must_use]
    pub fn distinct_records(&self) -> usize {
        let mut records: Vec<u64> =
            self.accounts.iter().flat_map(|account| account.records.iter().copied()).collect();
        records.sort_unstable();
        records.dedup();
        records.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_add_up() {
        let answer = |applied, record| UseAnswer {
            applied,
            overage: 0,
            total: 0,
            gross: 0,
            record,
            repeat: false,
        };
        let mut book = Book::default();
        book.accounts[0].enter(&Verdict::Counted(answer(5, 1)));
        book.accounts[0].enter(&Verdict::Refused("limit-reached".into()));
        book.accounts[0].enter_return(&answer(2, 2));
        book.accounts[1].enter(&Verdict::Counted(answer(1, 2)));
        assert_eq!((book.accepted(), book.total(), book.distinct_records()), (3, 4, 2));
        assert_eq!((book.accounts[0].asked, book.accounts[0].refused), (3, 1));
    }
}
