//! Convolutions and pools: windows over one or two spatial dimensions.

use crate::onnx::Fault;
use crate::onnx::call::{Call, Input, Lowered};
use crate::onnx::proto::Node;
use crate::onnx::value::Value;

/// Beyond any window of an image; keeps the arithmetic of sizes far from overflow.
const MAX_ATTRIBUTE: i64 = 1 << 20;

/// Where the windows lie on each spatial axis.
struct Windows {
    kernel: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    /// Before and after.
    pads: Vec<(usize, usize)>,
    /// The size of the output.
    sizes: Vec<usize>,
}

/// One attribute of positive sizes on each axis.
fn sizes(call: &Call<'_>, name: &'static str, axes: usize) -> Result<Vec<usize>, Fault> {
    let Some(values) = call.attribute_ints(name)? else { return Ok(vec![1; axes]) };
    if values.len() != axes || !values.iter().all(|size| (1..=MAX_ATTRIBUTE).contains(size)) {
        return Err(Fault(format!("attribute {name} is {values:?} for {axes} spatial dimensions")));
    }
    Ok(values.into_iter().map(|size| size as usize).collect())
}

/// Before and after, on each axis; None where a rule gives them.
fn explicit_pads(call: &Call<'_>, axes: usize) -> Result<Option<Vec<(usize, usize)>>, Fault> {
    let rule = call.text("auto_pad", "NOTSET")?;
    let given = call.attribute_ints("pads")?;
    match (rule, given) {
        ("NOTSET" | "VALID", None) => Ok(Some(vec![(0, 0); axes])),
        ("NOTSET", Some(pads)) => {
            if pads.len() != 2 * axes || !pads.iter().all(|pad| (0..=MAX_ATTRIBUTE).contains(pad)) {
                return Err(Fault(format!("attribute pads is {pads:?} for {axes} spatial dimensions")));
            }
            Ok(Some((0..axes).map(|axis| (pads[axis] as usize, pads[axis + axes] as usize)).collect()))
        }
        ("SAME_UPPER" | "SAME_LOWER", None) => Ok(None),
        (_, Some(_)) => Err(Fault(format!("attributes pads and auto_pad = {rule:?} are both there"))),
        (_, None) => Err(Fault(format!("attribute auto_pad is {rule:?}"))),
    }
}

/// The spatial sizes of an input: one or two.
fn spatial<'a>(input: &Input<'a>) -> Result<&'a [usize], Fault> {
    match input.value.shape.as_slice() {
        [_, _, spatial @ ..] if (1..=2).contains(&spatial.len()) => Ok(spatial),
        shape => Err(Fault(format!(
            "an input of shape {shape:?}, only one or two spatial dimensions are computed"
        ))),
    }
}

/// The windows that the attributes say. `round_up` also takes windows that begin within the input and end beyond it.
fn windows(call: &Call<'_>, input: &[usize], kernel: Vec<usize>, round_up: bool) -> Result<Windows, Fault> {
    let axes = input.len();
    let (strides, dilations) = (sizes(call, "strides", axes)?, sizes(call, "dilations", axes)?);
    let mut pads = explicit_pads(call, axes)?;
    let mut outputs = Vec::with_capacity(axes);
    let given = pads.take();
    let mut resolved = Vec::with_capacity(axes);
    for axis in 0..axes {
        let (size, stride) = (input[axis], strides[axis]);
        let extent = (kernel[axis] - 1) * dilations[axis] + 1;
        let (before, after) = match &given {
            Some(pads) => pads[axis],
            None => {
                let total = ((size.div_ceil(stride) - 1) * stride + extent).saturating_sub(size);
                let smaller = total / 2;
                // The odd one goes to the end (upper) or to the beginning (lower).
                let lower = call.text("auto_pad", "NOTSET")? == "SAME_LOWER";
                if lower { (total - smaller, smaller) } else { (smaller, total - smaller) }
            }
        };
        let room = (size + before + after).checked_sub(extent);
        let room =
            room.ok_or_else(|| Fault(format!("a window of {extent} on {size} with pads {before}, {after}")))?;
        let mut output = room / stride + 1;
        if round_up {
            output = room.div_ceil(stride) + 1;
            if (output - 1) * stride >= size + before {
                output -= 1;
            }
        }
        resolved.push((before, after));
        outputs.push(output);
    }
    Ok(Windows { kernel, strides, dilations, pads: resolved, sizes: outputs })
}

impl Windows {
    /// The attributes, written out.
    fn write(&self, node: Node) -> Node {
        let ints = |sizes: &[usize]| sizes.iter().map(|&size| size as i64).collect::<Vec<_>>();
        let before = self.pads.iter().map(|pad| pad.0 as i64);
        let pads = before.chain(self.pads.iter().map(|pad| pad.1 as i64)).collect();
        node.with_ints("kernel_shape", ints(&self.kernel))
            .with_ints("strides", ints(&self.strides))
            .with_ints("dilations", ints(&self.dilations))
            .with_ints("pads", pads)
    }
}

/// Input, kernel and bias of a convolution, and its groups.
struct Convolution<'a> {
    input: Input<'a>,
    kernel: Input<'a>,
    bias: Option<Input<'a>>,
    groups: usize,
}

impl<'a> Convolution<'a> {
    fn of(call: &Call<'a>) -> Result<Self, Fault> {
        let (input, kernel, bias) = (call.float(0)?, call.float(1)?, call.optional_float(2)?);
        if kernel.value.rank() != input.value.rank() || kernel.value.shape.contains(&0) {
            return Err(Fault(format!("a kernel of shape {:?}", kernel.value.shape)));
        }
        let declared = call.attribute_ints("kernel_shape")?;
        let actual = kernel.value.shape.iter().skip(2).map(|&size| size as i64);
        if declared.is_some_and(|declared| !actual.eq(declared)) {
            return Err(Fault::reason("attribute kernel_shape is not that of the kernel"));
        }
        let groups = call.int("group", 1)?;
        let groups = usize::try_from(groups).ok().filter(|&groups| groups > 0);
        let groups = groups.ok_or_else(|| Fault::reason("attribute group must be positive"))?;
        Ok(Self { input, kernel, bias, groups })
    }

    /// Refuses channels that do not fit; `outputs` is how many there are.
    fn check(&self, inputs_fit: bool, outputs: usize) -> Result<(), Fault> {
        let bias_fits = self.bias.is_none_or(|bias| bias.value.shape == [outputs]);
        if inputs_fit && bias_fits && outputs.is_multiple_of(self.groups) {
            return Ok(());
        }
        let (input, kernel) = (&self.input.value.shape, &self.kernel.value.shape);
        Err(Fault(format!("an input {input:?}, a kernel {kernel:?} and {} groups do not fit", self.groups)))
    }

    fn node(&self, call: &Call<'_>) -> Node {
        let mut inputs = vec![self.input.name, self.kernel.name];
        inputs.extend(self.bias.map(|bias| bias.name));
        Node::new(call.operator, &inputs, &[call.output()]).with_int("group", self.groups as i64)
    }
}

pub(super) fn conv(call: &Call<'_>) -> Result<Lowered, Fault> {
    let convolution = Convolution::of(call)?;
    let (input, kernel) = (convolution.input, &convolution.kernel.value.shape);
    let spatial = spatial(&input)?;
    let fits = kernel[1].checked_mul(convolution.groups) == Some(input.value.shape[1]);
    convolution.check(fits, kernel[0])?;
    let windows = windows(call, spatial, kernel[2..].to_vec(), false)?;
    let shape = [&[input.value.shape[0], kernel[0]], windows.sizes.as_slice()].concat();
    Ok(Lowered::one(windows.write(convolution.node(call)), Value::float(shape)))
}

pub(super) fn conv_transpose(call: &Call<'_>) -> Result<Lowered, Fault> {
    let convolution = Convolution::of(call)?;
    let (input, kernel) = (convolution.input, &convolution.kernel.value.shape);
    let spatial = spatial(&input)?;
    let axes = spatial.len();
    let outputs =
        kernel[1].checked_mul(convolution.groups).ok_or_else(|| Fault::reason("too many groups"))?;
    convolution
        .check(kernel[0] == input.value.shape[1] && kernel[0].is_multiple_of(convolution.groups), outputs)?;
    if call.attribute_ints("output_shape")?.is_some() {
        return Err(Fault::reason("attribute output_shape is not computed; pads say the same"));
    }
    let pads = explicit_pads(call, axes)?;
    let pads = pads.ok_or_else(|| Fault::reason("attribute auto_pad is not computed; pads say the same"))?;
    let (strides, dilations) = (sizes(call, "strides", axes)?, sizes(call, "dilations", axes)?);
    let extra = call.attribute_ints("output_padding")?.unwrap_or_else(|| vec![0; axes]);
    if extra.len() != axes
        || extra.iter().zip(&strides).any(|(&extra, &stride)| extra < 0 || extra >= stride as i64)
    {
        return Err(Fault(format!("attribute output_padding is {extra:?} for strides {strides:?}")));
    }
    let size = |axis: usize| {
        let extent = (kernel[axis + 2] - 1) * dilations[axis] + 1;
        let whole = (spatial[axis] - 1).checked_mul(strides[axis])? + extent + extra[axis] as usize;
        whole.checked_sub(pads[axis].0 + pads[axis].1).filter(|&size| size > 0)
    };
    let sizes = (0..axes).map(size).collect::<Option<Vec<_>>>();
    let sizes = sizes.ok_or_else(|| Fault::reason("the pads take all of the output"))?;
    // The products of all kernel elements, before they are added up where they overlap.
    let columns =
        kernel[1..].iter().chain(spatial).fold(1_usize, |product, &size| product.saturating_mul(size));
    let shape = [&[input.value.shape[0], outputs], sizes.as_slice()].concat();
    let windows = Windows { kernel: kernel[2..].to_vec(), strides, dilations, pads, sizes };
    let node = windows.write(convolution.node(call)).with_ints("output_padding", extra);
    Ok(Lowered { scratch: columns, ..Lowered::one(node, Value::float(shape)) })
}

/// The windows of a pool: without dilation, with a pad less than the window.
fn pool(call: &Call<'_>) -> Result<Lowered, Fault> {
    let input = call.float(0)?;
    let spatial = spatial(&input)?;
    let kernel = sizes(call, "kernel_shape", spatial.len())?;
    if call.attribute_ints("kernel_shape")?.is_none() {
        return Err(Fault::reason("attribute kernel_shape is missing"));
    }
    let round_up = match call.int("ceil_mode", 0)? {
        0 => false,
        1 => true,
        other => return Err(Fault(format!("attribute ceil_mode is {other}"))),
    };
    let windows = windows(call, spatial, kernel, round_up)?;
    if windows.dilations.iter().any(|&dilation| dilation > 1) {
        return Err(Fault(format!("attribute dilations is {:?}, only 1 is computed", windows.dilations)));
    }
    if windows.pads.iter().zip(&windows.kernel).any(|(pad, &kernel)| pad.0 >= kernel || pad.1 >= kernel) {
        return Err(Fault(format!("pads {:?} of windows {:?}", windows.pads, windows.kernel)));
    }
    let shape = [&input.value.shape[..2], &windows.sizes].concat();
    let node = Node::new(call.operator, &[input.name], &[call.output()]);
    let node = windows.write(node).with_int("ceil_mode", round_up.into());
    Ok(Lowered::one(node, Value::float(shape)))
}

pub(super) fn max_pool(call: &Call<'_>) -> Result<Lowered, Fault> {
    // It only concerns the second output, which is not computed.
    call.ignore("storage_order");
    pool(call)
}

pub(super) fn average_pool(call: &Call<'_>) -> Result<Lowered, Fault> {
    let count_pads = call.int("count_include_pad", 0)?;
    let mut lowered = pool(call)?;
    lowered.nodes =
        lowered.nodes.into_iter().map(|node| node.with_int("count_include_pad", count_pads)).collect();
    Ok(lowered)
}
