//! Operators of one element at a time.

use crate::onnx::Fault;
use crate::onnx::call::{Call, Input, Lowered, name_of, within_known};
use crate::onnx::proto::{Node, Tensor, data_type};
use crate::onnx::value::{Kind, Known, Value, broadcast, spread};

/// An operator without attributes.
pub(super) fn plain(call: &Call<'_>) -> Result<Lowered, Fault> {
    call.same(Node::new(call.operator, &[call.float(0)?.name], &[call.output()]))
}

/// x tanh(ln(1 + eˣ)), which the runtime has the parts of.
pub(super) fn mish(call: &Call<'_>) -> Result<Lowered, Fault> {
    let input = call.float(0)?;
    let (softplus, tanh) = (call.inner("softplus"), call.inner("tanh"));
    let nodes = vec![
        Node::new("Softplus", &[input.name], &[&softplus]),
        Node::new("Tanh", &[&softplus], &[&tanh]),
        Node::new("Mul", &[input.name, &tanh], &[call.output()]),
    ];
    let scratch = 2 * input.value.elements();
    Ok(Lowered {
        nodes,
        outputs: vec![Value::float(input.value.shape.clone())],
        scratch,
        ..Lowered::default()
    })
}

pub(super) fn with_alpha(call: &Call<'_>) -> Result<Lowered, Fault> {
    let alpha = call.attribute_float("alpha", if call.operator == "Elu" { 1.0 } else { 0.01 })?;
    call.same(Node::new(call.operator, &[call.float(0)?.name], &[call.output()]).with_float("alpha", alpha))
}

pub(super) fn hard_sigmoid(call: &Call<'_>) -> Result<Lowered, Fault> {
    let (alpha, beta) = (call.attribute_float("alpha", 0.2)?, call.attribute_float("beta", 0.5)?);
    let node = Node::new("HardSigmoid", &[call.float(0)?.name], &[call.output()]);
    call.same(node.with_float("alpha", alpha).with_float("beta", beta))
}

pub(super) fn gelu(call: &Call<'_>) -> Result<Lowered, Fault> {
    let approximate = match call.text("approximate", "none")? {
        known @ ("none" | "tanh") => known,
        other => return Err(Fault(format!("attribute approximate is {other:?}"))),
    };
    let node = Node::new("Gelu", &[call.float(0)?.name], &[call.output()]);
    call.same(node.with_text("approximate", approximate))
}

/// Bounds were attributes before opset 11; either may be absent.
pub(super) fn clip(call: &Call<'_>) -> Result<Lowered, Fault> {
    let input = call.float(0)?;
    if call.opset < 11 {
        let (low, high) = (call.attribute_float("min", f32::MIN)?, call.attribute_float("max", f32::MAX)?);
        let names = (call.inner("min"), call.inner("max"));
        let lowered = call.same(Node::new("Clip", &[input.name, &names.0, &names.1], &[call.output()]))?;
        return Ok(lowered
            .with_constant(Tensor::of_floats(&names.0, &[], &[low]))
            .with_constant(Tensor::of_floats(&names.1, &[], &[high])));
    }
    let bound = |index| match call.optional_float(index)? {
        Some(bound) if bound.value.elements() == 1 => Ok(bound.name),
        Some(bound) => Err(Fault(format!("a bound has shape {:?}", bound.value.shape))),
        None => Ok(""),
    };
    call.same(Node::new("Clip", &[input.name, bound(1)?, bound(2)?], &[call.output()]))
}

/// A cast to f32, or of integers that are known. Integers that are made of floats are indices, and nothing else: they
/// have 32 bits.
pub(super) fn cast(call: &Call<'_>) -> Result<Lowered, Fault> {
    call.ignore("saturate");
    let to = call.given_int("to")?.and_then(|code| i32::try_from(code).ok());
    let to = to.ok_or_else(|| Fault::reason("attribute to is missing"))?;
    let input = call.input(0)?;
    let unsupported = || Fault(format!("from {} to ONNX' type {to}", name_of(input.value.kind)));
    let shape = input.value.shape.clone();
    match (input.value.kind, Kind::of(to), &input.value.known) {
        (Kind::Int | Kind::Bool, Kind::Int, Some(Known::Ints(values))) => {
            if to == data_type::INT32 && values.iter().any(|&value| i32::try_from(value).is_err()) {
                return Err(Fault::reason("an integer is beyond 32 bits"));
            }
            Ok(Lowered::known(Kind::Int, shape, values.clone()))
        }
        (Kind::Int | Kind::Bool, Kind::Bool, Some(Known::Ints(values))) => {
            Ok(Lowered::known(Kind::Bool, shape, values.iter().map(|&value| i64::from(value != 0)).collect()))
        }
        (Kind::Int | Kind::Bool, Kind::Float, Some(Known::Ints(values))) => {
            let floats = values.iter().map(|&value| value as f32).collect();
            let value = Value { kind: Kind::Float, shape, known: Some(Known::Floats(floats)) };
            Ok(Lowered { outputs: vec![value], ..Lowered::default() })
        }
        (Kind::Float, Kind::Float, _) => call.identity(),
        // The runtime holds constants of both as f32.
        (Kind::OtherFloat, Kind::Float, _) => {
            Ok(Lowered::one(Node::new("Identity", &[input.name], &[call.output()]), Value::float(shape)))
        }
        (Kind::Bool, Kind::Float, None) => {
            let node = Node::new("Cast", &[input.name], &[call.output()]);
            Ok(Lowered::one(node.with_int("to", data_type::FLOAT.into()), Value::float(shape)))
        }
        (Kind::Float, Kind::Int, None) => {
            let node = Node::new("Cast", &[input.name], &[call.output()]);
            Ok(Lowered::one(node.with_int("to", to.into()), Value::unknown(Kind::Int, shape)))
        }
        _ => Err(unsupported()),
    }
}

/// Nothing, where a network is used; refused where it is being trained.
pub(super) fn dropout(call: &Call<'_>) -> Result<Lowered, Fault> {
    call.ignore("seed");
    if call.opset < 12 {
        call.ignore("ratio");
    }
    match call.given(2) {
        None => {}
        Some(mode) if mode.value.ints() == Some(&[0]) => {}
        Some(_) => return Err(Fault::reason("it is in training mode")),
    }
    call.float(0)?;
    call.identity()
}

/// Both of f32, or both of integers that are known.
fn pair<'a>(call: &Call<'a>) -> Result<(Input<'a>, Input<'a>, Vec<usize>), Fault> {
    let (left, right) = (call.input(0)?, call.input(1)?);
    Ok((left, right, broadcast(&left.value.shape, &right.value.shape)?))
}

/// The elements of two inputs side by side, where both are known.
fn known_pairs(left: &Value, right: &Value, shape: &[usize]) -> Result<Option<Vec<(i64, i64)>>, Fault> {
    let (Kind::Int, Some(a), Kind::Int, Some(b)) = (left.kind, left.ints(), right.kind, right.ints()) else {
        return Ok(None);
    };
    within_known(shape)?;
    Ok(Some(spread(a, &left.shape, shape).into_iter().zip(spread(b, &right.shape, shape)).collect()))
}

pub(super) fn arithmetic(call: &Call<'_>) -> Result<Lowered, Fault> {
    let (left, right, shape) = pair(call)?;
    if let Some(pairs) = known_pairs(left.value, right.value, &shape)? {
        let compute = |(a, b): (i64, i64)| match call.operator {
            "Add" => a.checked_add(b),
            "Sub" => a.checked_sub(b),
            "Mul" => a.checked_mul(b),
            _ => a.checked_div(b),
        };
        let values = pairs.into_iter().map(compute).collect::<Option<_>>();
        return values
            .map(|values| Lowered::known(Kind::Int, shape, values))
            .ok_or_else(|| Fault::reason("its integers overflow, or are divided by zero"));
    }
    let node = Node::new(call.operator, &[call.float(0)?.name, call.float(1)?.name], &[call.output()]);
    Ok(Lowered::one(node, Value::float(shape)))
}

/// The exponent may be of integers.
pub(super) fn pow(call: &Call<'_>) -> Result<Lowered, Fault> {
    let (base, exponent, shape) = (call.float(0)?, call.input(1)?, pair(call)?.2);
    if let Some(values) = exponent.value.ints() {
        let (name, values) =
            (call.inner("exponent"), values.iter().map(|&value| value as f32).collect::<Vec<_>>());
        let node = Node::new("Pow", &[base.name, &name], &[call.output()]);
        let exponent = Tensor::of_floats(&name, &exponent.value.shape, &values);
        return Ok(Lowered::one(node, Value::float(shape)).with_constant(exponent));
    }
    let node = Node::new("Pow", &[base.name, call.float(1)?.name], &[call.output()]);
    Ok(Lowered::one(node, Value::float(shape)))
}

pub(super) fn variadic(call: &Call<'_>) -> Result<Lowered, Fault> {
    let inputs = (0..call.inputs.len()).map(|index| call.float(index)).collect::<Result<Vec<_>, _>>()?;
    let mut shape = call.float(0)?.value.shape.clone();
    for input in &inputs {
        shape = broadcast(&shape, &input.value.shape)?;
    }
    let names: Vec<&str> = inputs.iter().map(|input| input.name).collect();
    Ok(Lowered::one(Node::new(call.operator, &names, &[call.output()]), Value::float(shape)))
}

/// The slope is broadcast to the input, not the other way.
pub(super) fn prelu(call: &Call<'_>) -> Result<Lowered, Fault> {
    let (input, slope) = (call.float(0)?, call.float(1)?);
    if broadcast(&input.value.shape, &slope.value.shape)? != input.value.shape {
        return Err(Fault(format!("a slope of shape {:?} for {:?}", slope.value.shape, input.value.shape)));
    }
    call.same(Node::new("PRelu", &[input.name, slope.name], &[call.output()]))
}

pub(super) fn comparison(call: &Call<'_>) -> Result<Lowered, Fault> {
    let (left, right, shape) = pair(call)?;
    if let Some(pairs) = known_pairs(left.value, right.value, &shape)? {
        let compute = |(a, b): (i64, i64)| match call.operator {
            "Equal" => a == b,
            "Greater" => a > b,
            "Less" => a < b,
            "GreaterOrEqual" => a >= b,
            _ => a <= b,
        };
        let values = pairs.into_iter().map(|pair| i64::from(compute(pair))).collect();
        return Ok(Lowered::known(Kind::Bool, shape, values));
    }
    let node = Node::new(call.operator, &[call.float(0)?.name, call.float(1)?.name], &[call.output()]);
    Ok(Lowered::one(node, Value::unknown(Kind::Bool, shape)))
}

pub(super) fn choice(call: &Call<'_>) -> Result<Lowered, Fault> {
    let (condition, left, right) = (call.input(0)?, call.input(1)?, call.input(2)?);
    if condition.value.kind != Kind::Bool {
        return Err(Fault(format!("the condition is {}", name_of(condition.value.kind))));
    }
    let shape = broadcast(&left.value.shape, &right.value.shape)?;
    let shape = broadcast(&shape, &condition.value.shape)?;
    if let (Some(chosen), Some(a), Some(b)) = (condition.value.ints(), left.value.ints(), right.value.ints())
        && left.value.kind == right.value.kind
    {
        within_known(&shape)?;
        let chosen = spread(chosen, &condition.value.shape, &shape);
        let (a, b) = (spread(a, &left.value.shape, &shape), spread(b, &right.value.shape, &shape));
        let values =
            chosen.iter().zip(a.iter().zip(b)).map(|(&first, (&a, b))| if first != 0 { a } else { b });
        return Ok(Lowered::known(left.value.kind, shape, values.collect()));
    }
    let node =
        Node::new("Where", &[condition.name, call.float(1)?.name, call.float(2)?.name], &[call.output()]);
    Ok(Lowered::one(node, Value::float(shape)))
}
