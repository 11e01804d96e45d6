"""Which tensors of a traced function a GPU would copy to the host: read from its graph, on any machine.

TensorFlow's build for CUDA has the kernels of a GPU registered on a machine without one, too. Each says for
which types it is and which of its arguments stand in the host's memory. So it is known before any GPU is seen
which tensors would go from the device's memory to the host's while the function runs.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.python.framework import kernels  # what is registered is not exported
from tensorflow.python.framework.function_def_to_graph import function_def_to_graph

# "DEFAULT" kernels serve every device that has none of its own
_GPU_DEVICES = ("GPU", "DEFAULT")
# functions, their arguments, and what is taken apart into these: memory follows the type of the value, as in
# what is read from a variable
_BOUNDARIES = (
    *("Placeholder", "PartitionedCall", "StatefulPartitionedCall", "If", "StatelessIf", "While"),
    *("StatelessWhile", "Case", "StatelessCase", "NoOp", "ReadVariableOp"),
)
# tensorflow/core/framework/memory_types.cc, MTypeFromDType: these are never in the device's memory there
_ON_HOST = (types_pb2.DT_INT32, types_pb2.DT_STRING, types_pb2.DT_RESOURCE, types_pb2.DT_VARIANT)
# handles: what they stand for is not copied with them
_HANDLES = (types_pb2.DT_RESOURCE, types_pb2.DT_VARIANT)


def kernels_of_a_gpu_are_known() -> bool:
    """Whether this TensorFlow was built for CUDA, without which nothing can be said."""
    return tf.test.is_built_with_cuda()


def copies_to_the_host(function: Any) -> list[str]:
    """Of a concrete function: a line for every tensor that a GPU would copy to the host, in the order of ops.

    What the function returns is left out: whoever calls it may leave that where it is.
    """
    found = []
    library = function.graph.as_graph_def().library.function
    with function.graph.as_default():  # where the functions that these call are known
        graphs = {one.signature.name: function_def_to_graph(one) for one in library}
    for op in (op for graph in (function.graph, *graphs.values()) for op in graph.get_operations()):
        for index, tensor in enumerate(op.inputs):
            is_handle = tensor.dtype.as_datatype_enum in _HANDLES
            if not is_handle and not _is_host_output(tensor) and _is_host_input(op, index):
                found.append(f"{tensor.op.type} {tensor.name} -> {op.type} {op.name}")
        if op.type in ("While", "StatelessWhile"):
            asked = graphs[op.get_attr("cond").name].outputs[0]
            while asked.op.type == "Identity":  # TensorFlow takes these out before it runs a graph
                asked = asked.op.inputs[0]
            if not _is_host_output(asked):
                found.append(f"{op.name} is the condition of a loop")
    return found


def _is_host_output(tensor: Any) -> bool:
    return _is_on_host(tensor.op, tensor.op.op_def.output_arg, tensor.value_index, tensor)


def _is_host_input(op: Any, index: int) -> bool:
    is_condition = op.type in ("If", "StatelessIf", "Case", "StatelessCase") and index == 0
    return is_condition or _is_on_host(op, op.op_def.input_arg, index, op.inputs[index])


def _is_on_host(op: Any, arguments: Any, index: int, tensor: Any) -> bool:
    if op.type in _BOUNDARIES:
        return tensor.dtype.as_datatype_enum in _ON_HOST
    on_host = _host_arguments(op)
    return on_host is None or _argument(op, arguments, index) in on_host


def _host_arguments(op: Any) -> frozenset[str] | None:
    """Names of the arguments in the host's memory; None if the op has no kernel for a GPU."""
    types = {}
    for attribute in op.op_def.attr:
        if attribute.type == "type":
            types[attribute.name] = op.get_attr(attribute.name).as_datatype_enum
    return _of_kernel(op.type, tuple(sorted(types.items())))


@cache
def _of_kernel(name: str, types: tuple[tuple[str, int], ...]) -> frozenset[str] | None:
    fitting = [
        kernel
        for kernel in kernels.get_registered_kernels_for_op(name).kernel
        if kernel.device_type in _GPU_DEVICES and _fits(kernel, dict(types)) and not kernel.label
    ]
    if not fitting:
        return None
    fitting.sort(key=lambda kernel: (kernel.device_type == "DEFAULT", -kernel.priority))
    return frozenset(fitting[0].host_memory_arg)


def _fits(kernel: Any, types: dict[str, int]) -> bool:
    return all(
        types.get(one.name) in one.allowed_values.list.type
        for one in kernel.constraint
        if one.allowed_values.list.type
    )


def _argument(op: Any, arguments: Any, index: int) -> str:
    """The name of the argument that the tensor at ``index`` belongs to."""
    for argument in arguments:
        length = 1
        if argument.number_attr:
            length = op.get_attr(argument.number_attr)
        elif argument.type_list_attr:
            length = len(op.get_attr(argument.type_list_attr))
        if index < length:
            return argument.name
        index -= length
    raise ValueError(f"{op.type} has no argument {index}")
