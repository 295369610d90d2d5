//! Products of matrices, softmax and normalisations.

use crate::onnx::Fault;
use crate::onnx::call::{Call, Input, Lowered, reshape};
use crate::onnx::proto::Node;
use crate::onnx::value::{Value, broadcast};

/// Over one axis since opset 13. Before, over all axes from one on, taken as one, which is written with two reshapes.
pub(super) fn softmax(call: &Call<'_>) -> Result<Lowered, Fault> {
    let input = call.float(0)?;
    let (shape, rank) = (&input.value.shape, input.value.rank());
    let together = call.opset < 13;
    let axis = call.axis(call.int("axis", if together { 1 } else { -1 })?, rank)?;
    if !together || axis + 1 == rank {
        let node = Node::new(call.operator, &[input.name], &[call.output()]);
        return call.same(node.with_int("axis", axis as i64));
    }
    let matrix = [shape[..axis].iter().product(), shape[axis..].iter().product()];
    let (rows, result) = (call.inner("rows"), call.inner("softmax"));
    let (before, before_shape) = reshape(input.name, &rows, &call.inner("matrix"), &matrix);
    let (after, after_shape) = reshape(&result, call.output(), &call.inner("shape"), shape);
    let node = Node::new(call.operator, &[&rows], &[&result]).with_int("axis", 1);
    Ok(Lowered {
        nodes: vec![before, node, after],
        constants: vec![before_shape, after_shape],
        outputs: vec![Value::float(shape.clone())],
        scratch: 2 * input.value.elements(),
    })
}

/// Inputs that have one element for each channel.
fn of_channels<'a>(call: &Call<'a>, count: usize) -> Result<Vec<&'a str>, Fault> {
    let input = call.float(0)?;
    let &[_, channels, ..] = input.value.shape.as_slice() else {
        return Err(Fault(format!("an input of shape {:?}", input.value.shape)));
    };
    let mut names = vec![input.name];
    for index in 1..=count {
        let parameter = call.float(index)?;
        if parameter.value.shape != [channels] {
            return Err(Fault(format!("input {} of shape {:?}", index + 1, parameter.value.shape)));
        }
        names.push(parameter.name);
    }
    Ok(names)
}

pub(super) fn batch_normalization(call: &Call<'_>) -> Result<Lowered, Fault> {
    call.ignore("momentum");
    let epsilon = call.attribute_float("epsilon", 1e-5)?;
    if call.opset < 9 {
        call.only("spatial", 1)?;
    }
    if call.opset >= 14 {
        call.only("training_mode", 0)?;
    } else if call.outputs.iter().skip(1).any(|name| !name.is_empty()) {
        return Err(Fault::reason("more than one output means training mode"));
    }
    let names = of_channels(call, 4)?;
    call.same(Node::new("BatchNormalization", &names, &[call.output()]).with_float("epsilon", epsilon))
}

pub(super) fn instance_normalization(call: &Call<'_>) -> Result<Lowered, Fault> {
    let epsilon = call.attribute_float("epsilon", 1e-5)?;
    let names = of_channels(call, 2)?;
    call.same(Node::new("InstanceNormalization", &names, &[call.output()]).with_float("epsilon", epsilon))
}

pub(super) fn layer_normalization(call: &Call<'_>) -> Result<Lowered, Fault> {
    call.only("stash_type", 1)?;
    let epsilon = call.attribute_float("epsilon", 1e-5)?;
    let (input, scale, bias) = (call.float(0)?, call.float(1)?, call.optional_float(2)?);
    let axis = call.axis(call.int("axis", -1)?, input.value.rank())?;
    let normalised = &input.value.shape[axis..];
    if scale.value.shape != normalised || bias.is_some_and(|bias| bias.value.shape != normalised) {
        return Err(Fault(format!("scale and bias must have shape {normalised:?}")));
    }
    let mut names = vec![input.name, scale.name];
    names.extend(bias.map(|bias| bias.name));
    let node = Node::new("LayerNormalization", &names, &[call.output()]);
    call.same(node.with_int("axis", axis as i64).with_float("epsilon", epsilon))
}

/// α A B + β C of two matrices, each transposed or not.
pub(super) fn gemm(call: &Call<'_>) -> Result<Lowered, Fault> {
    let (alpha, beta) = (call.attribute_float("alpha", 1.0)?, call.attribute_float("beta", 1.0)?);
    let matrix = |index: usize, transposed: bool| match call.float(index)?.value.shape.as_slice() {
        &[rows, columns] => Ok(if transposed { [columns, rows] } else { [rows, columns] }),
        shape => Err(Fault(format!("input {} of shape {shape:?} is no matrix", index + 1))),
    };
    let (first, second) = (call.int("transA", 0)? != 0, call.int("transB", 0)? != 0);
    let ([rows, inner], [same, columns]) = (matrix(0, first)?, matrix(1, second)?);
    let added = call.optional_float(2)?;
    let shape = vec![rows, columns];
    let fits = |added: Input<'_>| broadcast(&added.value.shape, &shape).is_ok_and(|both| both == shape);
    if inner != same || !added.is_none_or(fits) {
        return Err(Fault(format!(
            "a product of {rows} × {inner} and {same} × {columns}, or what is added, does not fit"
        )));
    }
    let mut names = vec![call.float(0)?.name, call.float(1)?.name];
    names.extend(added.map(|added| added.name));
    let node = Node::new("Gemm", &names, &[call.output()])
        .with_float("alpha", alpha)
        .with_float("beta", beta)
        .with_int("transA", first.into())
        .with_int("transB", second.into());
    Ok(Lowered::one(node, Value::float(shape)))
}

/// Products of matrices, as many as the other axes have.
pub(super) fn mat_mul(call: &Call<'_>) -> Result<Lowered, Fault> {
    let (left, right) = (call.float(0)?, call.float(1)?);
    let ([left_batch @ .., rows, inner], [right_batch @ .., same, columns]) =
        (left.value.shape.as_slice(), right.value.shape.as_slice())
    else {
        return Err(Fault(format!("of {:?} and {:?}, only matrices", left.value.shape, right.value.shape)));
    };
    if inner != same {
        return Err(Fault(format!("of {:?} and {:?}", left.value.shape, right.value.shape)));
    }
    let mut shape = broadcast(left_batch, right_batch)?;
    shape.extend([*rows, *columns]);
    let node = Node::new("MatMul", &[left.name, right.name], &[call.output()]);
    Ok(Lowered::one(node, Value::float(shape)))
}
