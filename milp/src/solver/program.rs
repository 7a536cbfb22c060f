//! A mixed-integer linear program: columns, rows, coefficients.

/// What values a column may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any real number within its bounds.
    Continuous,
    /// Whole numbers within its bounds.
    Integer,
}

/// A column (variable) of a [`Program`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column(pub(super) u32);

impl Column {
    /// Its place in a solution.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A program to be minimised: `min cost·x`, `row_lower <= A x <= row_upper`, `lower <= x <= upper`,
/// some columns whole. Rows are stored one after the other.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub(super) cost: Vec<f64>,
    pub(super) lower: Vec<f64>,
    pub(super) upper: Vec<f64>,
    pub(super) is_integer: Vec<bool>,
    pub(super) row_lower: Vec<f64>,
    pub(super) row_upper: Vec<f64>,
    /// Where each row's coefficients begin.
    pub(super) row_start: Vec<usize>,
    pub(super) index: Vec<u32>,
    pub(super) value: Vec<f64>,
}

impl Program {
    /// An empty program.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column with its coefficient in the objective and its bounds.
    pub fn column(&mut self, cost: f64, lower: f64, upper: f64, kind: Kind) -> Column {
        let column = Column(self.cost.len() as u32);
        self.cost.push(cost);
        self.lower.push(lower);
        self.upper.push(upper);
        self.is_integer.push(kind == Kind::Integer);
        column
    }

    /// A column that is 0 or 1.
    pub fn binary(&mut self) -> Column {
        self.column(0.0, 0.0, 1.0, Kind::Integer)
    }

    /// Makes a column constant.
    pub fn fix(&mut self, column: Column, value: f64) {
        (self.lower[column.index()], self.upper[column.index()]) = (value, value);
    }

    /// The bounds of a column.
    pub fn bounds(&self, column: Column) -> (f64, f64) {
        (self.lower[column.index()], self.upper[column.index()])
    }

    /// Adds the row `lower <= terms <= upper`. A column may be named several times: its
    /// coefficients are summed.
    pub fn row(&mut self, lower: f64, upper: f64, terms: &[(Column, f64)]) {
        self.row_start.push(self.index.len());
        self.row_lower.push(lower);
        self.row_upper.push(upper);
        let mut sorted: Vec<(u32, f64)> = terms.iter().map(|(c, value)| (c.0, *value)).collect();
        // Stable: equal columns are summed in the order given.
        sorted.sort_by_key(|term| term.0);
        for same in sorted.chunk_by(|a, b| a.0 == b.0) {
            self.index.push(same[0].0);
            self.value.push(same.iter().map(|term| term.1).sum());
        }
    }

    /// Adds `terms >= lower`.
    pub fn at_least(&mut self, lower: f64, terms: &[(Column, f64)]) {
        self.row(lower, f64::INFINITY, terms);
    }

    /// Adds `terms <= upper`.
    pub fn at_most(&mut self, upper: f64, terms: &[(Column, f64)]) {
        self.row(f64::NEG_INFINITY, upper, terms);
    }

    /// Columns.
    pub fn columns(&self) -> usize {
        self.cost.len()
    }

    /// Whole columns.
    pub fn integers(&self) -> usize {
        self.is_integer.iter().filter(|is| **is).count()
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.row_lower.len()
    }

    /// Coefficients.
    pub fn nonzeros(&self) -> usize {
        self.index.len()
    }

    /// By how much `x` breaks the worst row or bound, and whether whole columns are whole to
    /// `tolerance`: a check that shares no code with the solver. Linear in the coefficients.
    pub fn violation(&self, x: &[f64], tolerance: f64) -> f64 {
        let outside =
            |value: f64, lower: f64, upper: f64| (lower - value).max(value - upper).max(0.0);
        let mut worst: f64 = 0.0;
        for (at, &value) in x.iter().enumerate() {
            worst = worst.max(outside(value, self.lower[at], self.upper[at]));
            if self.is_integer[at] && (value - value.round()).abs() > tolerance {
                worst = worst.max((value - value.round()).abs());
            }
        }
        for row in 0..self.rows() {
            let end = self.row_start.get(row + 1).copied().unwrap_or(self.index.len());
            let terms = self.row_start[row]..end;
            let sum: f64 = terms.map(|at| self.value[at] * x[self.index[at] as usize]).sum();
            worst = worst.max(outside(sum, self.row_lower[row], self.row_upper[row]));
        }
        worst
    }
}
