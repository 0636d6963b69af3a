"""ec2_lab: the calls of EC2 and the look-ups by the tool, through a proxy that holds each request against botocore's model. What moto has not (prices, quotas,
publishers' parameters) and what it never says (not yet, no capacity) is answered here, as AWS documents it."""

import json
import os
import subprocess

from cloud import MOTO, Proxy, aws, lab, need, same

try:
    import validate
except ImportError:  # nor is moto there, and every test is skipped
    validate = None

TOOL = os.path.join(os.path.dirname(lab.EDCC), "test", "cloud", "ec2_tool")
number = 0


def refusal(code, message="so it is", status=400):
    return status, f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>abc</RequestID></Response>".encode()


def not_there(what, status=400):
    """As the services that speak JSON refuse."""
    return status, json.dumps({"__type": what, "message": "so it is"}).encode()


class Cloud:
    """The tool, and between it and moto a proxy that holds requests against the model. `answers`: by action what is answered in moto's place, one after the
    other (None: moto answers), or a function of the parameters; `page`: how much is on a page."""

    def __init__(self, page=None, **environment):
        self.answers, self.page, self.environment = {}, page, environment
        self.requests, self.wrong = [], []
        self.proxy = Proxy(self.touch)

    def touch(self, method, path, body):
        headers = {name.lower(): value for name, value in self.proxy.seen[-1][2].items()}
        try:
            self.requests.append(validate.check(body, headers.get("x-amz-target", "")))
        except validate.Wrong as wrong:
            self.wrong.append(f"{body}: {wrong}")
            return refusal("Wrong", "the request is")
        _, action, parameters = self.requests[-1]
        answers = self.answers.get(action)
        if callable(answers):
            return answers(parameters)
        if answers and (answer := answers.pop(0)):
            return answer
        return body.replace(b"MaxResults=1000", b"MaxResults=%04d" % self.page) if self.page else body

    def __enter__(self):
        self.proxy.__enter__()
        self.process = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **aws(self.proxy.url, **self.environment)})
        return self

    def __exit__(self, *failure):
        self.process.stdin.close()
        status = self.process.wait(60)
        self.process.stdout.close()
        self.proxy.__exit__()
        same(self.wrong, [], "requests that no service takes")
        need(failure[0] or status == 0, f"the tool ended with {status}")

    def __getattr__(self, name):
        """cloud.create_vpc(range="10.0.0.0/16") → what the tool says, or its one value"""

        def call(**arguments):
            self.process.stdin.write(json.dumps({"do": name, **arguments}) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
            need("error" not in answer or not answer["error"].startswith("there is no such function"), name)
            return next(iter(answer.values())) if len(answer) == 1 else answer

        return call

    def sent(self, action):
        """The parameters of each request for it."""
        return [parameters for _, found, parameters in self.requests if found == action]


def new_run():
    """Tags of a run of the test's own."""
    global number
    number += 1
    return {"edcc:run": f"run-{number}", "edcc:project": "demo", "edcc:owner": "me@here 1 2", "edcc:expires": "1790000000", "Name": "edcc demo"}


def network(cloud, tags):
    """(vpc, subnet, group)"""
    vpc = cloud.create_vpc(range="10.0.0.0/16", tags=tags)
    subnet = cloud.create_subnet(vpc=vpc, range="10.0.0.0/24", zone="eu-west-1a", tags=tags)
    return vpc, subnet, cloud.create_group(vpc=vpc, name="edcc", text="a fleet", tags=tags)


def launch(tags, subnet, group, **more):
    return {"image": "ami-12c6146b", "type": "c7i.large", "subnet": subnet, "group": group, "token": tags["edcc:run"], "tags": tags, **more}


def machines(cloud, tags, **more):
    _, subnet, group = network(cloud, tags)
    return cloud.run_instances(**launch(tags, subnet, group, **more))


def ids(instances):
    return [instance["id"] for instance in instances]


def tags_of(resource):
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", [])}
