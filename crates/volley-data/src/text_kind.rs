//! What a text is that stands where a number should.

/// What a text in the place of a number is, as far as it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// What stands for a value that is not there.
    Missing,
    /// A truth value.
    Boolean,
    /// A date or a time of day.
    Date,
    /// A number with commas between thousands.
    Thousands,
    /// A number such as `1,234`: its comma stands between thousands or before decimals.
    OneComma,
    /// Numbers with another comma in them.
    Comma,
    /// A number with a sign beside it that says what it counts, such as `12 %` or `$12`.
    WithSign,
    /// Any other text, such as a category.
    Other,
}

/// In lower case.
const MISSING: [&str; 10] = ["na", "n/a", "null", "none", "?", "-", ".", "nan", "nat", "<na>"];
/// Signs of hundredths and of currencies.
const SIGNS: &str = "%‰€$£¥₹";
const BOOLEAN: [&str; 6] = ["true", "false", "yes", "no", "on", "off"];

impl TextKind {
    /// The kind of a text.
    ///
    /// A date begins with a digit and has groups of digits with `-`, `/`, `.` or `:` between them, perhaps with the
    /// `T` and `Z` of ISO 8601.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let lower = text.trim().to_ascii_lowercase();
        let has_only = |others: &str| lower.chars().all(|c| c.is_ascii_digit() || others.contains(c));
        let groups = lower.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).count();
        if lower.is_empty() || MISSING.contains(&lower.as_str()) {
            Self::Missing
        } else if BOOLEAN.contains(&lower.as_str()) {
            Self::Boolean
        } else if groups >= 2 && lower.contains(',') && has_only(",.+-e") {
            match has_thousands(&lower) {
                true if lower.contains('.') || lower.matches(',').count() > 1 => Self::Thousands,
                true => Self::OneComma,
                false => Self::Comma,
            }
        } else if has_sign(&lower) {
            Self::WithSign
        } else if groups >= 2
            && lower.starts_with(|c: char| c.is_ascii_digit())
            && has_only("-/.:tz+ ")
            && (lower.contains(['-', '/', ':']) || lower.matches('.').count() == 2)
        {
            Self::Date
        } else {
            Self::Other
        }
    }
}

/// Whether there is a sign before or after a number, which may have commas.
fn has_sign(text: &str) -> bool {
    let number = text.trim_matches(|c: char| SIGNS.contains(c) || c.is_whitespace());
    number.len() < text.len() && number.replace(',', "").parse::<f64>().is_ok()
}

/// Whether commas stand only between groups of three digits, the first of which is not 0, before any fraction.
fn has_thousands(number: &str) -> bool {
    let whole = number.trim_start_matches(['+', '-']).split(['.', 'e']).next().unwrap_or_default();
    let (first, others) = whole.split_once(',').unwrap_or_default();
    (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && others.split(',').all(|group| group.len() == 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let cases = [
            (TextKind::Missing, &["", " ", "NA", "?", "NaN", "<NA>", "null"][..]),
            (TextKind::Boolean, &["True", "FALSE", "yes", "no"]),
            (TextKind::Date, &["2024-01-31", "31.01.2024", "1/2/24", "12:30", "2024-01-31T12:30:00.5+01:00"]),
            (TextKind::Thousands, &["-12,345,678", "1,234.5"]),
            (TextKind::OneComma, &["1,234", "-1,441", "1,234e3"]),
            (
                TextKind::Comma,
                &["0,512", "-0,125", "1,5", "-1,5e3", "1.234,5", "1234,567", "1,2345", "1,234,5"],
            ),
            (TextKind::WithSign, &["5 %", "-6.4%", "$12", "€ 1,234.5", "3 €"]),
            (TextKind::Other, &["red", "%", "$a", "a,b", ",", "12a", "3-ish", "May 5", "4 3", "4.5 3"]),
        ];
        for (kind, texts) in cases {
            for text in texts {
                assert_eq!(TextKind::of(text), kind, "{text}");
            }
        }
    }
}
