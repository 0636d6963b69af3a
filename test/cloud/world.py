#!/usr/bin/env python3
"""world: AWS on this computer: moto as the control plane, and a machine that really boots for each of its instances.

    python3 test/cloud/world.py [--latency 0.1] [--minute 1] [--rules JSON] [--log FILE] [COMMAND…]

runs COMMAND (or a shell) with the variables of an account there. Everything is in one box of namespaces (network, mount, PID): whatever ends the box's
first process, kill -9 too, ends all of it. README.md says what is played and what is not."""

import argparse
import contextlib
import ipaddress
import json
import os
import subprocess
import sys
import threading
import time
import traceback

import amazon
import answers
import cloud
import machine
import metadata
import mirror
import proxy
from box import BOX, IN_THE_BOX, enter, lacks  # noqa: F401
from cloud import KEY, REGION, SECRET, Skip, wait_for

try:
    import boto3
    import botocore.config
except ImportError:
    boto3 = None

# AWS's own address, as machines and operator see it, and the operator's, both of ranges that are for examples (RFC 5737).
FRONT, PORT, OPERATOR = "198.51.100.1", 4566, "203.0.113.7"
NEEDED = ("sshd", "ssh-keygen")
# The settings of an Edccfile whose fleets keep their ccache in a bucket.
CACHED = """\
provider aws:
    region = eu-west-1

instances:
    type  = c7i.large
    lease = 10m

cache:
    keep = s3://{bucket}/caches

"""


def missing():
    """What this computer lacks for playing machines; None where it has everything."""
    return lacks(*NEEDED) if boto3 else "moto and boto3 are not installed (pip install 'moto[server]')"


def box():
    """Runs this program again, from its start, in the box; returns there, or here where there can be none."""
    if not os.environ.get(IN_THE_BOX) and not missing():
        os.environ["EDCC_TEST_SOURCES"] = cloud.SOURCES  # also for those with another HOME
        enter()


class World:
    """A data centre, for the length of a `with`; one at a time. latency: of AWS's own times; minute: how many seconds one lasts for shutdown(8)."""

    def __init__(self, latency=0, minute=60, base=None, log=None):
        self.latency, self.minute, self.log = latency, minute, log
        self.base = base or os.environ.get("EDCC_TEST_BASE") or "/"
        self.machines, self.outside, self.networks, self.bridges, self.notices = {}, {}, {}, {}, {}  # by id, by address, by subnet, by VPC, by id
        self.changed, self.ending = threading.Event(), threading.Event()
        self.booting = threading.Semaphore(4)  # so many at once
        self.url = f"http://{FRONT}:{PORT}"

    def __enter__(self):
        if not os.environ.get(IN_THE_BOX):
            raise Skip(missing() or "not in a box: world.box() comes first")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "world", machine.SHELTER], check=True)
        os.makedirs(machine.ROOM)
        machine.make_skeleton(self.base, self.minute)
        machine.ip("link set lo up", *(f"address replace {address}/32 dev lo" for address in (FRONT, OPERATOR, metadata.ADDRESS)))
        # Who talks to AWS from here is the operator.
        machine.ip(f"route replace table local local {FRONT} dev lo proto kernel scope host src {OPERATOR}")
        with open("/proc/sys/net/ipv4/ip_forward", "w") as forward:
            forward.write("1")
        self.start_moto()
        self.amazon = amazon.Amazon(self.ec2, self.latency)
        self.metadata = metadata.Metadata(self.outside.get, self.ec2, REGION, lambda m: self.notices.get(m.id, {}))
        self.proxy = proxy.Proxy((FRONT, PORT), cloud.MOTO.port, self.latency, self.answer, self.control, self.log)
        self.servers = [self.proxy, self.metadata]
        if self.base != "/":
            self.servers.append(mirror.Mirror(FRONT, int(os.environ[IN_THE_BOX])))
        self.threads = [threading.Thread(target=target, daemon=True) for target in (*(server.serve_forever for server in self.servers), self.follow)]
        for thread in self.threads:
            thread.start()
        return self

    def start_moto(self):
        """With images like AWS's, and checking what it is given as AWS does."""
        images = f"{machine.SHELTER}/images.json"
        with open(images, "w") as file:
            json.dump(answers.images(), file)
        os.environ.update(MOTO_AMIS_PATH=images, MOTO_ENABLE_AMI_VALIDATION="true", MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION="true")
        cloud.MOTO.start()
        cloud.MOTO.post("/moto-api/reset")
        self.ec2 = cloud.MOTO.client("ec2")

    def __exit__(self, *_):
        self.ending.set()
        self.changed.set()
        self.threads[-1].join()
        for server in self.servers:
            server.shutdown()
            server.server_close()
        for one in self.machines.values():
            one.kill()
        for bridge in self.bridges.values():
            machine.ip(f"link delete {bridge}")
        subprocess.run(["umount", "--lazy", machine.SHELTER], check=True)

    # --- what the operator has ---

    def environment(self):
        """The variables of somebody with an account here."""
        return cloud.aws(self.url, AWS_DEFAULT_REGION=REGION)

    def client(self, service, **config):
        """Amazon's own client, as the operator uses it; it asks once, where nothing else is said."""
        config = botocore.config.Config(**{"retries": {"total_max_attempts": 1}, **config})
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, aws_access_key_id=KEY, aws_secret_access_key=SECRET, config=config)

    def machine(self, instance_id):
        """The machine of an instance, when it has booted (its user data may still run)."""
        found = wait_for(lambda: self.machines.get(instance_id))
        wait_for(found.up.is_set)
        return found

    def notice(self, instance_id, text):
        """What the spot market tells a machine, two minutes before it is taken."""
        self.notices[instance_id] = {"meta-data/spot/instance-action": text}

    def take(self, instance_id, reason="Server.SpotInstanceTermination: Instance terminated by the spot market"):
        """The machine is taken by AWS."""
        self.terminate(instance_id, reason)

    def terminate(self, instance_id, reason):
        self.amazon.ending([instance_id], reason)
        self.ec2.terminate_instances(InstanceIds=[instance_id])
        self.changed.set()

    # --- between moto and the machines ---

    def answer(self, call, forward):
        answer = self.amazon.answer(call, forward)
        if call.service == "ec2" and not call.action.startswith("Describe"):
            self.changed.set()
        return answer

    def control(self, path, body):
        """POST /world/rules with a rule, /world/amazon with settings of it, /world/inside/INSTANCE with a command, or /world/WORD/INSTANCE[/ARGUMENT]: one
        of a machine's faults."""
        word, *arguments = path.split("/")
        try:
            if word == "rules":
                self.proxy.add(json.loads(body))
            elif word == "amazon":
                vars(self.amazon).update(json.loads(body))
            elif word == "inside":
                return 200, [], self.machine(arguments[0]).inside("bash", "-c", body.decode(), status=None).encode()
            else:
                getattr(self.machine(arguments[0]), {"poweroff": "power_off"}.get(word, word))(*arguments[1:])
        except Exception as problem:  # a person reads it
            return 400, [], f"{type(problem).__name__}: {problem}\n".encode()
        return 200, [], b""

    def follow(self):
        """Boots what moto has launched and kills what it has terminated, whenever a call may have changed that."""
        while True:
            self.changed.wait()
            self.changed.clear()
            if self.ending.is_set():
                return
            try:
                self.look()
            except Exception:  # what is not followed must be seen, and the rest goes on
                traceback.print_exc()

    def look(self):
        pages = self.ec2.get_paginator("describe_instances").paginate()
        for instance in (i for page in pages for reservation in page["Reservations"] for i in reservation["Instances"]):
            known, lives = self.machines.get(instance["InstanceId"]), instance["State"]["Name"] in ("pending", "running")
            if lives and not known:
                self.launch(instance)
            elif known and not lives:
                known.kill()

    def launch(self, instance):
        # Without a public address it still reaches the metadata; nobody is told of this one.
        outside = instance.get("PublicIpAddress") or str(ipaddress.ip_address("100.64.0.1") + len(self.machines))
        one = machine.Machine(instance, *self.network(instance), outside, OPERATOR, self.base, f"{FRONT} {mirror.NAME}", self.powered_off)
        self.machines[one.id] = self.outside[outside] = one
        threading.Thread(target=self.boot, args=[one], daemon=True).start()

    def network(self, instance):
        """The bridge, the VPC's range, the length of the subnet's prefix and its gateway."""
        subnet = instance["SubnetId"]
        if subnet not in self.networks:
            inner = ipaddress.ip_network(self.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["CidrBlock"])
            vpc = self.ec2.describe_vpcs(VpcIds=[instance["VpcId"]])["Vpcs"][0]["CidrBlock"]
            self.networks[subnet] = self.bridge(instance["VpcId"]), vpc, inner.prefixlen, str(inner[1])
        return self.networks[subnet]

    def boot(self, one):
        if self.ending.wait(max(0, self.amazon.boots_at.get(one.id, 0) - time.time())):
            return
        try:
            with self.booting:
                one.boot()
        except Exception as problem:
            if not one.gone.is_set():
                print(f"world: {problem}", file=sys.stderr, flush=True)

    def bridge(self, vpc):
        """One for each VPC, so that several may have the same addresses."""
        if vpc not in self.bridges:
            self.bridges[vpc] = "n" + vpc[-12:]
            machine.ip(f"link add {self.bridges[vpc]} address {machine.GATEWAY_MAC} type bridge", f"link set {self.bridges[vpc]} up")
        return self.bridges[vpc]

    def powered_off(self, one):
        """InstanceInitiatedShutdownBehavior."""
        asked = self.ec2.describe_instance_attribute(InstanceId=one.id, Attribute="instanceInitiatedShutdownBehavior")
        if asked["InstanceInitiatedShutdownBehavior"].get("Value") == "terminate":
            self.terminate(one.id, "Client.InstanceInitiatedShutdown: Instance initiated shutdown")
        else:
            self.ec2.stop_instances(InstanceIds=[one.id])


def main():
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument("--latency", type=float, default=0)
    options.add_argument("--minute", type=float, default=60)
    options.add_argument("--rules", default="[]")
    options.add_argument("--log")
    options.add_argument("command", nargs=argparse.REMAINDER)
    given = options.parse_args()
    box()
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(open(given.log, "w")) if given.log else None
        try:
            world = stack.enter_context(World(given.latency, given.minute, log=log))
        except Skip as why:
            sys.exit(f"world: {why}")
        world.proxy.add(*json.loads(given.rules))
        command = given.command[1:] if given.command[:1] == ["--"] else given.command
        status = subprocess.run(command or [os.environ.get("SHELL", "/bin/sh")], env={**os.environ, **world.environment()}).returncode
    sys.exit(status)


if __name__ == "__main__":
    main()
