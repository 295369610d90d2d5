"""Makes testdata/operators: models of one operator each (with what it needs around it), and what onnxruntime computes.

    python -m venv venv && venv/bin/pip install -r operators.requirements.txt && venv/bin/python operators.py

Every model takes one picture of 8 x 8 pixels in three channels, the same for all, which is written beside them as
picture.npy. NAME.npy has the values of the output "features" in order; a model without it is one that onnxruntime does
not run either. The tests know which models are refused, and why.
"""

import pathlib
import shutil

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OUT = pathlib.Path(__file__).resolve().parent / "operators"
F, I = np.float32, np.int64
RNG = np.random.default_rng(14)


def weights(*shape):
    return RNG.uniform(-1, 1, shape).astype(F)


def ints(*values):
    return np.array(values, I)


def floats(*values):
    return np.array(values, F)


def node(operator, inputs, outputs=("features",), **attributes):
    return helper.make_node(operator, list(inputs), list(outputs), name=f"{operator.lower()}_{outputs[0]}", **attributes)


def model(opset, nodes, constants, ir):
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "one",
        [value("x", TensorProto.FLOAT, ["N", 3, 8, 8])],
        [value("features", TensorProto.FLOAT, None)],
        tensors,
    )
    if ir is None:
        ir = 3 if opset < 9 else 7 if opset < 15 else 8
    if ir < 4:
        graph.input.extend(value(name, helper.np_dtype_to_tensor_dtype(c.dtype), c.shape) for name, c in constants.items())
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)


CASES = {}


def case(name, opset, nodes, ir=None, edit=None, **constants):
    made = model(opset, nodes if isinstance(nodes, list) else [nodes], constants, ir)
    if edit is not None:
        edit(made)
    assert name not in CASES
    CASES[name] = made


def unary(operator, opset, name=None, **attributes):
    case(name or operator.lower(), opset, node(operator, ["x"], **attributes))


def positive(operator, opset):
    case(operator.lower(), opset, [node("Abs", ["x"], ["a"]), node("Add", ["a", "b"], ["c"]), node(operator, ["c"])], b=F(0.25))


def pointwise():
    for operator in ["Abs", "Ceil", "Cos", "Exp", "Floor", "Neg", "Relu", "Sigmoid", "Sin", "Softplus", "Softsign", "Tanh"]:
        unary(operator, 13)
    unary("Tan", 7)
    unary("Erf", 13)
    unary("Sign", 13)
    unary("Round", 11)
    unary("HardSwish", 14)
    unary("Mish", 18)
    for operator in ["Log", "Sqrt", "Reciprocal"]:
        positive(operator, 13)
    unary("Elu", 13)
    unary("Elu", 13, "elu_alpha", alpha=0.5)
    unary("LeakyRelu", 13)
    unary("LeakyRelu", 16, "leakyrelu_alpha", alpha=0.25)
    unary("HardSigmoid", 13)
    unary("HardSigmoid", 13, "hardsigmoid_alpha_beta", alpha=0.3, beta=0.25)
    unary("Gelu", 20)
    unary("Gelu", 20, "gelu_tanh", approximate="tanh")
    unary("Identity", 13)
    unary("Selu", 13)
    unary("Gelu", 19, "gelu19")
    unary("Clip", 6, "clip6_default")
    unary("Clip", 10, "clip10_min", min=-0.5)
    unary("Clip", 7, "clip7_min_max", min=-0.5, max=0.75)
    case("clip13_max", 13, node("Clip", ["x", "", "m"]), m=F(0.5))
    case("clip13_min_max", 13, node("Clip", ["x", "l", "m"]), l=F(-0.25), m=F(0.5))
    for opset in [7, 14]:
        for operator in ["Add", "Sub", "Mul", "Div"]:
            case(f"{operator.lower()}{opset}_broadcast", opset, node(operator, ["x", "b"]), b=weights(3, 1, 8) + F(2))
    case("add6_axis", 6, node("Add", ["x", "b"], broadcast=1, axis=1), b=weights(3))
    case("pow_float", 13, [node("Abs", ["x"], ["a"]), node("Pow", ["a", "b"])], b=F(1.5))
    case("pow_int", 13, node("Pow", ["x", "b"]), b=I(3))
    for operator in ["Max", "Min", "Sum", "Mean"]:
        case(f"{operator.lower()}_three", 13, node(operator, ["x", "b", "c"]), b=weights(8), c=weights(3, 8, 1))
    case("prelu_channels", 13, node("PRelu", ["x", "b"]), b=weights(3, 1, 1))
    compared = [node("Greater", ["x", "b"], ["more"]), node("Where", ["more", "x", "c"])]
    case("greater_where", 13, compared, b=F(0.1), c=weights(3, 1, 1))
    case("less_cast", 13, [node("Less", ["x", "b"], ["less"]), node("Cast", ["less"], to=TensorProto.FLOAT)], b=F(0.1))
    case("dropout7", 7, node("Dropout", ["x"], ratio=0.3))
    case("dropout10_mask", 10, node("Dropout", ["x"], ["features", "mask"]))
    case("dropout13", 13, node("Dropout", ["x", "r"]), r=F(0.5))
    case("dropout13_off", 13, node("Dropout", ["x", "r", "t"]), r=F(0.5), t=np.array(False))
    case("dropout13_training", 13, node("Dropout", ["x", "r", "t"]), r=F(0.5), t=np.array(True))
    half = [node("Cast", ["b"], ["c"], to=TensorProto.FLOAT), node("Mul", ["x", "c"])]
    case("cast_half_constant", 13, half, b=weights(3, 1, 1).astype(np.float16))
    case("cast_double_constant", 13, half, b=weights(3, 1, 1).astype(np.float64))
    case("cast_to_double", 13, [node("Cast", ["x"], ["d"], to=TensorProto.DOUBLE), node("Cast", ["d"], to=TensorProto.FLOAT)])
    truncated = [node("Cast", ["x"], ["i"], to=TensorProto.INT32), node("Cast", ["i"], to=TensorProto.FLOAT)]
    case("cast_through_int", 13, truncated)
    # 2^40 is not in 32 bits; as a float it is a number like any other.
    large = [node("Cast", ["b"], ["c"], to=TensorProto.FLOAT), node("Div", ["c", "d"], ["e"]), node("Mul", ["x", "e"])]
    case("cast_large_int", 13, large, b=ints(2**40), d=F(2.0**39))
    case("int_beyond_32_bits", 13, node("Gather", ["x", "i"], axis=1), i=ints(2**32 + 1))


def windows():
    w, b = weights(4, 3, 3, 3), weights(4)
    case("conv11_default", 11, node("Conv", ["x", "w", "b"]), w=w, b=b)
    case("conv7_pads", 7, node("Conv", ["x", "w"], kernel_shape=[3, 3], pads=[0, 1, 2, 1]), w=w)
    case("conv_strides_only", 13, node("Conv", ["x", "w", "b"], strides=[2, 3]), w=w, b=b)
    case("conv_dilations", 13, node("Conv", ["x", "w"], dilations=[2, 1], pads=[2, 2, 0, 1]), w=w)
    case("conv_same_upper", 13, node("Conv", ["x", "w"], auto_pad="SAME_UPPER", strides=[2, 2]), w=weights(4, 3, 3, 4))
    case("conv_same_lower", 13, node("Conv", ["x", "w"], auto_pad="SAME_LOWER", strides=[2, 2]), w=weights(4, 3, 3, 4))
    case("conv_valid", 13, node("Conv", ["x", "w"], auto_pad="VALID", strides=[2, 1]), w=w)
    case("conv_depthwise", 13, node("Conv", ["x", "w"], group=3, pads=[1, 1, 1, 1]), w=weights(6, 1, 3, 3))
    case("conv_depthwise_1", 13, node("Conv", ["x", "w"], group=3, pads=[2, 0, 1, 2], strides=[1, 2]), w=weights(3, 1, 3, 3))
    case("conv_pointwise", 13, node("Conv", ["x", "w", "b"], strides=[2, 2]), w=weights(4, 3, 1, 1), b=b)
    case("conv_and_both_pads", 13, node("Conv", ["x", "w"], auto_pad="SAME_UPPER", pads=[1, 1, 1, 1]), w=w)
    flat = [node("Reshape", ["x", "s"], ["y"])]
    case("conv_1d", 13, [*flat, node("Conv", ["y", "w"], strides=[2], pads=[1, 0], dilations=[2])], s=ints(0, 3, -1), w=weights(4, 3, 3))
    case("conv_3d", 13, [*flat, node("Conv", ["y", "w"])], s=ints(0, 3, 8, 2, 4), w=weights(2, 3, 2, 2, 2))
    t = weights(3, 2, 3, 3)
    case("convtranspose_default", 11, node("ConvTranspose", ["x", "w"]), w=t)
    case("convtranspose_strides", 13, node("ConvTranspose", ["x", "w", "b"], strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]), w=t, b=weights(2))
    case("convtranspose_uneven", 13, node("ConvTranspose", ["x", "w"], strides=[2, 1], pads=[0, 1, 2, 0]), w=t)
    case("convtranspose_dilations", 13, node("ConvTranspose", ["x", "w"], dilations=[2, 3], pads=[1, 0, 0, 2]), w=t)
    case("convtranspose_groups", 13, node("ConvTranspose", ["x", "w"], group=3, strides=[2, 2]), w=weights(3, 2, 2, 2))
    case("convtranspose_output_shape", 13, node("ConvTranspose", ["x", "w"], strides=[2, 2], output_shape=[16, 16]), w=t)
    case("convtranspose_same", 13, node("ConvTranspose", ["x", "w"], strides=[2, 2], auto_pad="SAME_LOWER"), w=t)
    for operator in ["MaxPool", "AveragePool"]:
        n = operator.lower()
        unary(operator, 11, f"{n}_default", kernel_shape=[3, 2])
        unary(operator, 7, f"{n}7_strides", kernel_shape=[2, 2], strides=[2, 2])
        unary(operator, 12, f"{n}_pads", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 2])
        unary(operator, 12, f"{n}_same_upper", kernel_shape=[3, 2], strides=[2, 1], auto_pad="SAME_UPPER")
        unary(operator, 12, f"{n}_same_lower", kernel_shape=[3, 2], strides=[2, 1], auto_pad="SAME_LOWER")
        unary(operator, 12, f"{n}_ceil", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
        unary(operator, 12, f"{n}_ceil_pads", kernel_shape=[3, 3], strides=[3, 2], pads=[1, 1, 1, 1], ceil_mode=1)
        unary(operator, 22, f"{n}22", kernel_shape=[2, 3], strides=[3, 3], pads=[1, 1, 0, 2])
        unary(operator, 22, f"{n}_dilations", kernel_shape=[2, 2], dilations=[2, 2])
    unary("AveragePool", 11, "averagepool_count", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    unary("AveragePool", 19, "averagepool19_count_ceil", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1, ceil_mode=1)
    unary("AveragePool", 11, "averagepool11_count_ceil", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1, ceil_mode=1)
    unary("AveragePool", 11, "averagepool_count_same", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER", count_include_pad=1)
    case("maxpool_indices", 12, [node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2]), node("Cast", ["i"], to=TensorProto.FLOAT)])
    case("maxpool_1d", 12, [*flat, node("MaxPool", ["y"], kernel_shape=[3], strides=[2])], s=ints(0, 3, -1))
    unary("GlobalAveragePool", 13)
    unary("GlobalMaxPool", 13)
    case("globalaveragepool_1d", 13, [*flat, node("GlobalAveragePool", ["y"])], s=ints(0, 3, -1))
    unary("LRN", 13, size=3)
    unary("LpPool", 13, kernel_shape=[2, 2])


def tensors():
    for opset in [11, 13]:
        for operator in ["Softmax", "LogSoftmax"]:
            unary(operator, opset, f"{operator.lower()}{opset}_default")
            unary(operator, opset, f"{operator.lower()}{opset}_axis", axis=2)
            unary(operator, opset, f"{operator.lower()}{opset}_last", axis=3)
    unary("Softmax", 7, "softmax7_axis0", axis=0)
    unary("Softmax", 13, "softmax13_negative", axis=-3)
    norm = dict(s=weights(3), b=weights(3), m=weights(3), v=np.abs(weights(3)) + F(0.1))
    inputs = ["x", "s", "b", "m", "v"]
    for opset in [7, 9, 14, 15]:
        case(f"batchnormalization{opset}", opset, node("BatchNormalization", inputs), **norm)
    case("batchnormalization_epsilon", 15, node("BatchNormalization", inputs, epsilon=0.01, momentum=0.5), **norm)
    training = node("BatchNormalization", inputs, ["features", "a", "c"], training_mode=1)
    case("batchnormalization_training", 15, training, **norm)
    case("instancenormalization", 13, node("InstanceNormalization", ["x", "s", "b"]), s=weights(3), b=weights(3))
    case("instancenormalization_epsilon", 13, node("InstanceNormalization", ["x", "s", "b"], epsilon=0.1), s=weights(3), b=weights(3))
    case("layernormalization", 17, node("LayerNormalization", ["x", "s", "b"]), s=weights(8), b=weights(8))
    case("layernormalization_axis", 17, node("LayerNormalization", ["x", "s"], axis=1, epsilon=0.1), s=weights(3, 8, 8))
    case("groupnormalization", 21, node("GroupNormalization", ["x", "s", "b"], num_groups=3), s=weights(3), b=weights(3))
    unary("LpNormalization", 13)
    rows = node("Reshape", ["x", "r"], ["y"])
    gemm = dict(r=ints(24, 8), w=weights(8, 5))
    case("gemm_default", 13, [rows, node("Gemm", ["y", "w", "c"])], c=weights(5), **gemm)
    case("gemm_no_c", 11, [rows, node("Gemm", ["y", "w"], alpha=0.5)], **gemm)
    case("gemm_alpha_beta", 13, [rows, node("Gemm", ["y", "w", "c"], alpha=0.5, beta=2.0)], c=weights(24, 1), **gemm)
    case("gemm_trans", 7, [rows, node("Gemm", ["y", "w", "c"], transA=1, transB=1, beta=0.5)], r=ints(8, 24), w=weights(5, 8), c=weights(24, 5))
    case("matmul_batch", 13, node("MatMul", ["x", "w"]), w=weights(3, 8, 2))
    case("matmul_broadcast", 13, node("MatMul", ["w", "x"]), w=weights(2, 8))
    case("matmul_vector", 13, node("MatMul", ["x", "w"]), w=weights(8))


def reductions():
    for operator in ["Mean", "Sum", "Max", "Min", "L1", "L2", "Prod", "SumSquare", "LogSumExp"]:
        n = f"reduce{operator.lower()}"
        unary(f"Reduce{operator}", 11, f"{n}11_axes", axes=[-1, 1])
        case(f"{n}18_axes", 18, node(f"Reduce{operator}", ["x", "a"], keepdims=0), a=ints(2, 3))
    unary("ReduceSum", 11, "reducesum11_all")
    unary("ReduceMean", 13, "reducemean13_keep", axes=[2, 3], keepdims=1)
    case("reducesum13_input", 13, node("ReduceSum", ["x", "a"], keepdims=0), a=ints(-1))
    case("reducesum13_attribute", 13, node("ReduceSum", ["x"], axes=[1]))
    case("reducesum13_noop", 13, node("ReduceSum", ["x"], noop_with_empty_axes=1))
    case("argmax_gather", 13, [node("ArgMax", ["x"], ["i"], axis=3, keepdims=0), node("Gather", ["b", "i"])], b=weights(8))
    last = [node("ArgMax", ["x"], ["i"], axis=1, select_last_index=1), node("Gather", ["b", "i"])]
    case("argmax_last", 13, last, b=weights(8))


def shapes():
    case("reshape5", 7, node("Reshape", ["x", "s"]), s=ints(0, -1, 4))
    case("reshape14_allowzero", 14, node("Reshape", ["x", "s"], allowzero=1), s=ints(1, 3, -1))
    unary("Flatten", 13)
    unary("Flatten", 11, "flatten_negative", axis=-2)
    unary("Flatten", 9, "flatten_all", axis=4)
    unary("Squeeze", 11, "squeeze11_axes", axes=[0])
    unary("Squeeze", 13, "squeeze13_all")
    case("squeeze13_axes", 13, node("Squeeze", ["x", "a"]), a=ints(-4))
    unary("Unsqueeze", 11, "unsqueeze11", axes=[0, -1])
    case("unsqueeze13", 13, node("Unsqueeze", ["x", "a"]), a=ints(2, 0))
    unary("Transpose", 13, "transpose_default")
    unary("Transpose", 13, "transpose_perm", perm=[0, 2, 3, 1])
    case("concat", 13, node("Concat", ["x", "b", "x"], axis=-2), b=weights(1, 3, 2, 8))
    case("concat4", 7, node("Concat", ["x", "b"], axis=1), b=weights(1, 1, 8, 8))
    unary("Slice", 7, "slice7", starts=[1, -4], ends=[3, 1000], axes=[1, 3])
    slices = dict(s=ints(5, 0), e=ints(-(2**63), 2**63 - 1), a=ints(2, -1), p=ints(-2, 3))
    case("slice10_steps", 10, node("Slice", ["x", "s", "e", "a", "p"]), **slices)
    case("slice13_default", 13, node("Slice", ["x", "s", "e"]), s=ints(0, 1), e=ints(1, -1))
    case("gather_axis", 13, node("Gather", ["x", "i"], axis=2), i=ints(7, -8, -1))
    case("gather_scalar", 13, node("Gather", ["x", "i"], axis=1), i=I(2))
    case("gather_matrix", 11, node("Gather", ["x", "i"], axis=3), i=np.array([[0, 1], [7, 2]], I))
    halves = ["a", "b"]
    joined = node("Concat", ["b", "a"], axis=1)
    case("split11_equal", 11, [node("Split", ["x"], halves, axis=2), node("Mul", halves)])
    case("split11_sizes", 11, [node("Split", ["x"], halves, axis=1, split=[1, 2]), joined])
    case("split13_sizes", 13, [node("Split", ["x", "s"], halves, axis=1), joined], s=ints(2, 1))
    case("split18_uneven", 18, [node("Split", ["x"], halves, axis=1, num_outputs=2), joined])
    case("tile", 13, node("Tile", ["x", "r"]), r=ints(1, 2, 1, 3))
    case("expand", 8, node("Expand", ["x", "s"]), s=ints(2, 1, 8, 1))
    case("expand_add", 13, [node("Expand", ["b", "s"], ["c"]), node("Add", ["x", "c"])], s=ints(2, 3, 8, 1), b=weights(3, 1, 8))
    filled = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.5])
    case("constantofshape_add", 13, [node("ConstantOfShape", ["s"], ["c"], value=filled), node("Add", ["x", "c"])], s=ints(2, 1, 8, 8))
    unary("Pad", 7, "pad7", pads=[0, 0, 1, 2, 0, 0, 0, 3], value=0.5)
    case("pad11_value", 11, node("Pad", ["x", "p", "v"]), p=ints(0, 1, 0, 2, 0, 0, 1, 0), v=F(-2))
    case("pad13_reflect", 13, node("Pad", ["x", "p"], mode="reflect"), p=ints(0, 0, 2, 1, 0, 0, 3, 7))
    case("pad13_edge", 13, node("Pad", ["x", "p"], mode="edge"), p=ints(0, 0, 2, 1, 0, 0, 0, 9))
    # PyTorch's list of pads, (first, last) of each axis from the last axis on, becomes ONNX' list.
    pads = [
        node("Reshape", ["p", "pairs"], ["of_axes"]),
        node("Slice", ["of_axes", "m", "far", "z", "m"], ["reversed"]),
        node("Transpose", ["reversed"], ["rows"], perm=[1, 0]),
        node("Reshape", ["rows", "m"], ["list"]),
        node("Pad", ["x", "list"]),
    ]
    far = ints(-(2**63) + 1)
    case("pad_torch", 13, pads, p=ints(1, 2, 0, 3, 0, 0, 0, 0), pairs=ints(-1, 2), m=ints(-1), far=far, z=ints(0))
    both = [node("Slice", ["t", "s", "e"], ["u"]), node("Reshape", ["u", "m"], ["i"]), node("Gather", ["x", "i"], axis=3)]
    places = np.arange(12, dtype=I).reshape(3, 4) % 8
    case("slice_of_integers", 13, both, t=places, s=ints(1, 2), e=ints(3, 4), m=ints(-1))
    case("pad13_negative", 13, node("Pad", ["x", "p"]), p=ints(0, 0, -2, 1, 0, -1, 1, -3))
    case("pad18_axes", 18, node("Pad", ["x", "p", "", "a"]), p=ints(1, 2, 0, 3), a=ints(3, -2))
    case("pad_edge_channels", 13, node("Pad", ["x", "p"], mode="edge"), p=ints(0, 1, 0, 0, 0, 0, 0, 0))
    case("pad19_wrap", 19, node("Pad", ["x", "p"], mode="wrap"), p=ints(0, 0, 1, 0, 0, 0, 0, 1))
    deep = dict(w=weights(8, 3, 1, 1))
    for mode in ["DCR", "CRD"]:
        blocks = [node("Conv", ["x", "w"], ["y"]), node("DepthToSpace", ["y"], blocksize=2, mode=mode)]
        case(f"depthtospace_{mode.lower()}", 13, blocks, **deep)
    case("depthtospace_default", 7, [node("Conv", ["x", "w"], ["y"]), node("DepthToSpace", ["y"], blocksize=2)], **deep)
    unary("SpaceToDepth", 13, blocksize=2)
    # Shapes computed with, as PyTorch writes a flatten and an expand.
    shaped = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"], axis=0),
        node("Unsqueeze", ["n", "first"], ["n1"]),
        node("Concat", ["n1", "rest"], ["t"], axis=0),
        node("Reshape", ["x", "t"]),
    ]
    case("shape_reshape", 13, shaped, zero=I(0), first=ints(0), rest=ints(-1))
    expanded = [
        node("Shape", ["x"], ["s"], start=2),
        node("Constant", [], ["c"], value_ints=[1, -1]),
        node("Equal", ["c", "minus"], ["e"]),
        node("Where", ["e", "s", "c"], ["t"]),
        node("Expand", ["b", "t"], ["y"]),
        node("Mul", ["x", "y"]),
    ]
    case("shape_where_expand", 15, expanded, minus=I(-1), b=weights(1, 1))
    counted = [
        node("Size", ["x"], ["n"]),
        node("Div", ["n", "k"], ["m"]),
        node("Range", ["z", "m", "d"], ["i"]),
        node("Gather", ["x", "i"], axis=3),
    ]
    case("size_range_gather", 13, counted, k=I(24), z=I(1), d=I(2))
    value = helper.make_tensor("v", TensorProto.FLOAT, [3, 1, 1], [1.0, 2.0, 3.0])
    case("constant_tensor", 13, [node("Constant", [], ["c"], value=value), node("Mul", ["x", "c"])])
    case("constant_float", 13, [node("Constant", [], ["c"], value_float=0.5), node("Mul", ["x", "c"])])


def resizes():
    scales = {"up": floats(1, 1, 2, 1.5), "down": floats(1, 1, 0.5, 0.6)}
    for mode in ["nearest", "linear"]:
        for way, s in scales.items():
            case(f"resize10_{mode}_{way}", 10, node("Resize", ["x", "s"], mode=mode), s=s)
            for where in ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]:
                resized = node("Resize", ["x", "", "s"], mode=mode, coordinate_transformation_mode=where)
                case(f"resize13_{mode}_{where}_{way}", 13, resized, s=s)
        sized = node("Resize", ["x", "", "", "s"], mode=mode)
        case(f"resize13_{mode}_sizes", 13, sized, s=ints(1, 3, 11, 5))
        case(f"resize13_{mode}_one", 13, node("Resize", ["x", "", "", "s"], mode=mode, coordinate_transformation_mode="pytorch_half_pixel"), s=ints(1, 3, 1, 16))
    for rounding in ["round_prefer_ceil", "floor", "ceil"]:
        resized = node("Resize", ["x", "", "s"], mode="nearest", nearest_mode=rounding)
        case(f"resize13_{rounding}", 13, resized, s=scales["up"])
    case("resize13_floor_asymmetric", 13, node("Resize", ["x", "", "s"], mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric"), s=floats(1, 1, 2, 3))
    # Scales that are rounded: elements that are meant to be exactly between two.
    for where in ["half_pixel", "asymmetric"]:
        for rounding in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]:
            resized = node("Resize", ["x", "", "s"], mode="nearest", nearest_mode=rounding, coordinate_transformation_mode=where)
            case(f"resize13_{where}_{rounding}_tenths", 13, resized, s=floats(1, 1, 1.1, 0.6))
            case(f"resize13_{where}_{rounding}_thirds", 13, resized, s=floats(1, 1, 1 / 3, 1.4))
    case("resize13_nearest_same", 13, node("Resize", ["x", "", "s"]), s=floats(1, 1, 1.1, 1.1))
    case("resize11_roi", 11, node("Resize", ["x", "r", "s"]), s=scales["up"], r=floats())
    case("resize18_axes", 18, node("Resize", ["x", "", "s"], mode="linear", axes=[3, 2]), s=floats(2, 1.5))
    case("resize13_channels", 13, node("Resize", ["x", "", "s"]), s=floats(1, 2, 1, 1))
    case("resize13_linear_channels", 13, node("Resize", ["x", "", "s"], mode="linear"), s=floats(1, 2, 1, 1))
    for where in ["half_pixel", "asymmetric"]:
        cubic = node("Resize", ["x", "", "s"], mode="cubic", coordinate_transformation_mode=where)
        case(f"resize13_cubic_{where}", 13, cubic, s=scales["up"])
    case("resize18_antialias", 18, node("Resize", ["x", "", "s"], mode="linear", antialias=1), s=scales["down"])
    crop = node("Resize", ["x", "r", "s"], mode="linear", coordinate_transformation_mode="tf_crop_and_resize")
    case("resize13_crop", 13, crop, s=scales["up"], r=floats(0, 0, 0, 0, 1, 1, 0.5, 0.5))
    policy = node("Resize", ["x", "", "", "s"], mode="linear", keep_aspect_ratio_policy="not_larger")
    case("resize18_policy", 18, policy, s=ints(1, 3, 16, 12))
    unary("Upsample", 7, "upsample7", scales=[1.0, 1.0, 2.0, 3.0])
    case("upsample9_linear", 9, node("Upsample", ["x", "s"], mode="linear"), s=floats(1, 1, 2, 2))


def refused():
    """Of files rather than of operators."""

    def external(m):
        tensor = m.graph.initializer[0]
        raw = tensor.raw_data
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "weights.bin"
        assert raw

    w = weights(4, 3, 1, 1)
    case("external_data", 13, node("Conv", ["x", "w"]), edit=external, w=w)
    case("missing_initializer", 13, node("Conv", ["x", "w"]))
    case("short_initializer", 13, node("Conv", ["x", "w"]), edit=lambda m: m.graph.initializer[0].dims.append(2), w=w)
    case("opset6", 6, node("Relu", ["x"]))
    case("opset99", 13, node("Relu", ["x"]), edit=lambda m: setattr(m.opset_import[0], "version", 99))
    case("ir99", 13, node("Relu", ["x"]), ir=99)
    case("other_domain", 13, node("Gelu", ["x"], domain="com.microsoft"), edit=lambda m: m.opset_import.append(helper.make_opsetid("com.microsoft", 1)))
    case("unknown_attribute", 13, node("Relu", ["x"], slope=2.0))
    empty = np.zeros((1, 3, 0, 8), F)
    case("empty_conv", 13, node("Conv", ["e", "w"], auto_pad="SAME_UPPER"), e=empty, w=w)
    backwards = [
        node("Slice", ["e", "s", "t", "z", "m"], ["none"]),
        node("Concat", ["none", "rest"], ["shape"], axis=0),
        node("Reshape", ["x", "shape"]),
    ]
    case("empty_slice", 13, backwards, e=ints(), s=ints(5), t=ints(-9), z=ints(0), m=ints(-1), rest=ints(-1, 4))
    case("huge_expand", 13, [node("Expand", ["b", "s"], ["c"]), node("ReduceSum", ["c"], ["d"], keepdims=0), node("Add", ["x", "d"])], s=ints(1 << 20, 1 << 20), b=F(1))
    case("huge_tile", 13, node("Tile", ["x", "r"]), r=ints(1, 1, 1 << 20, 1 << 20))
    case("huge_pad", 13, node("Pad", ["x", "p"]), p=ints(0, 0, 0, 0, 0, 0, 0, 1 << 40))
    case("huge_resize", 13, node("Resize", ["x", "", "", "s"], mode="linear"), s=ints(1, 3, 1 << 16, 1 << 16))
    case("huge_range", 13, [node("Range", ["z", "m", "d"], ["i"]), node("Gather", ["x", "i"], axis=3)], z=I(0), m=I(2**62), d=I(1))
    filled = [node("ConstantOfShape", ["s"], ["c"]), node("Add", ["x", "c"])]
    case("huge_constantofshape", 13, filled, s=ints(1 << 30, 1, 8, 8))
    case("huge_conv", 13, node("Conv", ["x", "w"], pads=[1 << 19, 1 << 19, 0, 0]), w=w)


def main():
    pointwise()
    windows()
    tensors()
    reductions()
    shapes()
    resizes()
    refused()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    picture = RNG.integers(0, 256, (1, 8, 8, 3), np.uint8)
    np.save(OUT / "picture.npy", picture)
    image = ((picture.astype(F) / F(255)).transpose(0, 3, 1, 2) - F(0.5)) / F(0.25)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    for name, made in CASES.items():
        content = made.SerializeToString(deterministic=True)
        (OUT / f"{name}.onnx").write_bytes(content)
        if name.startswith("huge") or name == "dropout13_training":  # the one takes memory, the other is random
            continue
        try:
            session = onnxruntime.InferenceSession(content, options)
            np.save(OUT / f"{name}.npy", session.run(["features"], {"x": image})[0].astype(F).reshape(1, -1))
        except Exception as error:  # onnxruntime's have no common base
            print(f"{name}: {str(error).splitlines()[0][:100]}")
    print(len(CASES), "models,", sum(path.stat().st_size for path in OUT.iterdir()), "bytes")


if __name__ == "__main__":
    main()
