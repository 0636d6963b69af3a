"""metadata: the instance metadata service at 169.254.169.254, keyed by the address that a machine has outside of its VPC."""

import base64
import http.server
import json
import secrets
import time

ADDRESS = "169.254.169.254"
LONGEST = 21600


def tree(machine, region):
    """path → text, of what does not change."""
    i = machine.instance
    name = "ip-" + machine.address.replace(".", "-")
    full = f"{name}.{'ec2' if region == 'us-east-1' else region + '.compute'}.internal"
    zone = i["Placement"]["AvailabilityZone"]
    found = {
        "meta-data/ami-id": i["ImageId"],
        "meta-data/ami-launch-index": str(i["AmiLaunchIndex"]),
        "meta-data/hostname": full,
        "meta-data/instance-id": machine.id,
        "meta-data/instance-life-cycle": i.get("InstanceLifecycle", "on-demand"),
        "meta-data/instance-type": i["InstanceType"],
        "meta-data/local-hostname": full,
        "meta-data/local-ipv4": machine.address,
        "meta-data/mac": machine.mac,
        "meta-data/placement/availability-zone": zone,
        "meta-data/placement/region": region,
        "meta-data/security-groups": "\n".join(group["GroupName"] for group in i["NetworkInterfaces"][0]["Groups"]),
        "meta-data/services/domain": "amazonaws.com",
        "dynamic/instance-identity/document": json.dumps({
            "accountId": "123456789012", "architecture": i.get("Architecture", "x86_64"), "availabilityZone": zone, "imageId": i["ImageId"],
            "instanceId": machine.id, "instanceType": i["InstanceType"], "privateIp": machine.address, "region": region, "version": "2017-09-30"}),
    }
    if i.get("PublicIpAddress"):
        found["meta-data/public-ipv4"] = i["PublicIpAddress"]
    return found


def listing(found, path):
    """The folder's entries; None where there is no such folder."""
    start = path + "/" if path else ""
    below = [name[len(start):] for name in found if name.startswith(start)]
    return "\n".join(sorted({name.split("/")[0] + ("/" if "/" in name else "") for name in below})) or None


class Metadata(http.server.ThreadingHTTPServer):
    """`machine_of` tells the machine of an address, `client` asks the control plane, `more(machine)` are entries that come and go (a spot notice)."""

    daemon_threads, request_queue_size = True, 256

    def __init__(self, machine_of, client, region, more):
        super().__init__((ADDRESS, 80), Handler)
        self.machine_of, self.client, self.region, self.more, self.tokens = machine_of, client, region, more, {}

    def user_data(self, machine):
        found = self.client.describe_instance_attribute(InstanceId=machine.id, Attribute="userData")["UserData"].get("Value")
        return base64.b64decode(found) if found else None

    def credentials(self, machine, path):
        """Of the machine's role: its name, or keys that the control plane makes up."""
        profile = machine.instance.get("IamInstanceProfile")
        if not profile:
            return None
        role = profile["Arn"].rpartition("/")[2]
        if path == "meta-data/iam/security-credentials":
            return role
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 6 * 3600))
        return json.dumps({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAMACHINE", "SecretAccessKey": "machine", "Token": "machine",
                           "Expiration": end})


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body=b"", **headers):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        life = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if self.path != "/latest/api/token" or "X-Forwarded-For" in self.headers:
            return self.answer(403)
        if not life.isdigit() or not 1 <= int(life) <= LONGEST:
            return self.answer(400)
        token = secrets.token_urlsafe(40)
        self.server.tokens[token] = (self.client_address[0], time.time() + int(life))
        self.answer(200, token, X_aws_ec2_metadata_token_ttl_seconds=life)

    def may(self, machine):
        token = self.headers.get("X-aws-ec2-metadata-token")
        if token is None:
            return machine.instance.get("MetadataOptions", {}).get("HttpTokens") == "optional"
        address, end = self.server.tokens.get(token, (None, 0))
        return address == self.client_address[0] and time.time() < end

    def do_GET(self):
        machine = self.server.machine_of(self.client_address[0])
        if not machine:
            return self.answer(404)
        if not self.may(machine):
            return self.answer(401)
        path = self.path.strip("/").partition("/")[2]
        if path == "user-data":
            body = self.server.user_data(machine)
        elif path.startswith("meta-data/iam/security-credentials"):
            body = self.server.credentials(machine, path)
        else:
            found = tree(machine, self.server.region) | self.server.more(machine)
            body = found.get(path) or listing(found, path)
        self.answer(404 if body is None else 200, body or b"")

    def log_message(self, *arguments):
        pass
