"""validate: holds a request to AWS against botocore's model of the service, offline: unknown, missing, ill-typed, badly encoded parameters, values that there
are not. Forms (EC2, STS, SNS, IAM) and JSON (SSM, Pricing, Service Quotas).

As a program: `validate.py TARGET < BODY`, with the x-amz-target of a JSON call or nothing; prints what is wrong, status 1 where something is."""

import functools
import json
import re
import sys
from urllib.parse import unquote_to_bytes

import botocore.session
from botocore.validate import ParamValidator

FORMS = {"2016-11-15": "ec2", "2011-06-15": "sts", "2010-03-31": "sns", "2010-05-08": "iam"}
TARGETS = {"AmazonSSM": "ssm", "AWSPriceListService": "pricing", "ServiceQuotasV20190624": "service-quotas"}


class Wrong(Exception):
    pass


def need(condition, path, what):
    if not condition:
        raise Wrong(f"{path or 'request'}: {what}")


@functools.cache
def model(service):
    return botocore.session.get_session().get_service_model(service)


def pairs(body):
    """A form's names and values."""
    found = {}
    for piece in body.split(b"&"):
        need(re.fullmatch(rb"(?:[A-Za-z0-9._~*+-]|%[0-9A-Fa-f]{2})+=(?:[A-Za-z0-9._~*+-]|%[0-9A-Fa-f]{2})*", piece), "", f"badly encoded: {piece[:80]}")
        name, value = (unquote_to_bytes(part.replace(b"+", b" ")).decode() for part in piece.split(b"="))
        need(name not in found, name, "given twice")
        found[name] = value
    return found


def tree(values):
    """{"A.1.B": "x"} → {"A": {"1": {"B": "x"}}}"""
    root = {}
    for name, value in values.items():
        *above, last = name.split(".")
        node = root
        for part in above:
            node = node.setdefault(part, {})
            need(isinstance(node, dict), name, "is part of a plain value")
        need(last not in node, name, "has parts and a value")
        node[last] = value
    return root


class Form:
    """Turns a tree into what boto3 would have been given."""

    def __init__(self, service):
        self.ec2 = model(service).metadata["protocol"] == "ec2"

    def read(self, shape, node, path=""):
        if shape.type_name in ("structure", "list", "map"):
            need(isinstance(node, dict), path, f"a {shape.type_name} is given as {node!r}")
            return getattr(self, shape.type_name)(shape, node, path)
        need(isinstance(node, str), path, f"a plain value has parts {node!r}")
        return self.plain(shape, node, path)

    def wire(self, member, shape):
        name = shape.serialization.get("name", member)
        return shape.serialization.get("queryName", name[:1].upper() + name[1:]) if self.ec2 else name

    def structure(self, shape, node, path):
        names = {self.wire(member, inner): (member, inner) for member, inner in shape.members.items()}
        for name in node:
            need(name in names, f"{path}.{name}".lstrip("."), f"{shape.name} has no such parameter")
        return {names[name][0]: self.read(names[name][1], value, f"{path}.{name}".lstrip(".")) for name, value in node.items()}

    def list(self, shape, node, path):
        if not (self.ec2 or shape.serialization.get("flattened")):
            name = shape.member.serialization.get("name", "member")
            need(list(node) == [name], path, f"its elements are not .{name}.N")
            node, path = node[name], f"{path}.{name}"
        need(list(node) == [str(i + 1) for i in range(len(node))], path, f"not numbered from 1 on: {list(node)}")
        return [self.read(shape.member, value, f"{path}.{number}") for number, value in node.items()]

    def map(self, shape, node, path):
        entries = node if shape.serialization.get("flattened") else node.get("entry", {})
        names = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
        return {entry[names[0]]: self.read(shape.value, entry[names[1]], path) for entry in entries.values()}

    def plain(self, shape, text, path):
        need(text != "" or "Tag" in path, path, "empty")
        if shape.type_name in ("integer", "long"):
            need(re.fullmatch("-?[0-9]+", text), path, f"no integer: {text!r}")
            return int(text)
        if shape.type_name in ("float", "double"):
            return float(text)
        if shape.type_name == "boolean":
            need(text in ("true", "false"), path, f"neither true nor false: {text!r}")
            return text == "true"
        return text


def limits(shape, value, path=""):
    """botocore leaves it to AWS to refuse what is too much, and values of an enumeration that are none."""
    size = value if shape.type_name in ("integer", "long") else len(value) if hasattr(value, "__len__") else 0
    need(size <= shape.metadata.get("max", size), path, f"{size} is more than {shape.metadata.get('max')}")
    if shape.type_name == "structure":
        for name, inner in value.items():
            limits(shape.members[name], inner, f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        for i, inner in enumerate(value):
            limits(shape.member, inner, f"{path}.{i + 1}")
    elif shape.type_name == "string" and getattr(shape, "enum", None):
        need(value in shape.enum, path, f"{value!r} is no {shape.name}")


def check(body, target=""):
    """(service, action, parameters as boto3 has them) of a request; raises Wrong."""
    if target:
        prefix, action = target.split(".")
        need(prefix in TARGETS, "", f"there is no target {target}")
        service, parameters = TARGETS[prefix], json.loads(body)
    else:
        values = pairs(body)
        service, action = FORMS.get(values.pop("Version", "")), values.pop("Action", "")
        need(service, "", "it has no version that there is")
    need(action in model(service).operation_names, "", f"{service} has no action {action!r}")
    shape = model(service).operation_model(action).input_shape
    if not target:
        parameters = Form(service).read(shape, tree(values)) if shape else tree(values)
    if not shape:
        need(not parameters, "", f"{action} has no parameters")
        return service, action, {}
    report = ParamValidator().validate(parameters, shape)
    need(not report.has_errors(), action, report.generate_report())
    limits(shape, parameters)
    return service, action, parameters


if __name__ == "__main__":
    try:
        print("right: {} {}".format(*check(sys.stdin.buffer.read().rstrip(b"\r\n"), "".join(sys.argv[1:2]))))
    except Wrong as wrong:
        sys.exit(f"wrong: {wrong}")
