//! Quantities in text: `16 GiB`, `25 GB/s`, `10 us`, `250 W`.
//!
//! Decimal prefixes are powers of 1000, binary ones (`KiB`) powers of 1024. A unit is always
//! written; only an unlimited size is a word of its own.

/// What a quantity measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// Bytes; `unlimited` is allowed.
    Size,
    /// Nanoseconds.
    Time,
    /// Bytes per second.
    Rate,
    /// Milliwatts.
    Power,
}

impl Dimension {
    /// All dimensions.
    pub const ALL: [Self; 4] = [Self::Size, Self::Time, Self::Rate, Self::Power];
}

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// It does not begin with a number.
    #[error("it does not begin with a number")]
    NoNumber,
    /// The number is negative.
    #[error("it is negative")]
    Negative,
    /// A rate of 0.
    #[error("at a rate of 0 nothing ever arrives")]
    ZeroRate,
    /// The number is infinite, not a number, or too large for 64 bits.
    #[error("it is not finite or too large")]
    NotFinite,
    /// No unit follows the number.
    #[error("it has no unit")]
    NoUnit,
    /// The unit is not one of the dimension's.
    #[error("its unit {unit:?} is none of: {}", .known.join(", "))]
    UnknownUnit {
        /// What was written.
        unit: String,
        /// What there is.
        known: Vec<&'static str>,
    },
}

const SIZES: [(&str, f64); 11] = [
    ("B", 1.0),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("PB", 1e15),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("PiB", 1_125_899_906_842_624.0),
];
const TIMES: [(&str, f64); 6] =
    [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("min", 6e10), ("h", 3.6e12)];
const RATES: [(&str, f64); 12] = [
    ("B/s", 1.0),
    ("KB/s", 1e3),
    ("MB/s", 1e6),
    ("GB/s", 1e9),
    ("TB/s", 1e12),
    ("KiB/s", 1024.0),
    ("MiB/s", 1_048_576.0),
    ("GiB/s", 1_073_741_824.0),
    ("bit/s", 0.125),
    ("Mbit/s", 1.25e5),
    ("Gbit/s", 1.25e8),
    ("Tbit/s", 1.25e11),
];

const POWERS: [(&str, f64); 4] = [("mW", 1.0), ("W", 1e3), ("kW", 1e6), ("MW", 1e9)];

impl Dimension {
    fn units(self) -> &'static [(&'static str, f64)] {
        match self {
            Self::Size => &SIZES,
            Self::Time => &TIMES,
            Self::Rate => &RATES,
            Self::Power => &POWERS,
        }
    }

    /// The names of its units.
    pub fn unit_names(self) -> Vec<&'static str> {
        self.units().iter().map(|u| u.0).collect()
    }

    /// What may be written, for people.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Size => "a size such as \"512 MB\" or \"16 GiB\", or \"unlimited\"",
            Self::Time => "a time such as \"10 us\" or \"2 s\"",
            Self::Rate => "a rate such as \"25 GB/s\" or \"100 Gbit/s\"",
            Self::Power => "a power such as \"250 W\" or \"1.5 kW\"",
        }
    }

    /// The quantity in the base unit (bytes, nanoseconds, bytes per second, milliwatts);
    /// `unlimited` is infinite.
    ///
    /// # Errors
    /// Any [`UnitError`]; a rate must be above 0.
    pub fn parse(self, text: &str) -> Result<f64, UnitError> {
        let text = text.trim();
        if self == Self::Size && text == "unlimited" {
            return Ok(f64::INFINITY);
        }
        let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '_');
        let end = text.find(|c| !is_number(c)).unwrap_or(text.len());
        // An exponent, unless it begins the unit's name.
        let end = exponent_end(text, end);
        let digits = text[..end].replace('_', "");
        let number: f64 = digits.parse().map_err(|_| UnitError::NoNumber)?;
        let unit = text[end..].trim();
        if unit.is_empty() {
            return Err(UnitError::NoUnit);
        }
        // The Greek letter of a micro second may be written too.
        let unit = match unit {
            "µs" | "μs" => "us",
            "kB" => "KB",
            "kB/s" => "KB/s",
            _ => unit,
        };
        let found = self.units().iter().find(|(name, _)| *name == unit);
        let scale = found.ok_or_else(|| UnitError::UnknownUnit {
            unit: unit.to_owned(),
            known: self.unit_names(),
        })?;
        if number < 0.0 {
            return Err(UnitError::Negative);
        }
        let value = number * scale.1;
        if self == Self::Rate && value == 0.0 {
            return Err(UnitError::ZeroRate);
        }
        match value.is_finite() && value < 9e18 {
            true => Ok(value),
            false => Err(UnitError::NotFinite),
        }
    }
}

fn exponent_end(text: &str, end: usize) -> usize {
    let rest = &text.as_bytes()[end..];
    if !matches!(rest.first(), Some(b'e' | b'E')) || end == 0 {
        return end;
    }
    let sign = usize::from(matches!(rest.get(1), Some(b'-' | b'+')));
    let digits = rest[1 + sign..].iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 { end } else { end + 1 + sign + digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_times_and_rates() {
        assert_eq!(Dimension::Size.parse("16 GiB"), Ok(17_179_869_184.0));
        assert_eq!(Dimension::Size.parse("1.5MB"), Ok(1_500_000.0));
        assert_eq!(Dimension::Size.parse("unlimited"), Ok(f64::INFINITY));
        assert_eq!(Dimension::Time.parse("10 us"), Ok(10_000.0));
        assert_eq!(Dimension::Time.parse("10 µs"), Ok(10_000.0));
        assert_eq!(Dimension::Time.parse("1e3 ns"), Ok(1_000.0));
        assert_eq!(Dimension::Time.parse("1_000 ms"), Ok(1e9));
        assert_eq!(Dimension::Rate.parse("25 GB/s"), Ok(25e9));
        assert_eq!(Dimension::Rate.parse("100 Gbit/s"), Ok(12.5e9));
        assert_eq!(Dimension::Power.parse("0 W"), Ok(0.0));
        assert_eq!(Dimension::Power.parse("1.5 kW"), Ok(1.5e6));
        assert_eq!(Dimension::Power.parse("3 mW"), Ok(3.0));
    }

    #[test]
    fn every_mistake_has_its_error() {
        assert_eq!(Dimension::Size.parse("GiB"), Err(UnitError::NoNumber));
        assert_eq!(Dimension::Size.parse(""), Err(UnitError::NoNumber));
        assert_eq!(Dimension::Size.parse("-1 B"), Err(UnitError::Negative));
        assert_eq!(Dimension::Size.parse("12"), Err(UnitError::NoUnit));
        assert_eq!(Dimension::Size.parse("1e300 B"), Err(UnitError::NotFinite));
        assert_eq!(Dimension::Rate.parse("0 GB/s"), Err(UnitError::ZeroRate));
        assert_eq!(Dimension::Time.parse("inf s"), Err(UnitError::NoNumber));
        let error = Dimension::Time.parse("3 sec").unwrap_err();
        assert_eq!(error.to_string(), "its unit \"sec\" is none of: ns, us, ms, s, min, h");
    }
}
