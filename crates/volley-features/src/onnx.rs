//! An ONNX file, looked at before the runtime sees it.
//!
//! The nodes that the wanted layers need are walked once, in order, with the shape of every value that they compute.
//! The shape of the input is the recipe's, and all others follow. Each node is checked against what ONNX says of its
//! operator in the file's opset, and is written anew for the runtime:
//!
//! * attributes that were left out are written out;
//! * padding that is asked for by name is given in numbers;
//! * integers that shapes are computed with are computed here, in 64 bits;
//! * what does nothing when a network is used (dropout) is left out.
//!
//! A node that the runtime would not compute as ONNX says is refused, and so is every operator and attribute that is
//! not known. A value that takes too much memory is refused as well. The runtime gets the new model and nothing of the
//! old one.

mod call;
mod operators;
mod outline;
mod proto;
mod value;

use std::collections::{HashMap, HashSet};

use prost::Message;

use call::{Call, Input, Lowered};
use proto::{
    Dimension, Graph, Model, Node, OperatorSet, Shape, Tensor, TensorType, Type, ValueInfo, data_type,
};
use value::{Kind, MAX_RANK, Value};

/// Memory of all values that a network computes for one image, and its constants: 2 GiB.
pub(crate) const MAX_VALUE_BYTES: u64 = 1 << 31;
/// Versions of the file format, and of the operators, whose meaning is known.
const IR_VERSIONS: std::ops::RangeInclusive<i64> = 3..=13;
const OPSETS: std::ops::RangeInclusive<i64> = 7..=25;
/// The version of the operators that are written.
const WRITTEN_OPSET: i64 = 21;
const WRITTEN_IR: i64 = 10;
/// Begins the names of values that are not in the file, and no name in a file.
const RESERVED: char = '\u{1}';
const ELEMENT_BYTES: u64 = 4;

/// Why a model is refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// It is no model, or none of a version that is known.
    Model(String),
    /// Its input, as it is declared, is not what the recipe makes.
    Input(String),
    /// It has no layer of this name; its outputs.
    Layer { layer: String, outputs: Vec<String> },
    /// The type of a layer's values, which are no floats.
    Output { layer: String, found: String },
    /// A node that would not be computed as ONNX says.
    Node { node: String, operator: String, reason: String },
    /// A node whose values take too much memory.
    Size { node: String, operator: String, bytes: u64 },
}

/// Why a node is refused.
#[derive(Clone, Debug, PartialEq)]
struct Fault(String);

impl Fault {
    fn reason(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

/// The part of a model that some layers need, for the runtime.
#[derive(Debug)]
pub(crate) struct Network {
    /// An ONNX file whose one input is the tensor of an image and whose outputs are the layers.
    pub(crate) content: Vec<u8>,
    /// The shape of each layer.
    pub(crate) shapes: Vec<Vec<usize>>,
}

/// Checks a model, and writes what these layers need of it for an input of this shape. No layer is named twice.
pub(crate) fn lower(content: &[u8], input_shape: &[usize], layers: &[&str]) -> Result<Network, Refusal> {
    outline::check(content)?;
    let model =
        Model::decode(content).map_err(|error| Refusal::Model(format!("not an ONNX file: {error}")))?;
    let opset = opset(&model)?;
    let graph = model.graph.ok_or_else(|| Refusal::Model("it has no graph".to_owned()))?;
    let input = input(&graph, input_shape)?;
    let producers = producers(&graph)?;
    if let Some(layer) = layers.iter().find(|layer| !producers.contains_key(**layer)) {
        let outputs = graph.output.into_iter().map(|output| output.name).collect();
        return Err(Refusal::Layer { layer: (*layer).to_owned(), outputs });
    }
    let needed = needed(&graph.node, &producers, layers);
    let mut walk = Walk::new(opset, input.clone(), input_shape, graph.initializer)?;
    for (node, _) in graph.node.iter().zip(needed).filter(|(_, needed)| *needed) {
        walk.step(node)?;
    }
    walk.finish(&input, input_shape, layers)
}

/// The version of the standard operators, in a file of a version that is known.
fn opset(model: &Model) -> Result<i64, Refusal> {
    if !IR_VERSIONS.contains(&model.ir_version) {
        let (first, last) = (IR_VERSIONS.start(), IR_VERSIONS.end());
        return Err(Refusal::Model(format!("its IR version is {}, not {first} to {last}", model.ir_version)));
    }
    if !model.functions.is_empty() {
        return Err(Refusal::Model("it has functions of its own".to_owned()));
    }
    let mut standard = model.opset_import.iter().filter(|set| is_standard(&set.domain));
    match (standard.next(), standard.next()) {
        (Some(set), None) if OPSETS.contains(&set.version) => Ok(set.version),
        (Some(set), None) => {
            let (first, last) = (OPSETS.start(), OPSETS.end());
            Err(Refusal::Model(format!("its opset is {}, not {first} to {last}", set.version)))
        }
        _ => Err(Refusal::Model("it does not say one opset".to_owned())),
    }
}

fn is_standard(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

/// The name of the one input, if it can be the tensor of one image.
fn input(graph: &Graph, needed: &[usize]) -> Result<String, Refusal> {
    let constants: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let mut inputs = graph.input.iter().filter(|input| !constants.contains(input.name.as_str()));
    let (Some(input), None) = (inputs.next(), inputs.next()) else {
        let count =
            graph.input.len() - graph.input.iter().filter(|i| constants.contains(i.name.as_str())).count();
        return Err(Refusal::Input(format!("{count} inputs")));
    };
    let declared = input.kind.as_ref().and_then(|kind| kind.tensor.as_ref());
    let element = declared.map_or(0, |tensor| tensor.element);
    let shape = declared.and_then(|tensor| tensor.shape.as_ref());
    let fits = shape.is_none_or(|shape| {
        let fits =
            |(size, needed): (&Dimension, &usize)| size.value.is_none_or(|size| size == *needed as i64);
        shape.dim.len() == needed.len() && shape.dim.iter().zip(needed).all(fits)
    });
    if fits && element == data_type::FLOAT {
        return Ok(input.name.clone());
    }
    let size = |size: &Dimension| match (size.value, &size.parameter) {
        (Some(size), _) => size.to_string(),
        (None, Some(name)) => name.clone(),
        (None, None) => "?".to_owned(),
    };
    let sizes: Vec<String> = shape.map_or_else(Vec::new, |shape| shape.dim.iter().map(size).collect());
    Err(Refusal::Input(format!("{} [{}]", call::name_of(Kind::of(element)), sizes.join(", "))))
}

/// The node that computes each value.
fn producers(graph: &Graph) -> Result<HashMap<String, usize>, Refusal> {
    let mut producers = HashMap::new();
    let given = graph
        .input
        .iter()
        .map(|input| &input.name)
        .chain(graph.initializer.iter().map(|tensor| &tensor.name));
    let computed = graph.node.iter().flat_map(|node| &node.output).filter(|name| !name.is_empty());
    if let Some(name) = given.chain(computed).find(|name| name.contains(RESERVED)) {
        return Err(Refusal::Model(format!("a value is called {name:?}")));
    }
    for (index, node) in graph.node.iter().enumerate() {
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            if producers.insert(name.clone(), index).is_some() {
                return Err(Refusal::Model(format!("value {name:?} is computed twice")));
            }
        }
    }
    Ok(producers)
}

/// Which nodes the layers need.
fn needed(nodes: &[Node], producers: &HashMap<String, usize>, layers: &[&str]) -> Vec<bool> {
    let mut needed = vec![false; nodes.len()];
    let mut open = layers.to_vec();
    while let Some(name) = open.pop() {
        if let Some(&index) = producers.get(name)
            && !needed[index]
        {
            needed[index] = true;
            open.extend(nodes[index].input.iter().map(String::as_str));
        }
    }
    needed
}

/// The nodes walked so far.
struct Walk {
    opset: i64,
    values: HashMap<String, Value>,
    /// Constants of the file that the new model does not have yet.
    constants: HashMap<String, Tensor>,
    /// Names that the new model knows.
    written: HashSet<String>,
    graph: Graph,
    bytes: u64,
}

impl Walk {
    fn new(opset: i64, input: String, shape: &[usize], constants: Vec<Tensor>) -> Result<Self, Refusal> {
        let mut walk = Self {
            opset,
            values: HashMap::from([(input.clone(), Value::float(shape.to_vec()))]),
            constants: HashMap::new(),
            written: HashSet::from([input]),
            graph: Graph::default(),
            bytes: 0,
        };
        for constant in constants {
            let name = constant.name.clone();
            if walk.values.contains_key(&name) || walk.constants.insert(name.clone(), constant).is_some() {
                return Err(Refusal::Model(format!("value {name:?} is given twice")));
            }
        }
        Ok(walk)
    }

    /// Checks a node, and writes what the runtime needs of it.
    fn step(&mut self, node: &Node) -> Result<(), Refusal> {
        let name = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
        let (name, operator) = (name.cloned().unwrap_or_default(), node.op_type.clone());
        let refused =
            |Fault(reason)| Refusal::Node { node: name.clone(), operator: operator.clone(), reason };
        for input in node.input.iter().filter(|input| !input.is_empty()) {
            self.define(input).map_err(refused)?;
        }
        let mut lowered = self.lowered(node).map_err(refused)?;
        let extra = node.output.len().saturating_sub(lowered.outputs.len());
        lowered.outputs.extend(vec![Value::unknown(Kind::Other(0), vec![]); extra]);
        let scratch = ELEMENT_BYTES.saturating_mul(lowered.scratch as u64);
        let bytes = lowered.outputs.iter().fold(scratch, |sum, value| sum.saturating_add(value.bytes()));
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_VALUE_BYTES {
            return Err(Refusal::Size { node: name.clone(), operator: operator.clone(), bytes: self.bytes });
        }
        let Lowered { nodes, constants, outputs, .. } = lowered;
        let runs = outputs.iter().any(|output| output.known.is_none() && output.kind != Kind::Other(0));
        for (name, value) in node.output.iter().zip(outputs).filter(|(name, _)| !name.is_empty()) {
            if self.values.insert(name.clone(), value).is_some() {
                return Err(Refusal::Model(format!("value {name:?} is given twice")));
            }
        }
        if runs {
            self.write(nodes, constants).map_err(refused)?;
        }
        Ok(())
    }

    /// Knows a constant by its first use.
    fn define(&mut self, name: &str) -> Result<(), Fault> {
        if self.values.contains_key(name) {
            return Ok(());
        }
        let constant = self
            .constants
            .get(name)
            .ok_or_else(|| Fault(format!("nothing gives input {name:?} its values")))?;
        let value =
            Value::of_tensor(constant).map_err(|Fault(reason)| Fault(format!("input {name:?}: {reason}")))?;
        self.values.insert(name.to_owned(), value);
        Ok(())
    }

    fn lowered(&self, node: &Node) -> Result<Lowered, Fault> {
        if !is_standard(&node.domain) {
            return Err(Fault(format!("operators of domain {:?} are not known", node.domain)));
        }
        if node.output.first().is_none_or(String::is_empty) {
            return Err(Fault::reason("it has no output"));
        }
        let input =
            |name: &String| self.values.get_key_value(name).map(|(name, value)| Input { name, value });
        let call = Call::new(node, self.opset, node.input.iter().map(input).collect());
        let lowered = operators::lower(&call)?;
        call.finish()?;
        let is_odd =
            |value: &&Value| value.rank() > MAX_RANK || value.known.is_none() && value.shape.contains(&0);
        match lowered.outputs.iter().find(is_odd) {
            Some(value) => Err(Fault(format!("its values have shape {:?}", value.shape))),
            None => Ok(lowered),
        }
    }

    /// Writes nodes, with the constants that they take.
    fn write(&mut self, nodes: Vec<Node>, constants: Vec<Tensor>) -> Result<(), Fault> {
        for constant in constants {
            self.written.insert(constant.name.clone());
            self.graph.initializer.push(constant);
        }
        for node in nodes {
            for name in node.input.iter().filter(|name| !name.is_empty()) {
                if self.written.contains(name) {
                    continue;
                }
                let known = match self.constants.remove(name) {
                    Some(constant) if !matches!(Kind::of(constant.data_type), Kind::Int | Kind::Bool) => {
                        Some(constant)
                    }
                    _ => call::constant(name, &self.values[name])?,
                };
                self.graph.initializer.extend(known);
                self.written.insert(name.clone());
            }
            self.written.extend(node.output.iter().cloned());
            self.graph.node.push(node);
        }
        Ok(())
    }

    fn finish(mut self, input: &str, input_shape: &[usize], layers: &[&str]) -> Result<Network, Refusal> {
        self.graph.input = vec![declared(input, input_shape)];
        let mut shapes = Vec::new();
        for &layer in layers {
            let value = &self.values[layer];
            if value.kind != Kind::Float {
                let (layer, found) = (layer.to_owned(), call::name_of(value.kind));
                return Err(Refusal::Output { layer, found });
            }
            if value.known.is_some() {
                return Err(Refusal::Model(format!("layer {layer:?} is the same for every image")));
            }
            self.graph.output.push(declared(layer, &value.shape));
            shapes.push(value.shape.clone());
        }
        let model = Model {
            ir_version: WRITTEN_IR,
            graph: Some(self.graph),
            opset_import: vec![OperatorSet { domain: String::new(), version: WRITTEN_OPSET }],
            functions: Vec::new(),
        };
        Ok(Network { content: model.encode_to_vec(), shapes })
    }
}

fn declared(name: &str, shape: &[usize]) -> ValueInfo {
    let dim = shape.iter().map(|&size| Dimension { value: Some(size as i64), parameter: None }).collect();
    let tensor = TensorType { element: data_type::FLOAT, shape: Some(Shape { dim }) };
    ValueInfo { name: name.to_owned(), kind: Some(Type { tensor: Some(tensor) }) }
}
