//! Resizing by the nearest element, and linearly over height and width.

use crate::onnx::Fault;
use crate::onnx::call::{Call, Lowered, within_known};
use crate::onnx::proto::{Node, Tensor};
use crate::onnx::value::{Value, checked_product};

/// Which place of the input an element of the output is at.
#[derive(Clone, Copy, PartialEq)]
enum Coordinates {
    HalfPixel,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    /// For the nearest element only (opsets 11 and 12).
    TensorflowHalfPixel,
}

/// Which of two elements is the nearest.
#[derive(Clone, Copy)]
enum Nearest {
    PreferFloor,
    PreferCeil,
    Floor,
    Ceil,
}

/// How one axis is resized.
#[derive(Clone, Copy, PartialEq)]
struct Axis {
    from: usize,
    to: usize,
    /// As it is given, or to/from.
    scale: f64,
}

impl Axis {
    fn changes(self) -> bool {
        self.from != self.to || self.scale != 1.0
    }

    /// Whether the scale is what the sizes say.
    fn is_exact(self) -> bool {
        self.scale == self.to as f64 / self.from as f64
    }
}

/// Until opset 9 and in opset 10: by scales, from the first element on.
pub(super) fn upsample(call: &Call<'_>) -> Result<Lowered, Fault> {
    if call.opset >= 10 {
        return Err(Fault(format!("opset {} does not have it", call.opset)));
    }
    let scales =
        if call.opset < 9 { call.attribute_floats("scales")? } else { call.input(1)?.value.floats() };
    by_scales(call, scales)
}

fn by_scales(call: &Call<'_>, scales: Option<&[f32]>) -> Result<Lowered, Fault> {
    let axes = scaled(call, scales.ok_or_else(|| Fault::reason("its scales are not constants"))?)?;
    match call.text("mode", "nearest")? {
        // Which element of several is left out was not said before opset 11, and runtimes differ.
        "nearest" if axes.iter().any(|axis| axis.scale < 1.0) => {
            Err(Fault(format!("a reduction to the nearest element in opset {}", call.opset)))
        }
        "nearest" => nearest(call, &axes, Coordinates::Asymmetric, Nearest::Floor),
        "linear" => linear(call, &axes, Coordinates::Asymmetric),
        other => Err(Fault(format!("attribute mode is {other:?}"))),
    }
}

pub(super) fn resize(call: &Call<'_>) -> Result<Lowered, Fault> {
    if call.opset < 11 {
        return by_scales(call, call.input(1)?.value.floats());
    }
    for (name, value) in [("exclude_outside", 0), ("antialias", 0)] {
        call.only(name, value)?;
    }
    call.only_text("keep_aspect_ratio_policy", "stretch")?;
    // Attributes of cubic resizing and of crops, which are refused.
    call.ignore("cubic_coeff_a");
    call.ignore("extrapolation_value");
    let coordinates = match call.text("coordinate_transformation_mode", "half_pixel")? {
        "half_pixel" => Coordinates::HalfPixel,
        "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
        "align_corners" => Coordinates::AlignCorners,
        "asymmetric" => Coordinates::Asymmetric,
        "tf_half_pixel_for_nn" if call.opset < 13 => Coordinates::TensorflowHalfPixel,
        other => return Err(Fault(format!("attribute coordinate_transformation_mode is {other:?}"))),
    };
    let rounding = match call.text("nearest_mode", "round_prefer_floor")? {
        "round_prefer_floor" => Nearest::PreferFloor,
        "round_prefer_ceil" => Nearest::PreferCeil,
        "floor" => Nearest::Floor,
        "ceil" => Nearest::Ceil,
        other => return Err(Fault(format!("attribute nearest_mode is {other:?}"))),
    };
    let axes = resized(call)?;
    match call.text("mode", "nearest")? {
        "nearest" => nearest(call, &axes, coordinates, rounding),
        "linear" if coordinates == Coordinates::TensorflowHalfPixel => {
            Err(Fault::reason("tf_half_pixel_for_nn is for the nearest element"))
        }
        "linear" => linear(call, &axes, coordinates),
        other => Err(Fault(format!("attribute mode is {other:?}"))),
    }
}

/// Every axis by what the inputs say: scales or sizes, of all axes or of those that are named.
fn resized(call: &Call<'_>) -> Result<Vec<Axis>, Fault> {
    let shape = &call.float(0)?.value.shape;
    let given = |index: usize| call.given(index).filter(|input| input.value.elements() > 0);
    let axes = match (call.opset >= 18).then(|| call.attribute_ints("axes")).transpose()?.flatten() {
        Some(axes) => {
            axes.into_iter().map(|axis| call.axis(axis, shape.len())).collect::<Result<Vec<_>, _>>()?
        }
        None => (0..shape.len()).collect(),
    };
    let count_fits = |count: usize| {
        if count == axes.len() {
            Ok(())
        } else {
            Err(Fault(format!("{count} scales or sizes for {} axes", axes.len())))
        }
    };
    match (given(2), given(3)) {
        (Some(scales), None) => {
            let scales =
                scales.value.floats().ok_or_else(|| Fault::reason("its scales are not constants"))?;
            count_fits(scales.len())?;
            let mut all = vec![1.0; shape.len()];
            axes.iter().zip(scales).for_each(|(&axis, &scale)| all[axis] = scale);
            scaled(call, &all)
        }
        (None, Some(_)) => {
            let sizes = call.ints(3)?;
            count_fits(sizes.len())?;
            let mut all: Vec<Axis> = shape.iter().map(|&from| Axis { from, to: from, scale: 1.0 }).collect();
            for (&axis, &size) in axes.iter().zip(sizes) {
                let to = usize::try_from(size).ok().filter(|&to| to > 0 && to < 1 << 24);
                let to = to.ok_or_else(|| Fault(format!("a size is {size}")))?;
                all[axis] = Axis { from: shape[axis], to, scale: to as f64 / shape[axis] as f64 };
            }
            Ok(all)
        }
        _ => Err(Fault::reason("it needs scales or sizes")),
    }
}

fn scaled(call: &Call<'_>, scales: &[f32]) -> Result<Vec<Axis>, Fault> {
    let shape = &call.float(0)?.value.shape;
    if scales.len() != shape.len() {
        return Err(Fault(format!("{} scales for a value of rank {}", scales.len(), shape.len())));
    }
    let axis = |(&from, &scale): (&usize, &f32)| {
        // As the runtime computes it.
        let to = (from as f32 * scale).floor();
        if to >= 1.0 && to < (1 << 24) as f32 {
            Ok(Axis { from, to: to as usize, scale: scale.into() })
        } else {
            Err(Fault(format!("a scale is {scale}")))
        }
    };
    shape.iter().zip(scales).map(axis).collect()
}

/// The place in the input, in units of elements. A scale such as 1.1 is rounded, and puts elements that are meant to be
/// exactly between two a little beside: in single precision, as in onnxruntime, their places are rounded to between
/// them again.
fn place(axis: Axis, index: usize, coordinates: Coordinates) -> f32 {
    let (index, centre, scale) = (index as f32, index as f32 + 0.5, axis.scale as f32);
    match coordinates {
        Coordinates::HalfPixel => centre / scale - 0.5,
        Coordinates::PytorchHalfPixel if axis.to == 1 => 0.0,
        Coordinates::PytorchHalfPixel => centre / scale - 0.5,
        Coordinates::AlignCorners if axis.to == 1 => 0.0,
        Coordinates::AlignCorners => index * (axis.from - 1) as f32 / (axis.to - 1) as f32,
        Coordinates::Asymmetric => index / scale,
        Coordinates::TensorflowHalfPixel => centre / scale,
    }
}

/// A choice of elements on each axis that changes.
fn nearest(
    call: &Call<'_>,
    axes: &[Axis],
    coordinates: Coordinates,
    rounding: Nearest,
) -> Result<Lowered, Fault> {
    let input = call.float(0)?;
    // onnxruntime takes its input as it is.
    if axes.iter().all(|axis| axis.from == axis.to) && axes.iter().any(|axis| axis.changes()) {
        return Err(Fault::reason("a scale that leaves the size as it is"));
    }
    let mut lowered = Lowered::default();
    let mut shape = input.value.shape.clone();
    let mut from = input.name.to_owned();
    for (number, (index, &axis)) in axes.iter().enumerate().filter(|(_, axis)| axis.changes()).enumerate() {
        within_known(&[axis.to])?;
        let element = |index: usize| {
            let place = place(axis, index, coordinates);
            let nearest = match rounding {
                Nearest::Floor => place.floor(),
                Nearest::Ceil => place.ceil(),
                Nearest::PreferFloor => (place - 0.5).ceil(),
                Nearest::PreferCeil => (place + 0.5).floor(),
            };
            nearest.clamp(0.0, (axis.from - 1) as f32) as i64
        };
        let elements: Vec<i64> = (0..axis.to).map(element).collect();
        shape[index] = axis.to;
        let (places, to) = (call.inner(&format!("places {number}")), call.inner(&format!("axis {number}")));
        lowered.nodes.push(Node::new("Gather", &[&from, &places], &[&to]).with_int("axis", index as i64));
        lowered.constants.push(Tensor::of_ints(&places, &[axis.to], &elements));
        lowered.scratch = lowered.scratch.saturating_add(checked_product(&shape).unwrap_or(usize::MAX));
        from = to;
    }
    lowered.nodes.push(Node::new("Identity", &[&from], &[call.output()]));
    lowered.outputs = vec![Value::float(shape)];
    Ok(lowered)
}

/// Between elements of height and width.
fn linear(call: &Call<'_>, axes: &[Axis], coordinates: Coordinates) -> Result<Lowered, Fault> {
    let input = call.float(0)?;
    let [batch, channels, height, width] = *axes else {
        return Err(Fault(format!("linear resizing of a value of rank {}", axes.len())));
    };
    if [batch, channels].iter().any(|axis| axis.from != axis.to) {
        return Err(Fault::reason("linear resizing of other axes than height and width"));
    }
    let mode = match coordinates {
        Coordinates::HalfPixel => "half_pixel",
        Coordinates::PytorchHalfPixel => "pytorch_half_pixel",
        Coordinates::AlignCorners => "align_corners",
        Coordinates::Asymmetric => "asymmetric",
        Coordinates::TensorflowHalfPixel => {
            return Err(Fault::reason("tf_half_pixel_for_nn with linear resizing"));
        }
    };
    let shape = vec![batch.to, channels.to, height.to, width.to];
    if shape == input.value.shape && axes.iter().any(|axis| axis.changes()) {
        return Err(Fault::reason("a scale that leaves the size as it is"));
    }
    let name = call.inner("scales");
    let node = |names: &[&str]| {
        Node::new("Resize", names, &[call.output()])
            .with_text("mode", "linear")
            .with_text("coordinate_transformation_mode", mode)
    };
    let (node, constant) = if axes.iter().all(|axis| axis.is_exact()) {
        let sizes: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
        (node(&[input.name, "", "", &name]), Tensor::of_ints(&name, &[4], &sizes))
    } else {
        let scales: Vec<f32> = axes.iter().map(|axis| axis.scale as f32).collect();
        (node(&[input.name, "", &name]), Tensor::of_floats(&name, &[4], &scales))
    };
    Ok(Lowered::one(node, Value::float(shape)).with_constant(constant))
}
