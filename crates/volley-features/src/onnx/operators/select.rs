//! Elements picked, moved, repeated and put together.

use crate::onnx::Fault;
use crate::onnx::call::{Call, Lowered, reshape, resolve, within_known};
use crate::onnx::proto::{Node, Tensor};
use crate::onnx::value::{Kind, Value};

fn list(name: &str, values: &[i64]) -> Tensor {
    Tensor::of_ints(name, &[values.len()], values)
}

pub(super) fn transpose(call: &Call<'_>) -> Result<Lowered, Fault> {
    let input = call.input(0)?;
    let rank = input.value.rank();
    let order = call.attribute_ints("perm")?.unwrap_or_else(|| (0..rank as i64).rev().collect());
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..rank as i64) {
        return Err(Fault(format!("attribute perm is {order:?} for a value of rank {rank}")));
    }
    let shape: Vec<usize> = order.iter().map(|&axis| input.value.shape[axis as usize]).collect();
    let strides = input.value.strides();
    let strides: Vec<i64> = order.iter().map(|&axis| strides[axis as usize]).collect();
    if let Some(picked) = input.value.picked(0, &strides, &shape) {
        return Ok(Lowered { outputs: vec![picked], ..Lowered::default() });
    }
    let node = Node::new("Transpose", &[call.float(0)?.name], &[call.output()]).with_ints("perm", order);
    Ok(Lowered::one(node, Value::float(shape)))
}

pub(super) fn concat(call: &Call<'_>) -> Result<Lowered, Fault> {
    let axis = call.given_int("axis")?.ok_or_else(|| Fault::reason("attribute axis is missing"))?;
    let first = call.input(0)?.value;
    let axis = call.axis(axis, first.rank())?;
    let parts = (0..call.inputs.len()).map(|index| call.input(index)).collect::<Result<Vec<_>, _>>()?;
    let mut shape = first.shape.clone();
    shape[axis] = 0;
    for part in &parts {
        let mut other = part.value.shape.clone();
        if other.len() == shape.len() {
            shape[axis] =
                shape[axis].checked_add(other[axis]).ok_or_else(|| Fault::reason("it is too long"))?;
            other[axis] = shape[axis];
        }
        if other != shape {
            return Err(Fault(format!("{:?} beside {:?}", part.value.shape, first.shape)));
        }
    }
    let known = parts.iter().map(|part| part.value.ints()).collect::<Option<Vec<_>>>();
    if let (Some(known), [_]) = (known, shape.as_slice())
        && parts.iter().all(|part| part.value.kind == first.kind)
    {
        within_known(&shape)?;
        return Ok(Lowered::known(first.kind, shape, known.concat()));
    }
    let names =
        (0..parts.len()).map(|index| Ok(call.float(index)?.name)).collect::<Result<Vec<_>, Fault>>()?;
    let node = Node::new("Concat", &names, &[call.output()]).with_int("axis", axis as i64);
    Ok(Lowered::one(node, Value::float(shape)))
}

/// Into parts of these sizes, or into as many as there are outputs: equal ones, since opset 18 with a smaller last one.
pub(super) fn split(call: &Call<'_>) -> Result<Lowered, Fault> {
    let input = call.float(0)?;
    let axis = call.axis(call.int("axis", 0)?, input.value.rank())?;
    let (whole, count) = (input.value.shape[axis], call.outputs.len());
    let parts = if call.opset >= 18 { call.int("num_outputs", count as i64)? } else { count as i64 };
    let sizes = match call.list("split", 13, 1)? {
        Some(sizes) => sizes.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<Vec<_>>>(),
        None if whole.is_multiple_of(count) => Some(vec![whole / count; count]),
        None if call.opset >= 18 => {
            let each = whole.div_ceil(count);
            Some((0..count).map(|part| whole.saturating_sub(part * each).min(each)).collect())
        }
        None => None,
    };
    let total =
        sizes.as_ref().and_then(|sizes| sizes.iter().try_fold(0_usize, |sum, &size| sum.checked_add(size)));
    let Some(sizes) =
        sizes.filter(|sizes| total == Some(whole) && sizes.len() == count && parts == count as i64)
    else {
        return Err(Fault(format!("{whole} elements into {count} outputs by what it says")));
    };
    let name = call.inner("split");
    let outputs: Vec<&str> = call.outputs.iter().map(String::as_str).collect();
    let node = Node::new("Split", &[input.name, &name], &outputs).with_int("axis", axis as i64);
    let part = |&size: &usize| {
        let mut shape = input.value.shape.clone();
        shape[axis] = size;
        Value::float(shape)
    };
    let values = sizes.iter().map(part).collect();
    let sizes: Vec<i64> = sizes.iter().map(|&size| size as i64).collect();
    Ok(Lowered { nodes: vec![node], constants: vec![list(&name, &sizes)], outputs: values, scratch: 0 })
}

/// The places that a slice takes of an axis: the first, the step, and how many.
fn places(start: i64, end: i64, step: i64, size: usize) -> (i64, i64, usize) {
    if size == 0 {
        return (0, step, 0);
    }
    let size = size as i64;
    let from_end = |place: i64| if place < 0 { place.saturating_add(size) } else { place };
    let (start, end) = (from_end(start), from_end(end));
    let (start, end) = if step > 0 {
        (start.clamp(0, size), end.clamp(0, size))
    } else {
        (start.clamp(0, size - 1), end.clamp(-1, size - 1))
    };
    let distance = if step > 0 { end - start } else { start - end };
    let count = u64::try_from(distance).map_or(0, |distance| distance.div_ceil(step.unsigned_abs()));
    (start, step, count as usize)
}

/// Places were attributes before opset 10. They are written from the beginning, within the axis.
pub(super) fn slice(call: &Call<'_>) -> Result<Lowered, Fault> {
    let input = call.input(0)?;
    let rank = input.value.rank();
    let required = |name| call.list(name, 10, if name == "starts" { 1 } else { 2 });
    let missing = || Fault::reason("starts and ends are missing");
    let (starts, ends) = (required("starts")?.ok_or_else(missing)?, required("ends")?.ok_or_else(missing)?);
    let axes = call.list("axes", 10, 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = if call.opset < 10 { None } else { call.optional_ints(4)? };
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len()
        || axes.len() != starts.len()
        || steps.len() != starts.len()
        || steps.contains(&0)
    {
        return Err(Fault(format!("starts {starts:?}, ends {ends:?}, axes {axes:?}, steps {steps:?}")));
    }
    let mut whole: Vec<_> = input.value.shape.iter().map(|&size| (0, 1, size)).collect();
    let mut seen = Vec::new();
    for index in 0..starts.len() {
        let axis = call.axis(axes[index], rank)?;
        if seen.contains(&axis) {
            return Err(Fault(format!("axis {axis} is there twice")));
        }
        seen.push(axis);
        whole[axis] = places(starts[index], ends[index], steps[index], input.value.shape[axis]);
    }
    let shape: Vec<usize> = whole.iter().map(|&(_, _, count)| count).collect();
    let strides = input.value.strides();
    let first = whole.iter().zip(&strides).map(|(&(start, _, _), stride)| start * stride).sum();
    let steps: Vec<i64> =
        whole.iter().zip(&strides).map(|(&(_, step, _), stride)| step.saturating_mul(*stride)).collect();
    if let Some(picked) = input.value.picked(first, &steps, &shape) {
        return Ok(Lowered { outputs: vec![picked], ..Lowered::default() });
    }
    call.float(0)?;
    let starts: Vec<i64> = whole.iter().map(|&(start, _, _)| start).collect();
    // Beyond the last place; before the first one is said as a place so far from the end.
    let end = |(&(start, step, count), &size): (&(i64, i64, usize), &usize)| match start + step * count as i64
    {
        end if end < 0 => -(size as i64) - 1,
        end => end.min(size as i64),
    };
    let ends: Vec<i64> = whole.iter().zip(&input.value.shape).map(end).collect();
    let axes: Vec<i64> = (0..rank as i64).collect();
    let steps: Vec<i64> = whole.iter().map(|&(_, step, _)| step.clamp(-(1 << 30), 1 << 30)).collect();
    let names = ["starts", "ends", "axes", "steps"].map(|part| call.inner(part));
    let node =
        Node::new("Slice", &[input.name, &names[0], &names[1], &names[2], &names[3]], &[call.output()]);
    let constants =
        names.iter().zip([starts, ends, axes, steps]).map(|(name, values)| list(name, &values)).collect();
    Ok(Lowered { nodes: vec![node], constants, outputs: vec![Value::float(shape)], scratch: 0 })
}

/// Indices that are known are checked, and counted from the beginning.
pub(super) fn gather(call: &Call<'_>) -> Result<Lowered, Fault> {
    let (input, indices) = (call.input(0)?, call.input(1)?);
    let axis = call.axis(call.int("axis", 0)?, input.value.rank())?;
    if indices.value.kind != Kind::Int {
        return Err(Fault::reason(
            "its indices are no integers, or none that the runtime computes as ONNX says",
        ));
    }
    let (before, after) = (&input.value.shape[..axis], &input.value.shape[axis + 1..]);
    let shape = [before, &indices.value.shape, after].concat();
    let size = input.value.shape[axis];
    let Some(places) = indices.value.ints() else {
        let node = Node::new("Gather", &[call.float(0)?.name, indices.name], &[call.output()]);
        return Ok(Lowered::one(node.with_int("axis", axis as i64), Value::float(shape)));
    };
    let places = places.iter().map(|&place| resolve(place, size)).collect::<Option<Vec<_>>>();
    let places = places.ok_or_else(|| Fault(format!("an index is beyond {size} elements")))?;
    if let (Some(values), 1) = (input.value.ints(), input.value.rank()) {
        return Ok(Lowered::known(
            input.value.kind,
            shape,
            places.iter().map(|&place| values[place]).collect(),
        ));
    }
    let name = call.inner("indices");
    let places: Vec<i64> = places.iter().map(|&place| place as i64).collect();
    let node =
        Node::new("Gather", &[call.float(0)?.name, &name], &[call.output()]).with_int("axis", axis as i64);
    let constant = Tensor::of_ints(&name, &indices.value.shape, &places);
    Ok(Lowered::one(node, Value::float(shape)).with_constant(constant))
}

pub(super) fn tile(call: &Call<'_>) -> Result<Lowered, Fault> {
    let (input, repeats) = (call.float(0)?, call.ints(1)?);
    if repeats.len() != input.value.rank() {
        return Err(Fault(format!("repeats {repeats:?} of a value of rank {}", input.value.rank())));
    }
    let size = |(&size, &times): (&usize, &i64)| size.checked_mul(usize::try_from(times).ok()?);
    let shape = input.value.shape.iter().zip(repeats).map(size).collect::<Option<Vec<_>>>();
    let shape = shape.ok_or_else(|| Fault(format!("repeats {repeats:?}")))?;
    let name = call.inner("repeats");
    let node = Node::new("Tile", &[input.name, &name], &[call.output()]);
    Ok(Lowered::one(node, Value::float(shape)).with_constant(list(&name, repeats)))
}

/// What is before and after each axis.
fn pads(call: &Call<'_>, rank: usize) -> Result<Vec<(i64, i64)>, Fault> {
    let given = call.list("pads", 11, 1)?.ok_or_else(|| Fault::reason("pads are missing"))?;
    let axes = match call.given(3) {
        Some(_) if call.opset >= 18 => {
            let axes = call.ints(3)?;
            axes.iter().map(|&axis| call.axis(axis, rank)).collect::<Result<Vec<_>, _>>()?
        }
        _ => (0..rank).collect(),
    };
    if given.len() != 2 * axes.len() {
        return Err(Fault(format!("pads {given:?} for {} axes", axes.len())));
    }
    let mut pads = vec![(0, 0); rank];
    for (index, &axis) in axes.iter().enumerate() {
        pads[axis] = (given[index], given[index + axes.len()]);
    }
    Ok(pads)
}

/// A constant around a value, or its own elements; a negative pad of a constant cuts off.
pub(super) fn pad(call: &Call<'_>) -> Result<Lowered, Fault> {
    let input = call.float(0)?;
    let (rank, pads) = (input.value.rank(), pads(call, input.value.rank())?);
    let mode = match call.text("mode", "constant")? {
        known @ ("constant" | "reflect" | "edge") => known,
        other => return Err(Fault(format!("attribute mode is {other:?}"))),
    };
    let value = match call.opset {
        ..11 => call.attribute_float("value", 0.0)?,
        _ => match call.optional_float(2)?.map(|value| value.value.floats()) {
            None => 0.0,
            Some(Some(&[value])) => value,
            Some(_) => return Err(Fault::reason("the constant is not one known number")),
        },
    };
    let fits = |(axis, &(before, after)): (usize, &(i64, i64))| {
        let size = input.value.shape[axis] as i64;
        let bound = if mode == "reflect" { size - 1 } else { i64::MAX };
        mode == "constant" || (0..=bound).contains(&before) && (0..=bound).contains(&after)
    };
    let inner = pads.iter().take(rank.saturating_sub(2)).all(|&pads| pads == (0, 0));
    if !pads.iter().enumerate().all(fits) || mode != "constant" && !inner {
        return Err(Fault(format!("mode {mode:?} with pads {pads:?} of {:?}", input.value.shape)));
    }
    let size = |(&size, &(before, after)): (&usize, &(i64, i64))| {
        let size = i64::try_from(size)
            .ok()?
            .checked_add(before.min(0))?
            .checked_add(after.min(0))
            .filter(|&size| size > 0)?;
        usize::try_from(size.checked_add(before.max(0))?.checked_add(after.max(0))?).ok()
    };
    let shape = input.value.shape.iter().zip(&pads).map(size).collect::<Option<Vec<_>>>();
    let shape = shape.ok_or_else(|| Fault(format!("pads {pads:?} of {:?}", input.value.shape)))?;
    let (sizes, number) = (call.inner("pads"), call.inner("value"));
    let flat: Vec<i64> = pads.iter().map(|pad| pad.0).chain(pads.iter().map(|pad| pad.1)).collect();
    let node = Node::new("Pad", &[input.name, &sizes, &number], &[call.output()]).with_text("mode", mode);
    Ok(Lowered::one(node, Value::float(shape))
        .with_constant(list(&sizes, &flat))
        .with_constant(Tensor::of_floats(&number, &[], &[value])))
}

/// Batch, channels, height, width, and the block that divides them.
fn blocks(call: &Call<'_>) -> Result<([usize; 4], usize), Fault> {
    let input = call.float(0)?;
    let block =
        call.given_int("blocksize")?.and_then(|block| usize::try_from(block).ok()).filter(|&block| block > 0);
    match (<[usize; 4]>::try_from(input.value.shape.as_slice()), block) {
        (Ok(shape), Some(block)) if block < 1 << 15 => Ok((shape, block)),
        _ => Err(Fault(format!("attribute blocksize is {block:?} for {:?}", input.value.shape))),
    }
}

pub(super) fn depth_to_space(call: &Call<'_>) -> Result<Lowered, Fault> {
    let ([batch, channels, height, width], block) = blocks(call)?;
    let mode = match if call.opset < 11 { "DCR" } else { call.text("mode", "DCR")? } {
        known @ ("DCR" | "CRD") => known,
        other => return Err(Fault(format!("attribute mode is {other:?}"))),
    };
    if !channels.is_multiple_of(block * block) {
        return Err(Fault(format!("{channels} channels into blocks of {block} × {block}")));
    }
    let node = Node::new("DepthToSpace", &[call.float(0)?.name], &[call.output()]);
    let shape = vec![batch, channels / (block * block), height * block, width * block];
    Ok(Lowered::one(node.with_int("blocksize", block as i64).with_text("mode", mode), Value::float(shape)))
}

/// The runtime has it as a reshape, a transposition and a reshape.
pub(super) fn space_to_depth(call: &Call<'_>) -> Result<Lowered, Fault> {
    let ([batch, channels, height, width], block) = blocks(call)?;
    if !height.is_multiple_of(block) || !width.is_multiple_of(block) {
        return Err(Fault(format!("{height} × {width} into blocks of {block} × {block}")));
    }
    let (rows, columns) = (height / block, width / block);
    let shape = vec![batch, channels * block * block, rows, columns];
    let (split, moved) = (call.inner("split"), call.inner("moved"));
    let apart = [batch, channels, rows, block, columns, block];
    let (before, before_shape) = reshape(call.float(0)?.name, &split, &call.inner("blocks"), &apart);
    let (after, after_shape) = reshape(&moved, call.output(), &call.inner("shape"), &shape);
    let transpose = Node::new("Transpose", &[&split], &[&moved]).with_ints("perm", vec![0, 3, 5, 1, 2, 4]);
    Ok(Lowered {
        nodes: vec![before, transpose, after],
        constants: vec![before_shape, after_shape],
        scratch: 2 * call.float(0)?.value.elements(),
        outputs: vec![Value::float(shape)],
    })
}
