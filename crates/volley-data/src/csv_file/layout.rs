//! Which column of a CSV file is what, by its first rows, by what the caller asks for, and by the table that a model
//! was trained on.
//!
//! Where both tables have names, columns go by name, in any order. Else they go by place; where a model has names and a
//! table has none, somebody has to say that it has none. Of columns that share a name the first goes to the first, and
//! there must be as many of them. Finding columns by name takes time in proportion to their number.

use std::collections::{HashMap, HashSet};

use crate::composed::composed;
use crate::error::ContentError;
use crate::labels::LabelSource;
use crate::schema::{Schema, Use};
use crate::table::{Header, TableOptions};

use super::header::is_header;
use super::records::Record;

/// What pandas names a column of row numbers that was written without a name and read again.
const UNNAMED: [&str; 2] = ["", "Unnamed: 0"];

/// The places of labels and features in each row.
#[derive(Debug)]
pub(super) struct Layout {
    /// Whether the first row is a header.
    pub(super) has_header: bool,
    pub(super) width: usize,
    pub(super) label: Option<usize>,
    /// In the order of the table's features.
    pub(super) features: Vec<usize>,
    /// Whether the first column has no name and is left out.
    pub(super) has_index: bool,
    /// Columns at the end that have neither a name nor, in the first row, a value, and are left out.
    pub(super) empty_end: Vec<usize>,
    /// The column of the labels, where it is not that of the model but the only one that is left.
    pub(super) other_label: Option<String>,
    /// Columns that nobody asked to leave out.
    pub(super) left_out: Vec<String>,
    /// Whether columns with names go by place, as those of the model have none, and nobody said that there is a header.
    pub(super) is_nameless: bool,
    pub(super) schema: Schema,
}

impl Layout {
    /// By the first row, and the one after it.
    pub(super) fn of(
        first: &Record,
        second: Option<&Record>,
        options: &TableOptions,
    ) -> Result<Self, ContentError> {
        let fields: Vec<&str> = first.iter().collect();
        let table = First::of(&fields, second, options)?;
        let mut layout = match &options.schema {
            None => table.alone()?,
            Some(schema) => match schema.names() {
                Some(names) if table.has_header => table.by_name(schema, names)?,
                Some(_) if options.header == Header::Auto => {
                    let names = schema.feature_names().into_iter().flatten();
                    return Err(ContentError::NoNames { names: names.map(ToString::to_string).collect() });
                }
                _ => table.by_place(schema)?,
            },
        };
        if layout.features.is_empty() {
            let is_dropped = !options.drop.is_empty();
            return Err(if is_dropped {
                ContentError::AllDropped
            } else {
                ContentError::NoValues { row: first.line }
            });
        }
        if let LabelSource::Ignored(_) = options.labels {
            layout.label = None;
        }
        Ok(layout)
    }
}

/// The first row, and what the caller chose of it.
struct First<'a> {
    fields: &'a [&'a str],
    has_header: bool,
    has_index: bool,
    empty_end: Vec<usize>,
    options: &'a TableOptions,
    label: Option<usize>,
    /// The columns that are neither the label's nor left out.
    free: Vec<usize>,
}

impl<'a> First<'a> {
    fn of(
        fields: &'a [&'a str],
        second: Option<&Record>,
        options: &'a TableOptions,
    ) -> Result<Self, ContentError> {
        let width = fields.len();
        let end = empty_end(fields, second);
        let has_header = has_header(fields, end, options);
        let label = match &options.labels {
            LabelSource::Column(index) if *index < width => Some(*index),
            LabelSource::Column(index) => {
                return Err(ContentError::ColumnRange { column: index.saturating_add(1), columns: width });
            }
            LabelSource::Named(name) | LabelSource::Ignored(Some(name)) => {
                Some(find(name, fields, has_header)?)
            }
            LabelSource::Usual | LabelSource::Ignored(None) | LabelSource::Absent | LabelSource::File(_) => {
                None
            }
        };
        let find_dropped = |name: &String| find(name, fields, has_header);
        let dropped = options.drop.iter().map(find_dropped).collect::<Result<Vec<_>, _>>()?;
        if let Some(column) = label.filter(|label| dropped.contains(label)) {
            return Err(ContentError::LabelDropped { column: column + 1 });
        }
        let mut free: Vec<usize> =
            (0..width).filter(|place| !dropped.contains(place) && label != Some(*place)).collect();
        // Texts in a column without a name may be the labels, unless these are known to be elsewhere.
        let value = second.and_then(|second| second.iter().next());
        let is_number = value.is_some_and(|value| value.parse::<i64>().is_ok());
        let is_index = match (&options.labels, &options.schema) {
            (LabelSource::Usual, None) => free.len() > 2 && is_number,
            (LabelSource::Usual | LabelSource::Ignored(None), _) => free.len() > 1 && is_number,
            _ => free.len() > 1,
        };
        let use_of_first = options.schema.as_ref().and_then(|schema| schema.use_of(fields[0]));
        let is_index = is_index && has_header && UNNAMED.contains(&fields[0]) && free.contains(&0);
        let is_index = is_index && use_of_first.is_none_or(|known| known == Use::Dropped);
        free.retain(|&place| place > 0 || !is_index);
        let (free, empty_end) = free.into_iter().partition(|&place| end.is_none_or(|end| place < end));
        let has_index = is_index && use_of_first.is_none();
        Ok(Self { fields, has_header, has_index, empty_end, options, label, free })
    }

    /// A table that no model was trained on: by default the labels are in the first column.
    fn alone(mut self) -> Result<Layout, ContentError> {
        let is_usual = matches!(self.options.labels, LabelSource::Usual | LabelSource::Ignored(None));
        if self.label.is_none() && is_usual && !self.free.is_empty() {
            self.label = Some(self.free.remove(0));
        }
        let mut uses = vec![Use::Dropped; self.fields.len()];
        self.free.iter().for_each(|&place| uses[place] = Use::Feature);
        self.label.iter().for_each(|&place| uses[place] = Use::Label);
        let names = || self.fields.iter().map(|&name| name.to_owned()).collect();
        let schema = Schema::new(uses, self.has_header.then(names))?;
        let features = self.free.clone();
        Ok(self.layout(features, &[], schema))
    }

    fn by_name(mut self, schema: &Schema, names: &[String]) -> Result<Layout, ContentError> {
        let counterparts = Counterparts::of(&self, names);
        let place_of = |place: usize| {
            counterparts.of_column(place)?.ok_or_else(|| ContentError::MissingFeature {
                name: names[place].clone(),
                found: self.names_of(&self.free),
            })
        };
        let features = schema.places(Use::Feature).map(place_of).collect::<Result<Vec<_>, _>>()?;
        let names_of = |of| schema.places(of).map(|place| &names[place][..]).collect::<HashSet<_>>();
        let (taken, dropped) = (features.iter().collect::<HashSet<_>>(), names_of(Use::Dropped));
        let is_other = |place: &usize| !taken.contains(place) && !dropped.contains(self.fields[*place]);
        let mut others: Vec<usize> = self.free.iter().copied().filter(is_other).collect();
        let is_open = self.label.is_none();
        if is_open {
            let known = schema.places(Use::Label).next().map(|place| counterparts.of_column(place));
            self.label = match (&self.options.labels, known.transpose()?.flatten(), &others[..]) {
                (LabelSource::Absent | LabelSource::File(_), ..) => None,
                (_, Some(label), _) => Some(label),
                (LabelSource::Ignored(_), None, _) => None,
                (_, None, &[only]) => Some(only),
                (_, None, []) => return Err(ContentError::NoLabels),
                _ => return Err(ContentError::LabelColumnUnknown { found: self.names_of(&others) }),
            };
        }
        let labels = names_of(Use::Label);
        others.retain(|&place| Some(place) != self.label && !labels.contains(self.fields[place]));
        let is_guessed = |&label: &usize| is_open && !labels.contains(self.fields[label]);
        let other_label = self.label.filter(is_guessed).map(|label| self.fields[label].to_owned());
        Ok(Layout { other_label, ..self.layout(features, &others, schema.clone()) })
    }

    fn names_of(&self, places: &[usize]) -> Vec<String> {
        places.iter().map(|&place| self.fields[place].to_owned()).collect()
    }

    /// A table as wide as the one that was trained on has the same columns, one as wide as its features has these, and
    /// one that is wider by one has the labels too.
    fn by_place(mut self, schema: &Schema) -> Result<Layout, ContentError> {
        let (features, dropped) = (schema.count(Use::Feature), schema.count(Use::Dropped));
        let is_whole = self.options.drop.is_empty() && self.fields.len() == schema.uses().len();
        if is_whole {
            self.free.retain(|&place| schema.uses()[place] != Use::Dropped);
        }
        let found = self.free.len();
        let is_clear = is_whole || dropped == 0 || !self.options.drop.is_empty();
        let has_label = match &self.options.labels {
            LabelSource::Usual if self.label.is_none() && found == features => {
                return Err(ContentError::NoLabels);
            }
            LabelSource::Usual => self.label.is_none() && found == features + 1,
            LabelSource::Ignored(_) => self.label.is_none() && found == features + 1 && is_clear,
            _ => false,
        };
        if has_label {
            self.label = Some(self.free.remove(schema.features_before_labels()));
        }
        // The values of a single column may show that the separator is another one.
        if self.free.len() != features && self.fields.len() > 1 {
            let error = volley_mlr::Error::ColumnCount { expected: features, found };
            return Err(error.into());
        }
        let features = self.free.clone();
        Ok(self.layout(features, &[], schema.clone()))
    }

    fn layout(self, features: Vec<usize>, left_out: &[usize], schema: Schema) -> Layout {
        let left_out = self.names_of(left_out);
        Layout {
            has_header: self.has_header,
            width: self.fields.len(),
            label: self.label,
            features,
            has_index: self.has_index,
            empty_end: self.empty_end,
            other_label: None,
            left_out,
            is_nameless: self.has_header && self.options.header == Header::Auto && schema.names().is_none(),
            schema,
        }
    }
}

/// Columns of two tables by their names.
struct Counterparts<'a> {
    /// Of the table that was trained on.
    names: &'a [String],
    trained: HashMap<&'a str, Vec<usize>>,
    here: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Counterparts<'a> {
    fn of(first: &First<'a>, names: &'a [String]) -> Self {
        fn by_name<'a>(columns: impl Iterator<Item = (&'a str, usize)>) -> HashMap<&'a str, Vec<usize>> {
            let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
            columns.for_each(|(name, place)| places.entry(name).or_default().push(place));
            places
        }
        Self {
            names,
            trained: by_name(names.iter().map(String::as_str).zip(0..)),
            here: by_name(first.free.iter().map(|&place| (first.fields[place], place))),
        }
    }

    /// The column for one of the table that was trained on; none if there is none of its name.
    fn of_column(&self, place: usize) -> Result<Option<usize>, ContentError> {
        let name = &self.names[place];
        let Some(here) = self.here.get(&name[..]) else { return Ok(None) };
        let trained = &self.trained[&name[..]];
        let rank = trained.iter().position(|&other| other == place);
        match rank {
            Some(rank) if here.len() == trained.len() => Ok(Some(here[rank])),
            _ => {
                let (found, expected) = (here.len(), trained.len());
                Err(ContentError::RepeatedColumn { name: name.clone(), found, expected })
            }
        }
    }
}

/// The first of the columns at the end that are empty in the first two rows: each line ends with separators.
fn empty_end(fields: &[&str], second: Option<&Record>) -> Option<usize> {
    let second = second.filter(|second| second.len() == fields.len())?;
    let is_empty = |&place: &usize| fields[place].is_empty() && second.field(place).is_empty();
    (1..fields.len()).rev().take_while(is_empty).last()
}

/// Whether the first row is a header. One that has all names of a model's features is, whatever they look like. Columns
/// at the end that are empty say nothing. Where all columns are chosen, one that is named, and not by its place, does.
fn has_header(fields: &[&str], empty_end: Option<usize>, options: &TableOptions) -> bool {
    let named = match &options.labels {
        LabelSource::Named(name) | LabelSource::Ignored(Some(name)) => Some(name),
        _ => None,
    };
    // A value of a row may look like the number of a place.
    let find = |name: &String| {
        place_of(name, fields.len()).or_else(|| fields.iter().position(|field| *field == composed(name)))
    };
    let label = match (&options.labels, &options.schema) {
        (LabelSource::Column(index), _) => Some(*index),
        (LabelSource::Usual, None) => Some(0),
        _ => None,
    };
    let chosen = options
        .drop
        .iter()
        .chain(named)
        .filter_map(find)
        .chain(label)
        .chain(empty_end.unwrap_or(fields.len())..fields.len());
    let chosen: Vec<usize> = chosen.collect();
    if options.header == Header::Auto && (0..fields.len()).all(|place| chosen.contains(&place)) {
        return options.drop.iter().chain(named).any(|name| place_of(name, fields.len()).is_none());
    }
    let names = options.schema.as_ref().and_then(Schema::feature_names);
    let found: HashSet<&str> = fields.iter().copied().collect();
    let has_names = names.is_some_and(|names| names.iter().all(|name| found.contains(name)));
    options.header == Header::Auto && has_names || is_header(fields, &chosen, options.header)
}

/// The column that a caller names: one of this name in the header, or, by a number, that place from 1 or, where it is
/// negative, from the end. Where names in the header are numbers, only a negative number is a place.
fn find(name: &str, fields: &[&str], has_header: bool) -> Result<usize, ContentError> {
    let name = &*composed(name);
    let count = fields.iter().filter(|field| has_header && **field == name).count();
    if count > 1 {
        return Err(ContentError::AmbiguousColumn { name: name.to_owned(), count });
    }
    if let Some(place) = fields.iter().position(|field| has_header && *field == name) {
        return Ok(place);
    }
    let has_numbers = has_header && fields.iter().any(|field| is_number(field));
    if let Ok(place) = name.parse::<i64>()
        && (place < 0 || !has_numbers)
    {
        let columns = fields.len();
        return place_of(name, columns).ok_or(ContentError::ColumnPlace { place, columns });
    }
    if has_header {
        let found = fields.iter().map(|&field| field.to_owned()).collect();
        return Err(ContentError::MissingColumn { name: name.to_owned(), found });
    }
    Err(ContentError::NoHeader { name: name.to_owned() })
}

/// The column at a place that is written as a number: from 1, or from the end -1.
fn place_of(text: &str, columns: usize) -> Option<usize> {
    let place: i64 = text.parse().ok()?;
    let from_start = if place < 0 { columns as i64 + place } else { place - 1 };
    usize::try_from(from_start).ok().filter(|&place| place < columns)
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests;
