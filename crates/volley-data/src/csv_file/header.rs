//! Whether the first row is a header, and how sure that is.

use std::collections::HashSet;

use crate::table::{Header, HeaderDoubt};
use crate::text_kind::TextKind;

/// Whether the first row is a header: what the caller says, or else what its fields say that are not `chosen` for the
/// labels or to be left out.
///
/// The first field may be empty: pandas has no name for the numbers of rows. Then the others may count up from 0, as
/// pandas names columns that have no names; taken for data, such a row would be refused.
pub(super) fn is_header(fields: &[&str], chosen: &[usize], header: Header) -> bool {
    let is_number = |field: &str| field.parse::<f64>().is_ok();
    let is_name = |(place, field): (usize, &&str)| {
        chosen.contains(&place) || place == 0 && field.is_empty() || !field.is_empty() && !is_number(field)
    };
    let counts_up = || {
        let mut numbers = fields.iter().skip(1).zip(0u64..);
        fields.len() > 2 && fields[0].is_empty() && numbers.all(|(field, place)| *field == place.to_string())
    };
    match header {
        Header::Yes => true,
        Header::No => false,
        Header::Auto => {
            let has_names = fields.iter().any(|field| !field.is_empty());
            has_names && fields.iter().enumerate().all(is_name) || counts_up()
        }
    }
}

/// What speaks against a row being a header, by the names in it. That of a model's table is one although its names
/// repeat.
pub(super) fn doubt_names(names: &[&str], is_known: bool) -> Option<HeaderDoubt> {
    if names.iter().all(|name| name.parse::<f64>().is_ok()) {
        return Some(HeaderDoubt::Numbers);
    }
    let repeats = names.iter().collect::<HashSet<_>>().len() < names.len();
    let is_missing = |name: &&str| TextKind::of(name) == TextKind::Missing;
    (!is_known && (repeats || names.iter().any(is_missing))).then_some(HeaderDoubt::Names)
}

/// What speaks against a row being data, by its values and the labels of all rows, where there are any.
pub(super) fn doubt_data(values: &[f64], labels: &[String]) -> Option<HeaderDoubt> {
    let number = |label: &String| label.parse::<f64>().ok();
    if let Some((label, others)) = labels.split_first()
        && number(label).is_none()
        && !others.is_empty()
        && others.iter().all(|label| number(label).is_some())
    {
        return Some(HeaderDoubt::Label);
    }
    let counts_up = values.iter().all(|value| value.fract() == 0.0)
        && values.windows(2).all(|pair| pair[1] == pair[0] + 1.0);
    // Two values may count up by chance. They are doubted only if the label is the next number, or no other row has it.
    let is_likely = || match (values, labels.split_first()) {
        ([], _) | ([_], _) => false,
        ([_, _, _, ..], _) | (_, None) => true,
        (&[first, second], Some((label, others))) => {
            let repeats = || others.iter().collect::<HashSet<_>>().len() < others.len();
            [Some(first - 1.0), Some(second + 1.0)].contains(&number(label))
                || !others.contains(label) && repeats()
        }
    };
    (counts_up && is_likely()).then_some(HeaderDoubt::Sequence)
}
