//! Whether the first row is a header, and how sure that is.

use std::collections::HashSet;

use crate::table::{Header, HeaderDoubt};

/// What stands for a value that is not there, in lower case.
const MISSING: [&str; 7] = ["na", "n/a", "null", "none", "?", "-", "."];

/// Whether the first row is a header: what the caller says, or else what its fields beside the label say.
pub(super) fn is_header<'a>(mut fields: impl Iterator<Item = (usize, &'a str)>, header: Header) -> bool {
    match header {
        Header::Yes => true,
        Header::No => false,
        Header::Auto => fields.all(|(_, field)| !field.is_empty() && field.parse::<f64>().is_err()),
    }
}

/// What speaks against a row being a header, by the names in it.
pub(super) fn doubt_names(names: &[String]) -> Option<HeaderDoubt> {
    let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let repeats = sorted.windows(2).any(|pair| pair[0] == pair[1]);
    let is_missing = |name: &&str| MISSING.contains(&name.to_ascii_lowercase().as_str());
    (repeats || sorted.iter().any(is_missing)).then_some(HeaderDoubt::Names)
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
