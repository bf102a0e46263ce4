//! The faults a city is delivered with: how often they stand in the good files, and whole files that must be refused.

/// Picks `n` of `total` rows, evenly, the first not among the first rows.
#[derive(Debug, Clone, Copy)]
pub struct Every {
    step: usize,
    n: usize,
}

impl Every {
    /// At most one row in a hundred.
    pub fn of(total: usize, n: usize) -> Every {
        let n = n.min(total / 100).max(usize::from(total > 20));
        Every { step: if n > 0 { total / n } else { 0 }, n }
    }

    pub fn at(self, k: usize) -> bool {
        self.step > 0 && k % self.step == self.step / 2 && k / self.step < self.n
    }
}
