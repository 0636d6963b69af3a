#!/usr/bin/env python3
"""Artifacts to s3:// and notifications by sns, with the real edcc: what is stored is read back with boto3, what is sent comes out of a queue."""

import hashlib
import json
import os
import random
import re
import signal
import subprocess
import threading
import time

from cloud import KEY, MOTO, PLAIN, REGION, SECRET, Project, Proxy, aws, environments, lab, main, most_memory, need, run, same, test, wait_for

MIB = 1 << 20
MADE = b"made\n"
PARTS = re.compile(r"[?&]partNumber=(\d+)")
number = 0


def new_bucket():
    """A bucket of the test's own."""
    global number
    number += 1
    name = f"bucket-{number}"
    MOTO.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name


def objects(bucket):
    """key → digest"""
    s3 = MOTO.client("s3")
    return {o["Key"]: digest(s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read()) for o in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def digest(content):
    return hashlib.sha256(content).hexdigest()


def uploads(bucket):
    return [u["Key"] for u in MOTO.client("s3").list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


def noise(size):
    return random.Random(size).randbytes(size)


def project(name, artifacts, recipe="true", files=None, rest=""):
    made = Project(name, edccfile=f"project = demo\n\nbuild one:\n    {recipe}\n\nartifacts:\n    {artifacts}\n{rest}")
    for path, content in (files or {}).items():
        os.makedirs(os.path.dirname(made.path(path)), exist_ok=True)
        with open(made.path(path), "wb") as file:
            file.write(content)
    return made


def normal(text):
    """The text without what differs from run to run."""
    text = re.sub(r"\d{8}-\d{6}-[0-9a-f]{6}", "RUN", text)
    text = re.sub(r"request [A-Za-z0-9-]+", "request ID", text)
    return re.sub(r"\d+ ms\b|\d+\.\d s\b", "TIME", text)


def said(result, *lines):
    """The whole of what edcc printed."""
    same(normal(result.output + result.errors).splitlines(), list(lines), "output")


# --- files ---

@test
def up_and_down():
    """Names of all kinds, at the key that one would guess; every byte as it was."""
    bucket = new_bucket()
    names = ["plain", "a b", "a+b", "ü/日本", "100%", "q?x=1&y", "h#1", "tilde~", "quote'\"", "x<y>", "star*", "x../dots..", "e=mc2", "at@", "semi;colon,"]
    files = {f"out/{name}": f"this is {name}".encode() for name in names}
    files["out/empty"] = b""
    files["out/binary"] = noise(300000)
    made = project("up-and-down", f"out/** -> s3://{bucket}/kept/", files=files)
    result = made.apply(env=aws())
    same(objects(bucket), {"kept/" + path.removeprefix("out/"): digest(content) for path, content in files.items()}, "objects")
    digests = {f"s3://{bucket}/kept/" + path.removeprefix("out/"): digest(content) for path, content in files.items()}
    same({e["path"]: e["sha256"] for e in result.all("artifact")}, digests, "artifacts told")
    head = MOTO.client("s3").head_object(Bucket=bucket, Key="kept/binary")
    same(head["Metadata"], {"sha256": digests[f"s3://{bucket}/kept/binary"]}, "metadata")
    same({line["path"]: line["sha256"] for line in made.journal() if line["record"] == "artifact"}, digests, "the journal")


@test
def names_of_keys():
    """A folder, a new name, the bucket itself, and what the file says about the commit and the bucket."""
    bucket = new_bucket()
    rest = "\nbucket ?= none\n"
    made = project("names", "\n    ".join(["prog -> s3://$(bucket)/zstd/$(COMMIT)/", "prog -> s3://$(bucket)/renamed", "prog -> s3://$(bucket)", "prog -> here/",
                                           "no*  -> s3://$(bucket)/ when build_failed"]), files={"prog": b"program"}, rest=rest)
    run("sh", "-c", "git init -q . && git add prog && git -c user.name=n -c user.email=a@b commit -qm one", cwd=made.dir)
    commit = run("git", "rev-parse", "HEAD", cwd=made.dir).strip()
    made.apply(f"bucket={bucket}", env=aws())
    same(objects(bucket), dict.fromkeys([f"zstd/{commit}/prog", "renamed", "prog"], digest(b"program")), "objects")
    same(made.read("here/prog"), "program")


@test
def parts():
    """70 MB go up in parts, several at once, in constant memory."""
    bucket, content = new_bucket(), noise(70_000_000)
    made = project("parts", f"big -> s3://{bucket}/", files={"big": content})
    with Proxy() as proxy:
        result = made.apply(env=aws(proxy.url))
    need(objects(bucket)["big"] == digest(content), "what came down differs")
    same(uploads(bucket), [], "uploads that are left")
    head = MOTO.client("s3").head_object(Bucket=bucket, Key="big")
    need(head["ETag"].endswith('-9"') and head["Metadata"]["sha256"] == digest(content), head)
    need(proxy.most > 1, "one part after the other")
    progress = result.all("progress")
    need(all(e["total"] == 70_000_000 and 0 < e["bytes"] <= e["total"] and e["path"] == f"s3://{bucket}/big" for e in progress), progress)
    process = subprocess.Popen([PLAIN, "apply"], cwd=made.dir, env={**os.environ, **aws()}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = most_memory(process)
    need(process.returncode == 0 and 0 < most < 64, f"it had {most} MiB, and ended with {process.returncode}")


@test
def part_that_is_refused():
    """The build has failed, and nothing is left of the upload."""
    bucket = new_bucket()
    made = project("refused", f"big -> s3://{bucket}/", files={"big": noise(64 * MIB)})
    refusal = b"<Error><Code>AccessDenied</Code><Message>Not today</Message><RequestId>abc</RequestId></Error>"

    def touch(method, path, body):
        match = PARTS.search(path)
        return (403, refusal) if match and match.group(1) == "5" else None

    with Proxy(touch) as proxy:
        result = made.edcc("apply", status=2, env=aws(proxy.url))
    said(result, "edcc: run RUN of demo", "edcc: step one", "edcc: step one: build_success (TIME)",
         "edcc: error: artifact 1: cannot store 'big': s3 UploadPart: AccessDenied: Not today (request ID)",
         f"edcc: hint: the credentials from environment are not allowed to do that with '{bucket}'",
         "edcc: teardown: 1 to remove",
         "edcc: build_failed: artifact 1: cannot store 'big': s3 UploadPart: AccessDenied: Not today (request ID) (TIME)")
    same((uploads(bucket), objects(bucket)), ([], {}), "what is left")
    made.nothing_left()


@test
def parts_that_need_another_try():
    bucket, content, tried = new_bucket(), noise(64 * MIB), set()
    made = project("another-try", f"big -> s3://{bucket}/", files={"big": content})

    def touch(method, path, body):
        match = PARTS.search(path)
        if match and match.group(1) in "27" and match.group(1) not in tried:
            tried.add(match.group(1))
            return 503, b"<Error><Code>SlowDown</Code></Error>"
        return None

    with Proxy(touch) as proxy:
        made.apply(env=aws(proxy.url))
    need(objects(bucket)["big"] == digest(content) and tried == {"2", "7"}, tried)


@test
def bytes_that_change_on_the_way():
    """moto takes them, as it holds no checksum against what came; edcc looks at what is stored."""
    bucket = new_bucket()
    made = project("changed", f"file -> s3://{bucket}/", files={"file": noise(64 * MIB)})

    def touch(method, path, body):
        return bytes([body[0] ^ 1]) + body[1:] if "partNumber=3&" in path else None

    with Proxy(touch) as proxy:
        result = made.edcc("apply", status=2, env=aws(proxy.url))
    need(re.search(r"error: artifact 1: cannot store 'file': s3 PutObject: what is stored has the checksum \S+, and the file \S+-8\n", result.output), result)


@test
def file_that_shrinks():
    """It is never taken for whole."""
    bucket = new_bucket()
    made = project("shrinks", f"file -> s3://{bucket}/", files={"file": noise(64 * MIB)})

    def touch(method, path, body):
        if "uploads=" in path:
            os.truncate(made.path("file"), 1000)

    with Proxy(touch) as proxy:
        result = made.edcc("apply", status=2, env=aws(proxy.url))
    need("cannot store 'file': s3 UploadPart: what was to be sent could not be read" in result.output, result)
    same((uploads(bucket), objects(bucket)), ([], {}), "what is left")


# --- what is refused ---

@test
def bucket_missing():
    """Before anything is built."""
    made = project("missing", "made -> s3://no-such-bucket/x/", recipe="touch made")
    MOTO.start()
    result = made.edcc("apply", status=4, env=aws())
    wrong = "s3 no-such-bucket: Edccfile:7:5: s3 ListObjectsV2: NoSuchBucket: The specified bucket does not exist (request ID)"
    said(result, "edcc: run RUN of demo", f"edcc: error: {wrong}",
         "edcc: hint: make it (aws s3 mb s3://no-such-bucket --region eu-west-1), or name another",
         "edcc: step one skipped: it needs 's3 no-such-bucket', which failed", f"edcc: build_failed: {wrong} (TIME)")
    need(not made.exists("made"), "it was built")


@test
def bucket_that_goes_away():
    bucket = new_bucket()
    made = project("goes-away", f"made -> s3://{bucket}/x/", recipe="touch made; curl -sX DELETE \"$AWS_ENDPOINT_URL/$EDCC_BUCKET\"")
    result = made.edcc("apply", status=2, env=aws())
    wrong = "artifact 1: cannot store 'made': s3 PutObject: NoSuchBucket: The specified bucket does not exist (request ID)"
    said(result, "edcc: run RUN of demo", "edcc: step one", "edcc: step one: build_success (TIME)", f"edcc: error: {wrong}",
         f"edcc: hint: make it (aws s3 mb s3://{bucket} --region eu-west-1), or name another", f"edcc: build_failed: {wrong} (TIME)")


@test
def no_credentials():
    made = project("no-credentials", "made -> s3://bucket/", recipe="touch made")
    result = made.edcc("apply", status=4, env=aws(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY=""))
    lines = normal(result.output).splitlines()
    same(lines[:3], ["edcc: run RUN of demo", "edcc: error: s3 bucket: Edccfile:7:5: Unable to locate credentials",
                     "edcc: hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or run 'aws configure'"], "the error")
    need("  environment: AWS_ACCESS_KEY_ID is not set" in lines and "  instance metadata: AWS_EC2_METADATA_DISABLED is true" in lines, result)
    same(lines[-2:], ["edcc: step one skipped: it needs 's3 bucket', which failed",
                      "edcc: build_failed: s3 bucket: Edccfile:7:5: Unable to locate credentials (TIME)"], "the end")
    need(not made.exists("made"), "it was built")


@test
def no_region():
    made = project("no-region", "made -> s3://bucket/", recipe="touch made")
    environment = aws(AWS_REGION="")
    result = made.edcc("plan", env=environment)
    need("    s3 bucket  looked at first\n" in result.output, result)
    result = made.edcc("apply", status=4, env=environment)
    need("edcc: error: s3 bucket: Edccfile:7:5: You must specify a region" in result.output and not made.exists("made"), result)


@test
def wrong_credentials():
    """moto computes every signature anew: the right ones pass, others are refused with the service's own word."""
    bucket, iam = new_bucket(), MOTO.client("iam")
    iam.create_user(UserName="builder")
    key = iam.create_access_key(UserName="builder")["AccessKey"]
    iam.put_user_policy(UserName="builder", PolicyName="all", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}))
    right = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    made = project("wrong", f"made -> s3://{bucket}/", recipe="echo made >made")
    with MOTO.checks_signatures():
        made.apply(env=aws(**right))
        for code, wrong in (("InvalidAccessKeyId", {}), ("SignatureDoesNotMatch", {**right, "AWS_SECRET_ACCESS_KEY": "x" * 40})):
            result = made.edcc("apply", status=4, env=aws(**wrong))
            need(f"edcc: error: s3 {bucket}: Edccfile:7:5: s3 ListObjectsV2: {code}: " in result.output, result)
            need("\nedcc: hint: AWS does not take the credentials from environment\n" in result.output, result)
            need(wrong.get("AWS_SECRET_ACCESS_KEY", SECRET) not in result.output, "the secret is shown")
    same(objects(bucket), {"made": digest(MADE)}, "objects")


@test
def may_store_but_not_look():
    """Who may not list the bucket may still put into it: a warning, not an error."""
    bucket, iam = new_bucket(), MOTO.client("iam")
    iam.create_user(UserName="putter")
    key = iam.create_access_key(UserName="putter")["AccessKey"]
    iam.put_user_policy(UserName="putter", PolicyName="put", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": f"arn:aws:s3:::{bucket}/*"}}))
    made = project("may-store", f"made -> s3://{bucket}/", recipe="echo made >made")
    with MOTO.checks_signatures():
        result = made.edcc("apply", env=aws(AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"]))
    need("edcc: warning: s3 ListObjectsV2: AccessDenied" in result.output, result)
    same(objects(bucket), {"made": digest(MADE)}, "objects")


# --- ends ---

def slow_parts(method, path, body):
    if PARTS.search(path) and PARTS.search(path).group(1) != "1":
        time.sleep(60)


@test
def interrupted():
    """At once, and nothing of the upload is left."""
    bucket = new_bucket()
    made = project("interrupted", f"big -> s3://{bucket}/", files={"big": noise(64 * MIB)})
    with Proxy(slow_parts) as proxy:
        process = made.start("apply", env=aws(proxy.url))
        wait_for(lambda: uploads(bucket))
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        result = made.finish(process, 130)
        took = time.monotonic() - began
    need(took < 20, f"it took {took} s", result)
    need("edcc: interrupted, and torn down" in result.output, result)
    same((uploads(bucket), objects(bucket)), ([], {}), "what is left")
    made.nothing_left()


@test
def killed():
    """The next one drops what was begun, by the journal."""
    bucket = new_bucket()
    made = project("killed", f"big -> s3://{bucket}/", files={"big": noise(64 * MIB)})
    with Proxy(slow_parts) as proxy:
        process = made.start("apply", env=aws(proxy.url))
        wait_for(lambda: uploads(bucket))
        wait_for(lambda: [line for line in made.journal() if line["record"] == "intent"])
        process.kill()
        process.communicate()
    same(uploads(bucket), ["big"], "what the killed one left")
    made.edcc("destroy", env=aws())
    same(uploads(bucket), [], "what is left")
    made.nothing_left()


# --- messages ---

def queue(topic):
    """A queue that hears what the topic is told."""
    sns, sqs = MOTO.client("sns"), MOTO.client("sqs")
    arn = sns.create_topic(Name=topic)["TopicArn"]
    url = sqs.create_queue(QueueName=topic)["QueueUrl"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])
    return arn, lambda: [json.loads(m["Body"]) for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]


@test
def notified():
    """One message a verdict, with what there is to know."""
    bucket, (arn, received) = new_bucket(), queue("builds")
    rest = "\non build_success:\n    notify = sns:builds\n    email = a@example.org\n\non build_failed:\n    notify = sns:builds\n    email = a@example.org b@example.org\n"
    made = project("notified", f"made -> s3://{bucket}/out/", recipe="echo made >made; test ! -e wrong", rest=rest)
    result = made.edcc("apply", env=aws())
    need("edcc: sns:builds is notified\n" in result.output, result)
    message, = received()
    same((message["TopicArn"], message["Subject"]), (arn, "demo: build_success"), "success")
    same(normal(message["Message"]), "demo: build_success\n\nproject: demo\nrun: RUN\ntime: TIME\n\nsteps:\n  one: build_success (TIME)\n\nartifacts:\n"
         f"  s3://{bucket}/out/made, 5 bytes, sha256 {digest(MADE)}\n\nreport: s3://{bucket}/out/edcc-RUN.txt\n", "success")
    report, = [o["Key"] for o in MOTO.client("s3").list_objects_v2(Bucket=bucket)["Contents"] if o["Key"].startswith("out/edcc-")]
    stored = MOTO.client("s3").get_object(Bucket=bucket, Key=report)["Body"].read().decode()
    need(message["Message"].startswith(stored), "the report is what the message says", stored)
    made.write("wrong", "")
    made.edcc("apply", status=2, env=aws())
    message, = received()
    reason = "step one: build_failed: the script ended with status 1"
    need(message["Subject"].startswith("demo: build_failed: step one"), message)
    need("\nsteps:\n  one: build_failed, " in message["Message"] and "artifacts:" not in message["Message"], message, reason)
    subscribers = [s["Endpoint"] for s in MOTO.client("sns").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] if s["Protocol"] == "email"]
    same(sorted(subscribers), ["a@example.org", "b@example.org"], "subscribers")


@test
def topics():
    """One that is not there is made; an ARN is used as it is."""
    sns = MOTO.client("sns")
    arn, received = queue("given")
    made = Project("topics", edccfile=f"build one:\n    true\n\non build_success:\n    notify = sns:fresh sns:{arn}\n")
    made.edcc("apply", env=aws())
    need(any(t["TopicArn"].endswith(":fresh") for t in sns.list_topics()["Topics"]), sns.list_topics())
    same(len(received()), 1, "messages to the ARN")


@test
def nobody_there_to_notify():
    """Never a failure."""
    made = Project("nobody", edccfile="build one:\n    true\n\non build_success:\n    notify = sns:builds\n")
    result = made.edcc("apply", env=aws(AWS_ENDPOINT_URL_SNS="http://127.0.0.1:1", AWS_MAX_ATTEMPTS="1"))
    need("edcc: warning: 'sns:builds' was not notified: sns CreateTopic: " in result.output, result)
    need("edcc: build_success" in result.output, result)


# --- what recipes and people see ---

@test
def variables():
    made = project("variables", "nothing -> s3://the-bucket/x/ when build_failed", recipe='echo "$EDCC_BUCKET $EDCC_TOPIC $EDCC_REGION"; exit 1',
                   rest="\non build_failed:\n    notify = sns:the-topic\n")
    MOTO.client("s3").create_bucket(Bucket="the-bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    result = made.edcc("apply", "--json", status=2, env=aws())
    same(result.said("one"), f"the-bucket the-topic {REGION}\n", "the recipe")


@test
def plan_asks_nobody():
    """It says where things go, without the network and without credentials."""
    made = project("plan", "a -> s3://some-bucket/x/", rest="\non build_failed:\n    notify = sns:some-topic\n    email = a@example.org\n")
    environment = aws("http://127.0.0.1:1", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    result = made.edcc("plan", env=environment)
    for line in ("    s3 some-bucket   in eu-west-1, looked at first\n", "    sns some-topic   in eu-west-1, made where it is not there; tells a@example.org\n",
                 "    a                -> s3://some-bucket/x/\n"):
        need(line in result.output, result)
    made.edcc("plan", "-o", "saved", env=environment)
    result = made.edcc("apply", "saved", status=1, env={**environment, "AWS_REGION": "us-west-2"})
    need("region" in result.errors, "another region is another plan", result)


@test
def no_secret_anywhere():
    """Not in the plan, the journal, the logs, what is printed, nor in any process' arguments."""
    bucket = new_bucket()
    made = project("no-secret", f"big -> s3://{bucket}/", files={"big": noise(64 * MIB)}, rest="\non build_success:\n    notify = sns:quiet\n")
    texts, ended = [made.edcc("plan", "--json", env=aws()).output], threading.Event()

    def look():
        while not ended.is_set():
            texts.append(subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        texts += [str(made.edcc("apply", "--verbose", env=aws())), str(made.edcc("apply", "--json", env=aws()))]
    finally:
        ended.set()
        watcher.join()
    for folder, _, names in os.walk(made.path(".edcc")):
        for name in names:
            with open(os.path.join(folder, name), errors="replace") as file:
                texts.append(file.read())
    need(len(texts) > 5, "too little was looked at")
    need(not any(KEY in text or SECRET in text for text in texts), "a key is shown")


# --- the library by itself ---

STORE = os.path.join(os.path.dirname(lab.EDCC), "test", "cloud", "tool")


def store(*words, status=0, env=None):
    return run(STORE, *words, env={**os.environ, **aws(), **(env or {})}, status=status)


@test
def objects_of_a_bucket():
    """Listing over pages, getting whole or not at all, putting on a condition, deleting."""
    s3 = MOTO.client("s3")
    need(os.path.exists(STORE), f"there is no {STORE}: `make SAN=1 unit` makes it")
    store("ensure", "s3://made-here", status=1)
    store("ensure", "s3://made-here", "create")
    same(s3.get_bucket_location(Bucket="made-here")["LocationConstraint"], REGION, "its region")
    same(len(s3.get_bucket_acl(Bucket="made-here")["Grants"]), 1, "only the owner has it")
    keys = [f"many/{i:04} +ü" for i in range(1050)]
    for key in keys:
        s3.put_object(Bucket="made-here", Key=key, Body=b"x")
    s3.put_object(Bucket="made-here", Key="other", Body=b"x")
    same(store("list", "s3://made-here/many/").splitlines(), [*keys, "1050  "], "the list")
    need("PreconditionFailed" in store("put", "s3://made-here/other", "y", "new", status=1), "it was put over another")
    store("put", "s3://made-here/lock", "mine", "new")
    etag = s3.head_object(Bucket="made-here", Key="lock")["ETag"]
    need("PreconditionFailed" in store("put", "s3://made-here/lock", "theirs", '"x"', status=1), "it was put over another")
    store("put", "s3://made-here/lock", "again", etag)
    need(store("get", "s3://made-here/lock").startswith("again\n"), "what was got")
    folder = os.path.join(lab.LAB, "got")
    os.mkdir(folder)
    s3.put_object(Bucket="made-here", Key="bad", Body=b"x", Metadata={"sha256": "0" * 64})
    need("what came has the checksum" in store("get", "s3://made-here/bad", folder + "/bad", status=1), "a damaged one was taken")
    store("get", "s3://made-here/none", folder + "/none", status=1)
    store("get", "s3://made-here/lock", folder + "/lock")
    same(os.listdir(folder), ["lock"], "files")
    s3.put_object(Bucket="made-here", Key="large", Body=b"x" * 2000)
    need("larger than was allowed" in store("get", "s3://made-here/large", status=1), "too large was taken")
    store("delete", "s3://made-here/lock")
    store("delete", "s3://made-here/lock")
    store("head", "s3://made-here/lock", status=1)


if __name__ == "__main__":
    main("cloud")
