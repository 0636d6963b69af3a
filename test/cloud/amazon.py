"""amazon: what AWS does and moto does not, between the proxy and moto: idempotency by ClientToken, states that take their time, what is in use cannot be
deleted, what was just made is not known yet, capacity that ends."""

import base64
import fnmatch
import random
import re
import threading
import time
import xml.etree.ElementTree as xml

import answers
from proxy import error

SPACE = "http://ec2.amazonaws.com/doc/2016-11-15"
xml.register_namespace("", SPACE)
# Seconds, from … to: until a machine runs, then until its sshd does; until it is terminated, then until nothing hangs on it any more.
PENDING, BOOTING, ENDING, TAIL = (8, 20), (8, 25), (20, 60), (0, 10)
STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
USER_DATA_LIMIT = 16384
NOT_FOUND = {"vpc": "InvalidVpcID.NotFound", "subnet": "InvalidSubnetID.NotFound", "sg": "InvalidGroup.NotFound", "igw": "InvalidInternetGatewayID.NotFound",
             "rtb": "InvalidRouteTableID.NotFound", "i": "InvalidInstanceID.NotFound"}
IN_USE = {"DeleteSubnet": "The subnet '{}' has dependencies and cannot be deleted.",
          "DeleteSecurityGroup": "resource {} has a dependent object",
          "DetachInternetGateway": "Network {} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.",
          "DeleteVpc": "The vpc '{}' has dependencies and cannot be deleted."}


def child(item, name):
    return item.find(f"{{{SPACE}}}{name}")


def text(item, name):
    found = child(item, name)
    return found.text if found is not None else None


class Amazon:
    """`ec2` asks moto; `latency` scales the times above.

    capacity  "TYPE" or "TYPE/ZONE" (patterns) → how many machines one call may get there
    late      how many uses of a new id are answered with NotFound, `late_for` seconds at most after it was made"""

    def __init__(self, ec2, latency=0):
        self.ec2, self.latency, self.lock = ec2, latency, threading.RLock()
        self.capacity, self.late, self.late_for = {}, 0, 3
        self.tokens = {}  # → the call's parameters, its answer
        self.runs_at, self.boots_at, self.gone_at, self.free_at, self.reasons = {}, {}, {}, {}, {}  # by instance
        self.unknown = {}  # id → uses left, until when

    # --- one call ---

    def answer(self, call, forward):
        found = answers.answer(call)
        if found or call.service != "ec2":
            return found or forward(call)
        if call.parameters.get("DryRun") == "true":
            return error("DryRunOperation", 412, "Request would have succeeded, but DryRun flag is set.", call)
        early = self.not_yet(call)
        if isinstance(early, tuple):
            return early
        answer = getattr(self, call.action, self.pass_on)(early or call, forward)
        if answer[0] == 200 and call.action.startswith(("Create", "Run")):
            self.made(answer[2])
        return answer

    @staticmethod
    def pass_on(call, forward):
        return forward(call)

    # --- what was just made ---

    def made(self, body):
        with self.lock:
            for found in re.findall(rb"<(?:vpcId|subnetId|groupId|internetGatewayId|routeTableId|instanceId)>([a-z]+-[0-9a-f]+)<", body):
                self.unknown.setdefault(found.decode(), [self.late, time.time() + self.late_for])

    def not_yet(self, call):
        """An error where an id is not known yet; another call, one that finds nothing, where it is in a filter."""
        for name, value in call.parameters.items():
            with self.lock:
                uses = self.unknown.get(value)
                if not uses or uses[0] == 0 or time.time() > uses[1]:
                    continue
                uses[0] -= 1
            kind = value.partition("-")[0]
            if name.startswith("Filter."):
                return call.replace({name: f"{kind}-00000000000000000"})
            return error(NOT_FOUND[kind], 400, f"The {kind} ID '{value}' does not exist", call)
        return None

    # --- launching ---

    def RunInstances(self, call, forward):
        token = call.parameters.get("ClientToken")
        with self.lock:
            if token in self.tokens:
                asked, answer = self.tokens[token]
                if asked == call.parameters:
                    return answer
                return error("IdempotentParameterMismatch", 400, "Arguments on this idempotent request are inconsistent with arguments used in previous "
                                                                 "request(s).", call)
            answer = self.launch(call, forward)
            if token and answer[0] == 200:
                self.tokens[token] = call.parameters, answer
            return answer

    def launch(self, call, forward):
        if len(base64.b64decode(call.parameters.get("UserData", ""))) > USER_DATA_LIMIT:
            return error("InvalidParameterValue", 400, "User data is limited to 16384 bytes", call)
        least, most = int(call.parameters["MinCount"]), int(call.parameters["MaxCount"])
        count = min(most, self.room(call, most))
        if count < least:
            return error("InsufficientInstanceCapacity", 500, "We currently do not have sufficient capacity in the Availability Zone you requested.", call)
        answer = forward(call.replace({"MinCount": count, "MaxCount": count}) if count != least else call)
        if answer[0] == 200:
            now = time.time()
            for found in re.findall(rb"<instanceId>(i-[0-9a-f]+)<", answer[2]):
                self.runs_at[found.decode()] = runs = now + self.latency * random.uniform(*PENDING)
                self.boots_at[found.decode()] = runs + self.latency * random.uniform(*BOOTING)
        return self.as_time_says(answer)

    def room(self, call, most):
        subnet = call.parameters.get("SubnetId") or call.parameters.get("NetworkInterface.1.SubnetId")
        zone = self.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailabilityZone"] if subnet and self.capacity else ""
        place = f"{call.parameters.get('InstanceType')}/{zone}"
        return min([count for pattern, count in self.capacity.items() if fnmatch.fnmatchcase(place, pattern if "/" in pattern else pattern + "/*")] or [most])

    # --- states ---

    def state(self, instance, moto):
        """What AWS would say where moto says `moto`."""
        now = time.time()
        if moto in ("shutting-down", "terminated"):
            return "shutting-down" if now < self.gone_at.get(instance, 0) else moto
        return "pending" if now < self.runs_at.get(instance, 0) else moto

    def ending(self, instances, reason):
        """They were told to end, by whomever: "Code: message"."""
        for instance in instances:
            self.reasons.setdefault(instance, reason)
            self.gone_at.setdefault(instance, time.time() + self.latency * random.uniform(*ENDING))
            self.free_at.setdefault(instance, self.gone_at[instance] + self.latency * random.uniform(*TAIL))

    def TerminateInstances(self, call, forward):
        answer = forward(call)
        if answer[0] == 200:
            self.ending((value for name, value in call.parameters.items() if name.startswith("InstanceId.")),
                        "Client.UserInitiatedShutdown: User initiated shutdown")
        return answer

    def DescribeInstances(self, call, forward):
        """A filter of states is about AWS's states, not moto's."""
        wanted = None
        for name, value in call.parameters.items():
            if re.fullmatch(r"Filter\.\d+\.Name", name) and value == "instance-state-name":
                start = name.removesuffix("Name") + "Value."
                wanted = {value for name, value in call.parameters.items() if name.startswith(start)}
                call = call.replace({start + str(number): state for number, state in enumerate(STATES, 1)})
                break
        return self.as_time_says(forward(call), wanted)

    def as_time_says(self, answer, wanted=None):
        if answer[0] != 200:
            return answer
        tree = xml.fromstring(answer[2])
        for instances in tree.iter(f"{{{SPACE}}}instancesSet"):
            for item in list(instances):
                if self.put_state(item) not in (wanted or STATES):
                    instances.remove(item)
        reservations = child(tree, "reservationSet")
        for reservation in list(reservations if reservations is not None else ()):
            if not len(child(reservation, "instancesSet")):
                reservations.remove(reservation)
        return answer[0], answer[1], b'<?xml version="1.0" encoding="utf-8"?>\n' + xml.tostring(tree)

    def put_state(self, item):
        instance, state, reason = text(item, "instanceId"), child(item, "instanceState"), child(item, "stateReason")
        now = self.state(instance, text(state, "name"))
        child(state, "name").text, child(state, "code").text = now, str(STATES[now])
        if now == "pending" and child(item, "ipAddress") is not None:
            item.remove(child(item, "ipAddress"))
        if instance in self.reasons:
            child(reason, "code").text, child(reason, "message").text = self.reasons[instance].partition(":")[0], self.reasons[instance]
        return now

    # --- what is in use ---

    def ports(self):
        """The network interfaces of instances that are not gone."""
        pages = self.ec2.get_paginator("describe_instances").paginate()
        instances = [i for page in pages for reservation in page["Reservations"] for i in reservation["Instances"]]
        left = [i for i in instances if i["State"]["Name"] != "terminated" or time.time() < self.free_at.get(i["InstanceId"], 0)]
        return [{"public": i.get("PublicIpAddress"), **port} for i in left for port in i["NetworkInterfaces"]]

    def unless(self, used, identifier, call, forward):
        return error("DependencyViolation", 400, IN_USE[call.action].format(identifier), call) if used else forward(call)

    def DeleteSubnet(self, call, forward):
        subnet = call.parameters["SubnetId"]
        answer = self.unless([port for port in self.ports() if port["SubnetId"] == subnet], subnet, call, forward)
        if answer[0] == 200:
            # A port is gone with its machine; moto keeps it.
            for port in self.ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])["NetworkInterfaces"]:
                self.ec2.delete_network_interface(NetworkInterfaceId=port["NetworkInterfaceId"])
        return answer

    def DeleteSecurityGroup(self, call, forward):
        group = call.parameters["GroupId"]
        return self.unless([port for port in self.ports() if group in (g["GroupId"] for g in port["Groups"])], group, call, forward)

    def DetachInternetGateway(self, call, forward):
        vpc = call.parameters["VpcId"]
        return self.unless([port for port in self.ports() if port["VpcId"] == vpc and port["public"]], vpc, call, forward)

    def DeleteVpc(self, call, forward):
        vpc = call.parameters["VpcId"]
        gateways = self.ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])["InternetGateways"]
        groups = self.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
        return self.unless(gateways or [g for g in groups if g["GroupName"] != "default"], vpc, call, forward)
