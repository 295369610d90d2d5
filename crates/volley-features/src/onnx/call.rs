//! One node as an operator sees it, and what it becomes.

use std::cell::RefCell;

use super::Fault;
use super::proto::{Attribute, Node, Tensor, attribute_type, data_type};
use super::value::{Kind, Known, MAX_KNOWN, Value, checked_product};

/// A node whose inputs are known.
pub(super) struct Call<'a> {
    pub(super) operator: &'a str,
    /// The opset of the standard domain.
    pub(super) opset: i64,
    pub(super) inputs: Vec<Option<Input<'a>>>,
    pub(super) outputs: &'a [String],
    attributes: &'a [Attribute],
    /// The attributes that were asked for.
    seen: RefCell<Vec<&'static str>>,
}

/// An input that is given.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a Value,
}

/// What a node becomes: nodes of the runtime with the constants that they need, and the values of the node's outputs.
#[derive(Debug, Default)]
pub(super) struct Lowered {
    pub(super) nodes: Vec<Node>,
    pub(super) constants: Vec<Tensor>,
    pub(super) outputs: Vec<Value>,
    /// Elements that the runtime needs meanwhile beside the outputs.
    pub(super) scratch: usize,
}

impl Lowered {
    /// One node with one output.
    pub(super) fn one(node: Node, output: Value) -> Self {
        Self { nodes: vec![node], outputs: vec![output], ..Self::default() }
    }

    /// Elements that are known: nothing has to run.
    pub(super) fn known(kind: Kind, shape: Vec<usize>, values: Vec<i64>) -> Self {
        Self { outputs: vec![Value::known(kind, shape, values)], ..Self::default() }
    }

    pub(super) fn with_constant(mut self, constant: Tensor) -> Self {
        self.constants.push(constant);
        self
    }
}

impl<'a> Call<'a> {
    pub(super) fn new(node: &'a Node, opset: i64, inputs: Vec<Option<Input<'a>>>) -> Self {
        Self {
            operator: &node.op_type,
            opset,
            inputs,
            outputs: &node.output,
            attributes: &node.attribute,
            seen: RefCell::default(),
        }
    }

    /// The one output that the runtime gives.
    pub(super) fn output(&self) -> &'a str {
        &self.outputs[0]
    }

    /// A name that no value of the file has.
    pub(super) fn inner(&self, part: &str) -> String {
        format!("{}{}/{part}", super::RESERVED, self.output())
    }

    pub(super) fn given(&self, index: usize) -> Option<Input<'a>> {
        self.inputs.get(index).copied().flatten()
    }

    pub(super) fn input(&self, index: usize) -> Result<Input<'a>, Fault> {
        self.given(index).ok_or_else(|| Fault(format!("input {} is missing", index + 1)))
    }

    /// An input of f32, of at least one.
    pub(super) fn float(&self, index: usize) -> Result<Input<'a>, Fault> {
        let input = self.input(index)?;
        match input.value.kind {
            Kind::Float if input.value.elements() > 0 => Ok(input),
            Kind::Float => Err(Fault(format!("input {} has no elements", index + 1))),
            kind => Err(Fault(format!("input {} is {}, not f32", index + 1, name_of(kind)))),
        }
    }

    /// An input that is given and of f32, or none.
    pub(super) fn optional_float(&self, index: usize) -> Result<Option<Input<'a>>, Fault> {
        self.given(index).map(|_| self.float(index)).transpose()
    }

    /// Integers of an input that are known before any picture.
    pub(super) fn ints(&self, index: usize) -> Result<&'a [i64], Fault> {
        let input = self.input(index)?;
        if input.value.kind != Kind::Int {
            return Err(Fault(format!("input {} is {}, not integers", index + 1, name_of(input.value.kind))));
        }
        input
            .value
            .ints()
            .ok_or_else(|| Fault(format!("integers of input {} depend on the picture", index + 1)))
    }

    /// A list that was an attribute before an opset, and has been an input since.
    pub(super) fn list(
        &self,
        name: &'static str,
        since: i64,
        index: usize,
    ) -> Result<Option<Vec<i64>>, Fault> {
        if self.opset < since { self.attribute_ints(name) } else { self.optional_ints(index) }
    }

    /// Integers that are known, of an input that may be absent.
    pub(super) fn optional_ints(&self, index: usize) -> Result<Option<Vec<i64>>, Fault> {
        self.given(index).map(|_| self.ints(index).map(<[i64]>::to_vec)).transpose()
    }

    /// The first output as a node of one input, of the same shape.
    pub(super) fn same(&self, node: Node) -> Result<Lowered, Fault> {
        Ok(Lowered::one(node, Value::float(self.float(0)?.value.shape.clone())))
    }

    /// The first input under the name of the output.
    pub(super) fn identity(&self) -> Result<Lowered, Fault> {
        let input = self.input(0)?;
        if matches!(input.value.kind, Kind::Other(_)) {
            return Err(Fault(format!("input 1 is {}", name_of(input.value.kind))));
        }
        let node = Node::new("Identity", &[input.name], &[self.output()]);
        Ok(Lowered::one(node, input.value.clone()))
    }

    /// The first input with another shape, of as many elements.
    pub(super) fn reshaped(&self, shape: Vec<usize>) -> Result<Lowered, Fault> {
        let input = self.input(0)?;
        if checked_product(&shape) != Some(input.value.elements()) {
            return Err(Fault(format!("{:?} cannot become {shape:?}", input.value.shape)));
        }
        if let Some(values) = input.value.ints() {
            return Ok(Lowered::known(input.value.kind, shape, values.to_vec()));
        }
        self.float(0)?;
        let (node, constant) = reshape(input.name, self.output(), &self.inner("shape"), &shape);
        Ok(Lowered::one(node, Value::float(shape)).with_constant(constant))
    }

    /// An axis of a shape; a negative one counts from the end.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> Result<usize, Fault> {
        resolve(axis, rank).ok_or_else(|| Fault(format!("axis {axis} of a value of rank {rank}")))
    }

    fn attribute(&self, name: &'static str, kind: i32) -> Result<Option<&'a Attribute>, Fault> {
        self.seen.borrow_mut().push(name);
        let mut found = self.attributes.iter().filter(|attribute| attribute.name == name);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some(attribute), None) if attribute.kind == kind => Ok(Some(attribute)),
            _ => Err(Fault(format!("attribute {name} is of another type, or there twice"))),
        }
    }

    pub(super) fn int(&self, name: &'static str, absent: i64) -> Result<i64, Fault> {
        Ok(self.given_int(name)?.unwrap_or(absent))
    }

    pub(super) fn given_int(&self, name: &'static str) -> Result<Option<i64>, Fault> {
        Ok(self.attribute(name, attribute_type::INT)?.map(|attribute| attribute.i))
    }

    pub(super) fn given_float(&self, name: &'static str) -> Result<Option<f32>, Fault> {
        Ok(self.attribute(name, attribute_type::FLOAT)?.map(|attribute| attribute.f))
    }

    pub(super) fn attribute_float(&self, name: &'static str, absent: f32) -> Result<f32, Fault> {
        Ok(self.given_float(name)?.unwrap_or(absent))
    }

    pub(super) fn attribute_ints(&self, name: &'static str) -> Result<Option<Vec<i64>>, Fault> {
        Ok(self.attribute(name, attribute_type::INTS)?.map(|attribute| attribute.ints.clone()))
    }

    pub(super) fn attribute_floats(&self, name: &'static str) -> Result<Option<&'a [f32]>, Fault> {
        Ok(self.attribute(name, attribute_type::FLOATS)?.map(|attribute| attribute.floats.as_slice()))
    }

    pub(super) fn text(&self, name: &'static str, absent: &'static str) -> Result<&'a str, Fault> {
        match self.attribute(name, attribute_type::STRING)? {
            Some(attribute) => {
                std::str::from_utf8(&attribute.s).map_err(|_| Fault(format!("attribute {name} is no text")))
            }
            None => Ok(absent),
        }
    }

    pub(super) fn tensor(&self, name: &'static str) -> Result<Option<&'a Tensor>, Fault> {
        Ok(self.attribute(name, attribute_type::TENSOR)?.and_then(|attribute| attribute.t.as_ref()))
    }

    /// Refuses an attribute whose value is not the only one that the runtime computes.
    pub(super) fn only(&self, name: &'static str, value: i64) -> Result<(), Fault> {
        match self.int(name, value)? {
            found if found == value => Ok(()),
            found => Err(Fault(format!("attribute {name} is {found}, only {value} is computed"))),
        }
    }

    /// The same for a text.
    pub(super) fn only_text(&self, name: &'static str, value: &'static str) -> Result<(), Fault> {
        match self.text(name, value)? {
            found if found == value => Ok(()),
            found => Err(Fault(format!("attribute {name} is {found:?}, only {value:?} is computed"))),
        }
    }

    /// An attribute that changes nothing here.
    pub(super) fn ignore(&self, name: &'static str) {
        self.seen.borrow_mut().push(name);
    }

    /// Refuses an attribute that the operator did not ask for.
    pub(super) fn finish(&self) -> Result<(), Fault> {
        let seen = self.seen.borrow();
        match self.attributes.iter().find(|attribute| !seen.contains(&attribute.name.as_str())) {
            Some(attribute) => Err(Fault(format!("attribute {} is not known", attribute.name))),
            None => Ok(()),
        }
    }
}

/// A node that gives a value another shape, and the constant with that shape.
pub(super) fn reshape(from: &str, to: &str, shape_name: &str, shape: &[usize]) -> (Node, Tensor) {
    let sizes: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
    (Node::new("Reshape", &[from, shape_name], &[to]), Tensor::of_ints(shape_name, &[shape.len()], &sizes))
}

pub(super) fn resolve(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis.checked_add(i64::try_from(rank).ok()?)? } else { axis };
    usize::try_from(axis).ok().filter(|&axis| axis < rank)
}

/// Refuses to compute more elements in advance than any shape has.
pub(super) fn within_known(shape: &[usize]) -> Result<(), Fault> {
    match checked_product(shape) {
        Some(count) if count <= MAX_KNOWN => Ok(()),
        _ => Err(Fault(format!("integers of shape {shape:?}, at most {MAX_KNOWN} are computed"))),
    }
}

pub(super) fn name_of(kind: Kind) -> String {
    match kind {
        Kind::Float => "f32".to_owned(),
        Kind::OtherFloat => "f16 or f64".to_owned(),
        Kind::Int | Kind::Other(data_type::INT64) => "int".to_owned(),
        Kind::Bool => "bool".to_owned(),
        Kind::Other(0) => "an output that is not computed".to_owned(),
        Kind::Other(code) => format!("of ONNX' type {code}"),
    }
}

/// A constant of known elements for the runtime, which has integers of 32 bits.
pub(super) fn constant(name: &str, value: &Value) -> Result<Option<Tensor>, Fault> {
    Ok(match &value.known {
        None => None,
        Some(Known::Floats(values)) => Some(Tensor::of_floats(name, &value.shape, values)),
        Some(Known::Ints(values)) if value.kind == Kind::Bool => {
            Some(Tensor::of_bools(name, &value.shape, values))
        }
        Some(Known::Ints(values)) => match values.iter().find(|&&value| i32::try_from(value).is_err()) {
            Some(large) => return Err(Fault(format!("{large} is beyond 32 bits"))),
            None => Some(Tensor::of_ints(name, &value.shape, values)),
        },
    })
}
