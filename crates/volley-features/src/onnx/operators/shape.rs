//! Constants, shapes, and values of the same elements in another shape.

use crate::onnx::Fault;
use crate::onnx::call::{Call, Lowered, within_known};
use crate::onnx::proto::{Node, Tensor};
use crate::onnx::value::{Kind, Known, MAX_RANK, Value, broadcast, checked_product, spread};

/// A constant in the graph. It is not a node of the runtime.
pub(super) fn constant(call: &Call<'_>) -> Result<Lowered, Fault> {
    let floats = |shape: Vec<usize>, values: &[f32]| {
        let value = Value { kind: Kind::Float, shape, known: Some(Known::Floats(values.to_vec())) };
        Lowered { outputs: vec![value], ..Lowered::default() }
    };
    let mut found = Vec::new();
    if let Some(tensor) = call.tensor("value")? {
        let value = Value::of_tensor(tensor)?;
        let name = call.inner("value");
        let node = Node::new("Identity", &[&name], &[call.output()]);
        found.push(Lowered::one(node, value).with_constant(Tensor { name, ..tensor.clone() }));
    }
    if call.opset >= 12 {
        if let Some(value) = call.given_int("value_int")? {
            found.push(Lowered::known(Kind::Int, vec![], vec![value]));
        }
        if let Some(values) = call.attribute_ints("value_ints")? {
            found.push(Lowered::known(Kind::Int, vec![values.len()], values));
        }
        if let Some(values) = call.attribute_floats("value_floats")? {
            found.push(floats(vec![values.len()], values));
        }
        if let Some(value) = call.given_float("value_float")? {
            found.push(floats(vec![], &[value]));
        }
    }
    match (found.pop(), found.is_empty()) {
        (Some(lowered), true) => Ok(lowered),
        _ => Err(Fault::reason("it has not one value that is known")),
    }
}

/// Sizes that are known.
fn target(call: &Call<'_>, index: usize) -> Result<Vec<usize>, Fault> {
    let sizes = call.ints(index)?;
    let sizes = sizes.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<Vec<_>>>();
    sizes.ok_or_else(|| Fault::reason("a size is negative"))
}

/// Refuses a shape that no memory holds, before anything is computed with its product.
fn counted(shape: &[usize]) -> Result<(), Fault> {
    checked_product(shape).map(drop).ok_or_else(|| Fault(format!("a value of shape {shape:?}")))
}

pub(super) fn constant_of_shape(call: &Call<'_>) -> Result<Lowered, Fault> {
    let shape = target(call, 0)?;
    let value = match call.tensor("value")? {
        Some(tensor) => Value::of_tensor(tensor)?,
        None => Value { kind: Kind::Float, shape: vec![1], known: Some(Known::Floats(vec![0.0])) },
    };
    if value.elements() != 1 {
        return Err(Fault::reason("attribute value is not one element"));
    }
    if let Some(&[value_of_all]) = value.ints() {
        within_known(&shape)?;
        return Ok(Lowered::known(value.kind, shape.clone(), vec![value_of_all; shape.iter().product()]));
    }
    let &[of_all] =
        value.floats().ok_or_else(|| Fault::reason("attribute value is not of f32 or integers"))?
    else {
        return Err(Fault::reason("attribute value is not one element"));
    };
    let (scalar, sizes) = (call.inner("value"), call.inner("shape"));
    let dims: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
    let node = Node::new("Expand", &[&scalar, &sizes], &[call.output()]);
    Ok(Lowered::one(node, Value::float(shape))
        .with_constant(Tensor::of_floats(&scalar, &[], &[of_all]))
        .with_constant(Tensor::of_ints(&sizes, &[dims.len()], &dims)))
}

/// The sizes of a value, from an axis to another since opset 15.
pub(super) fn shape(call: &Call<'_>) -> Result<Lowered, Fault> {
    let sizes = &call.input(0)?.value.shape;
    let rank = sizes.len() as i64;
    let (mut start, mut end) = (0, rank);
    if call.opset >= 15 {
        let clamped = |axis: i64| (if axis < 0 { axis.saturating_add(rank) } else { axis }).clamp(0, rank);
        (start, end) = (clamped(call.int("start", 0)?), clamped(call.int("end", rank)?));
    }
    let sizes: Vec<i64> = sizes.iter().map(|&size| size as i64).collect();
    let sizes = sizes.get(start as usize..end as usize).unwrap_or_default().to_vec();
    Ok(Lowered::known(Kind::Int, vec![sizes.len()], sizes))
}

pub(super) fn size(call: &Call<'_>) -> Result<Lowered, Fault> {
    Ok(Lowered::known(Kind::Int, vec![], vec![call.input(0)?.value.elements() as i64]))
}

/// A range of integers that are known.
pub(super) fn range(call: &Call<'_>) -> Result<Lowered, Fault> {
    let (&[start], &[end], &[step]) = (call.ints(0)?, call.ints(1)?, call.ints(2)?) else {
        return Err(Fault::reason("start, limit and delta must be one number each"));
    };
    if step == 0 {
        return Err(Fault::reason("delta is 0"));
    }
    let distance = i128::from(end) - i128::from(start);
    let count =
        (distance * i128::from(step.signum()) + i128::from(step.abs()) - 1).max(0) / i128::from(step.abs());
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    within_known(&[count])?;
    Ok(Lowered::known(Kind::Int, vec![count], (0..count as i64).map(|index| start + index * step).collect()))
}

/// A size of 0 copies that of the input unless `allowzero` says otherwise, and −1 stands for the size that is left.
pub(super) fn reshape(call: &Call<'_>) -> Result<Lowered, Fault> {
    let keep_zero = call.opset >= 14 && call.int("allowzero", 0)? != 0;
    let (input, target) = (call.input(0)?.value, call.ints(1)?);
    let mut shape = Vec::with_capacity(target.len());
    let mut open = None;
    for (axis, &size) in target.iter().enumerate() {
        let size = match size {
            0 if !keep_zero => {
                *input.shape.get(axis).ok_or_else(|| Fault(format!("no size to copy: {target:?}")))?
            }
            -1 if open.is_none() => {
                open = Some(axis);
                1
            }
            size => usize::try_from(size).map_err(|_| Fault(format!("shape {target:?}")))?,
        };
        shape.push(size);
    }
    if let (Some(axis), Some(rest @ 1..)) = (open, checked_product(&shape)) {
        shape[axis] = input.elements() / rest;
    }
    call.reshaped(shape)
}

/// A matrix, split before an axis.
pub(super) fn flatten(call: &Call<'_>) -> Result<Lowered, Fault> {
    let shape = &call.input(0)?.value.shape;
    let axis = call.int("axis", 1)?;
    // The end is a place to split at too.
    let at = if axis == shape.len() as i64 { shape.len() } else { call.axis(axis, shape.len())? };
    call.reshaped(vec![shape[..at].iter().product(), shape[at..].iter().product()])
}

/// Axes of one element are left out: all of them, or those that are named.
pub(super) fn squeeze(call: &Call<'_>) -> Result<Lowered, Fault> {
    let shape = &call.input(0)?.value.shape;
    let axes = match call.list("axes", 13, 1)? {
        Some(axes) => {
            axes.into_iter().map(|axis| call.axis(axis, shape.len())).collect::<Result<Vec<_>, _>>()?
        }
        None => (0..shape.len()).filter(|&axis| shape[axis] == 1).collect(),
    };
    if axes.iter().any(|&axis| shape[axis] != 1) {
        return Err(Fault(format!("axes {axes:?} of {shape:?}")));
    }
    let kept = shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    call.reshaped(kept.map(|(_, &size)| size).collect())
}

/// Axes of one element are put in, at these places of the result.
pub(super) fn unsqueeze(call: &Call<'_>) -> Result<Lowered, Fault> {
    let shape = &call.input(0)?.value.shape;
    let axes = call.list("axes", 13, 1)?.ok_or_else(|| Fault::reason("axes are missing"))?;
    let rank = shape.len() + axes.len();
    if rank > MAX_RANK {
        return Err(Fault(format!("{rank} axes, {MAX_RANK} are possible")));
    }
    let mut axes = axes.into_iter().map(|axis| call.axis(axis, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    if axes.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Fault(format!("axes {axes:?}")));
    }
    let mut sizes = shape.iter();
    let size = |axis| if axes.contains(&axis) { Some(1) } else { sizes.next().copied() };
    call.reshaped((0..rank).filter_map(size).collect())
}

/// Broadcast with a shape.
pub(super) fn expand(call: &Call<'_>) -> Result<Lowered, Fault> {
    let input = call.input(0)?;
    let shape = broadcast(&input.value.shape, &target(call, 1)?)?;
    counted(&shape)?;
    if let Some(values) = input.value.ints() {
        within_known(&shape)?;
        return Ok(Lowered::known(
            input.value.kind,
            shape.clone(),
            spread(values, &input.value.shape, &shape),
        ));
    }
    call.float(0)?;
    let sizes = call.inner("shape");
    let dims: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
    let node = Node::new("Expand", &[input.name, &sizes], &[call.output()]);
    Ok(Lowered::one(node, Value::float(shape)).with_constant(Tensor::of_ints(&sizes, &[dims.len()], &dims)))
}
