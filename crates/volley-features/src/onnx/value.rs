//! What is known of a value before the network runs: type, shape, and for constants the elements.

use super::Fault;
use super::proto::{Tensor, data_type};

/// Elements that are known at most where a node computes them; a shape has less than ten.
pub(super) const MAX_KNOWN: usize = 1 << 16;
/// Axes of a value; networks of images have six at most.
pub(super) const MAX_RANK: usize = 16;
/// Constants of floats that are looked into: scales, bounds, a value of padding.
const MAX_KNOWN_FLOATS: usize = 64;

/// The type of the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// f32.
    Float,
    /// f16 or f64, which is cast to f32 and nothing else.
    OtherFloat,
    /// i32 or i64.
    Int,
    Bool,
    /// Any other, by ONNX' code, and one that the runtime does not compute as ONNX says; 0 for a second output that it
    /// does not give. Nothing is computed with it.
    Other(i32),
}

impl Kind {
    pub(super) fn of(code: i32) -> Self {
        match code {
            data_type::FLOAT => Self::Float,
            data_type::FLOAT16 | data_type::DOUBLE => Self::OtherFloat,
            data_type::INT32 | data_type::INT64 => Self::Int,
            data_type::BOOL => Self::Bool,
            other => Self::Other(other),
        }
    }
}

/// Elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    /// Integers, or 0 and 1 for booleans.
    Ints(Vec<i64>),
    Floats(Vec<f32>),
}

/// A value of the graph.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    pub(super) kind: Kind,
    pub(super) shape: Vec<usize>,
    pub(super) known: Option<Known>,
}

impl Value {
    pub(super) fn float(shape: Vec<usize>) -> Self {
        Self { kind: Kind::Float, shape, known: None }
    }

    pub(super) fn unknown(kind: Kind, shape: Vec<usize>) -> Self {
        Self { kind, shape, known: None }
    }

    /// Integers or booleans that are known.
    pub(super) fn known(kind: Kind, shape: Vec<usize>, values: Vec<i64>) -> Self {
        Self { kind, shape, known: Some(Known::Ints(values)) }
    }

    pub(super) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Memory: 4 bytes an element while the network runs, 8 where it is known.
    pub(super) fn bytes(&self) -> u64 {
        let width = if self.known.is_some() { 8 } else { 4 };
        checked_product(&self.shape).map_or(u64::MAX, |count| (count as u64).saturating_mul(width))
    }

    pub(super) fn rank(&self) -> usize {
        self.shape.len()
    }

    pub(super) fn ints(&self) -> Option<&[i64]> {
        match &self.known {
            Some(Known::Ints(values)) => Some(values),
            _ => None,
        }
    }

    /// How far apart neighbours along each axis are in row-major order.
    pub(super) fn strides(&self) -> Vec<i64> {
        let after = |axis: usize| self.shape[axis + 1..].iter().product::<usize>() as i64;
        (0..self.rank()).map(after).collect()
    }

    /// Integers that are known, picked: those of a value of this shape whose first is at `first` and whose neighbours
    /// along an axis are a stride apart. All places are within this value.
    pub(super) fn picked(&self, first: i64, strides: &[i64], shape: &[usize]) -> Option<Self> {
        let values = self.ints()?;
        let place = |mut index: usize| {
            let mut place = first;
            for (&size, &stride) in shape.iter().zip(strides).rev() {
                place += (index % size) as i64 * stride;
                index /= size;
            }
            place as usize
        };
        let picked = (0..shape.iter().product()).map(|index| values[place(index)]).collect();
        Some(Self::known(self.kind, shape.to_vec(), picked))
    }

    pub(super) fn floats(&self) -> Option<&[f32]> {
        match &self.known {
            Some(Known::Floats(values)) => Some(values),
            _ => None,
        }
    }

    /// A constant of the file, with as many elements as its shape says.
    pub(super) fn of_tensor(tensor: &Tensor) -> Result<Self, Fault> {
        if tensor.data_location != 0 || !tensor.external_data.is_empty() {
            return Err(Fault::reason("its values are in another file"));
        }
        if tensor.dims.len() > MAX_RANK {
            return Err(Fault(format!("{} axes, {MAX_RANK} are possible", tensor.dims.len())));
        }
        let shape = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect::<Option<Vec<_>>>();
        let count = shape.as_ref().and_then(|shape| checked_product(shape));
        let (Some(shape), Some(count)) = (shape, count) else {
            return Err(Fault(format!("a constant of shape {:?}", tensor.dims)));
        };
        let kind = Kind::of(tensor.data_type);
        let found = stored(tensor, count);
        if found != Some(count) {
            let found = found.map_or("values of a fraction".to_owned(), |found| format!("{found} values"));
            return Err(Fault(format!("{found} for a constant of {count}")));
        }
        let known = match kind {
            Kind::Int | Kind::Bool => Some(Known::Ints(integers(tensor))),
            Kind::Float if count <= MAX_KNOWN_FLOATS => Some(Known::Floats(floats(tensor))),
            Kind::Float | Kind::OtherFloat | Kind::Other(_) => None,
        };
        Ok(Self { kind, shape, known })
    }
}

/// The product of some sizes, if it fits.
pub(super) fn checked_product(sizes: &[usize]) -> Option<usize> {
    sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))
}

/// The number of elements that a tensor has. None where its bytes are no whole number of elements. Elements of a type
/// that no operator takes are not counted.
fn stored(tensor: &Tensor, expected: usize) -> Option<usize> {
    let width = match tensor.data_type {
        data_type::BOOL => 1,
        data_type::FLOAT16 => 2,
        data_type::FLOAT | data_type::INT32 => 4,
        data_type::INT64 | data_type::DOUBLE => 8,
        _ => return Some(expected),
    };
    match &tensor.raw_data {
        Some(raw) => raw.len().is_multiple_of(width).then_some(raw.len() / width),
        None => Some(match tensor.data_type {
            data_type::FLOAT => tensor.float_data.len(),
            data_type::DOUBLE => tensor.double_data.len(),
            data_type::INT64 => tensor.int64_data.len(),
            _ => tensor.int32_data.len(),
        }),
    }
}

fn integers(tensor: &Tensor) -> Vec<i64> {
    match (&tensor.raw_data, tensor.data_type) {
        (Some(raw), data_type::INT64) => {
            raw.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect()
        }
        (Some(raw), data_type::INT32) => {
            raw.as_chunks().0.iter().map(|&bytes| i32::from_le_bytes(bytes).into()).collect()
        }
        (Some(raw), _) => raw.iter().map(|&byte| i64::from(byte != 0)).collect(),
        (None, data_type::INT64) => tensor.int64_data.clone(),
        (None, data_type::INT32) => tensor.int32_data.iter().map(|&value| value.into()).collect(),
        (None, _) => tensor.int32_data.iter().map(|&value| i64::from(value != 0)).collect(),
    }
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    match &tensor.raw_data {
        Some(raw) => raw.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        None => tensor.float_data.clone(),
    }
}

/// The shape of element-wise operations on values of these shapes, by ONNX' (numpy's) rule.
pub(super) fn broadcast(left: &[usize], right: &[usize]) -> Result<Vec<usize>, Fault> {
    let rank = left.len().max(right.len());
    let size =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    let sizes = (0..rank).map(|axis| match (size(left, axis), size(right, axis)) {
        (a, b) if a == b || b == 1 => Some(a),
        (1, b) => Some(b),
        _ => None,
    });
    sizes.collect::<Option<_>>().ok_or_else(|| Fault(format!("shapes {left:?} and {right:?} do not fit")))
}

/// Elements repeated to the larger shape that theirs is broadcast to.
pub(super) fn spread(values: &[i64], from: &[usize], to: &[usize]) -> Vec<i64> {
    let skipped = to.len() - from.len();
    let place = |mut index: usize| {
        let (mut place, mut stride) = (0, 1);
        for axis in (0..to.len()).rev() {
            let at = index % to[axis];
            index /= to[axis];
            if axis >= skipped && from[axis - skipped] > 1 {
                place += at * stride;
                stride *= from[axis - skipped];
            }
        }
        place
    };
    (0..to.iter().product()).map(|index| values[place(index)]).collect()
}
