//! What each operator means, opset by opset, and how it is written for the runtime.
//!
//! A function of an operator asks for the attributes that it knows, gives the shapes of its outputs, and refuses the
//! rest.

mod pointwise;
mod reduce;
mod resize;
mod select;
mod shape;
mod tensor;
mod window;

use super::Fault;
use super::call::{Call, Lowered};

type Operator = fn(&Call<'_>) -> Result<Lowered, Fault>;

/// The function of an operator, and the first opset that has it where that is later than the first that is read.
fn operator(name: &str) -> Option<(i64, Operator)> {
    let found: (i64, Operator) = match name {
        "Abs" | "Ceil" | "Cos" | "Exp" | "Floor" | "Log" | "Neg" | "Reciprocal" | "Relu" | "Sigmoid"
        | "Sin" | "Softplus" | "Softsign" | "Sqrt" | "Tan" | "Tanh" => (0, pointwise::plain),
        "Erf" | "Sign" => (9, pointwise::plain),
        "Round" => (11, pointwise::plain),
        "HardSwish" => (14, pointwise::plain),
        "Mish" => (18, pointwise::mish),
        "Elu" | "LeakyRelu" => (0, pointwise::with_alpha),
        "HardSigmoid" => (0, pointwise::hard_sigmoid),
        "Gelu" => (20, pointwise::gelu),
        "Clip" => (0, pointwise::clip),
        "Cast" => (0, pointwise::cast),
        "Identity" => (0, |call| call.identity()),
        "Dropout" => (0, pointwise::dropout),
        "Add" | "Sub" | "Mul" | "Div" => (0, pointwise::arithmetic),
        "Pow" => (0, pointwise::pow),
        "Max" | "Min" | "Sum" | "Mean" => (8, pointwise::variadic),
        "PRelu" => (0, pointwise::prelu),
        "Equal" | "Greater" | "Less" => (0, pointwise::comparison),
        "GreaterOrEqual" | "LessOrEqual" => (12, pointwise::comparison),
        "Where" => (9, pointwise::choice),
        "Conv" => (0, window::conv),
        "ConvTranspose" => (0, window::conv_transpose),
        "MaxPool" => (0, window::max_pool),
        "AveragePool" => (0, window::average_pool),
        "GlobalAveragePool" => (0, reduce::global_average_pool),
        "GlobalMaxPool" => (0, reduce::global_max_pool),
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceL1" | "ReduceL2" | "ReduceProd"
        | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" => (0, reduce::reduce),
        "ArgMax" => (0, reduce::arg_max),
        "Softmax" | "LogSoftmax" => (0, tensor::softmax),
        "BatchNormalization" => (0, tensor::batch_normalization),
        "InstanceNormalization" => (0, tensor::instance_normalization),
        "LayerNormalization" => (17, tensor::layer_normalization),
        "Gemm" => (0, tensor::gemm),
        "MatMul" => (0, tensor::mat_mul),
        "Resize" => (10, resize::resize),
        "Upsample" => (0, resize::upsample),
        "Constant" => (0, shape::constant),
        "ConstantOfShape" => (9, shape::constant_of_shape),
        "Shape" => (0, shape::shape),
        "Size" => (0, shape::size),
        "Range" => (11, shape::range),
        "Reshape" => (0, shape::reshape),
        "Flatten" => (0, shape::flatten),
        "Squeeze" => (0, shape::squeeze),
        "Unsqueeze" => (0, shape::unsqueeze),
        "Expand" => (8, shape::expand),
        "Transpose" => (0, select::transpose),
        "Concat" => (0, select::concat),
        "Split" => (0, select::split),
        "Slice" => (0, select::slice),
        "Gather" => (0, select::gather),
        "Tile" => (0, select::tile),
        "Pad" => (0, select::pad),
        "DepthToSpace" => (0, select::depth_to_space),
        "SpaceToDepth" => (0, select::space_to_depth),
        _ => return None,
    };
    Some(found)
}

/// Checks a node, and writes it for the runtime.
pub(super) fn lower(call: &Call<'_>) -> Result<Lowered, Fault> {
    match operator(call.operator) {
        Some((since, operator)) if since <= call.opset => operator(call),
        Some((since, _)) => Err(Fault(format!("it came with opset {since}, the file is of {}", call.opset))),
        None => Err(Fault::reason("the operator is not known")),
    }
}
