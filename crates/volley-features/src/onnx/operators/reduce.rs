//! Sums, means and extremes over axes.

use crate::onnx::Fault;
use crate::onnx::call::{Call, Lowered};
use crate::onnx::proto::{Node, data_type};
use crate::onnx::value::{Kind, Value};

/// A shape with some axes reduced to one element, or left out.
fn reduced(shape: &[usize], axes: &[usize], keep: bool) -> Vec<usize> {
    let sizes = shape.iter().enumerate();
    if keep {
        sizes.map(|(axis, &size)| if axes.contains(&axis) { 1 } else { size }).collect()
    } else {
        sizes.filter(|(axis, _)| !axes.contains(axis)).map(|(_, &size)| size).collect()
    }
}

fn over(call: &Call<'_>, operator: &str, axes: &[usize], keep: bool) -> Result<Lowered, Fault> {
    let input = call.float(0)?;
    let shape = reduced(&input.value.shape, axes, keep);
    let axes = axes.iter().map(|&axis| axis as i64).collect();
    let node = Node::new(operator, &[input.name], &[call.output()]);
    Ok(Lowered::one(node.with_ints("axes", axes).with_int("keepdims", keep.into()), Value::float(shape)))
}

/// Axes were an attribute before opset 18, of a sum before 13. None means all.
pub(super) fn reduce(call: &Call<'_>) -> Result<Lowered, Fault> {
    let rank = call.float(0)?.value.rank();
    let since = if call.operator == "ReduceSum" { 13 } else { 18 };
    let axes = call.list("axes", since, 1)?.unwrap_or_default();
    let keep = call.int("keepdims", 1)? != 0;
    let noop = call.opset >= since && call.int("noop_with_empty_axes", 0)? != 0;
    let mut axes = axes.into_iter().map(|axis| call.axis(axis, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    if axes.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Fault::reason("an axis is there twice"));
    }
    if axes.is_empty() {
        if noop {
            return Err(Fault::reason("attribute noop_with_empty_axes without axes"));
        }
        axes = (0..rank).collect();
    }
    over(call, call.operator, &axes, keep)
}

pub(super) fn global_average_pool(call: &Call<'_>) -> Result<Lowered, Fault> {
    global(call, "ReduceMean")
}

pub(super) fn global_max_pool(call: &Call<'_>) -> Result<Lowered, Fault> {
    global(call, "ReduceMax")
}

fn global(call: &Call<'_>, reduction: &str) -> Result<Lowered, Fault> {
    match call.float(0)?.value.rank() {
        rank @ 3.. => over(call, reduction, &(2..rank).collect::<Vec<_>>(), true),
        rank => Err(Fault(format!("an input of rank {rank}"))),
    }
}

/// The runtime takes the last one of equal values. ONNX says so only where `select_last_index` asks for it. Otherwise
/// nothing can be computed with the output.
pub(super) fn arg_max(call: &Call<'_>) -> Result<Lowered, Fault> {
    let last = call.opset >= 12 && call.int("select_last_index", 0)? != 0;
    let input = call.float(0)?;
    let axis = call.axis(call.int("axis", 0)?, input.value.rank())?;
    let keep = call.int("keepdims", 1)? != 0;
    let node = Node::new("ArgMax", &[input.name], &[call.output()]);
    let node = node.with_int("axis", axis as i64).with_int("keepdims", keep.into());
    let kind = if last { Kind::Int } else { Kind::Other(data_type::INT64) };
    Ok(Lowered::one(node, Value::unknown(kind, reduced(&input.value.shape, &[axis], keep))))
}
