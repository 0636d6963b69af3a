"""Calls to moto, whose server checks each signature with botocore once it is told to."""

import base64
import shutil
import urllib.request

import lab

if not shutil.which("moto_server"):
    lab.skip("moto", "moto_server is not installed")
    lab.finish()

POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
IAM = {"service": "iam", "version": "2010-05-08"}
STS = {"service": "sts", "version": "2011-06-15"}
SNS = {"service": "sns", "version": "2010-03-31"}


def key_of(tool, user):
    """A user that may do everything, and its key."""
    tool.query("CreateUser", parameters={"UserName": user}, **IAM)
    tool.query("PutUserPolicy", parameters={"UserName": user, "PolicyName": "all", "PolicyDocument": POLICY}, **IAM)
    answer = tool.query("CreateAccessKey", parameters={"UserName": user}, **IAM)["answer"]
    at = "CreateAccessKeyResult/AccessKey/"
    return {"AWS_ACCESS_KEY_ID": lab.find(answer, at + "AccessKeyId"), "AWS_SECRET_ACCESS_KEY": lab.find(answer, at + "SecretAccessKey")}


def calls(tool):
    """Every protocol and service that edcc speaks, each signature checked."""
    answer = tool.query("CreateVpc", parameters={"CidrBlock": "10.0.0.0/16"}, once=True)
    vpc = lab.find(answer.get("answer", {"in": []}), "vpc/vpcId")
    lab.check("ec2", vpc and vpc.startswith("vpc-"), answer)
    answer = tool.query("CreateTags", parameters={"ResourceId.1": vpc, "Tag.1.Key": "a b+c/d~é", "Tag.1.Value": "=&% \n\"<>'"})
    lab.check("ec2: every kind of character", "answer" in answer, answer)
    answer = tool.query("DescribeVpcs", parameters={"Filter.1.Name": "vpc-id", "Filter.1.Value.1": vpc})
    tags = next(item for item in answer["answer"]["in"] if item["name"] == "vpcSet")
    lab.check("and they come back", '"a b+c/d~é"' in str(tags).replace("'", '"') and "=&% " in str(tags), tags)
    answer = tool.query("GetCallerIdentity", **STS)
    lab.check("sts", ":user/edcc" in str(answer.get("answer")), answer)
    answer = tool.query("CreateTopic", parameters={"Name": "done"}, **SNS)
    lab.check("sns", "arn:aws:sns:eu-west-1" in str(answer.get("answer")), answer)
    answer = tool("json", service="ssm", target="AmazonSSM.GetParametersByPath",
                  body='{"Path":"/aws/service/ami-amazon-linux-latest"}')
    lab.check("ssm", answer["answered"], answer)
    answer = tool.query("DeleteVpc", parameters={"VpcId": "vpc-00000000"})
    lab.check("an error", answer["code"] == "InvalidVpcID.NotFound" and not answer["maybe_done"] and answer["tries"] == 1, answer)


REGION = ('<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>eu-west-1'
          "</LocationConstraint></CreateBucketConfiguration>")


def presigned(tool, endpoint):
    """moto refuses a request without an Authorization header once it checks signatures; that of the URL it never looks at."""
    tool("s3", method="PUT", action="CreateBucket", bucket="open-bucket", body=REGION)
    tool("s3", method="PUT", action="PutObject", bucket="open-bucket", key="a b/c", body="hello")
    url = tool("presign", method="GET", bucket="open-bucket", key="a b/c", seconds=60)["url"]
    lab.check("s3: a presigned URL", url.startswith(endpoint + "/open-bucket/a%20b/c?X-Amz-Algorithm=AWS4-HMAC-SHA256&"), url)
    with urllib.request.urlopen(url) as answer:
        lab.equal("s3: leads there", answer.read(), b"hello")


def objects(tool):
    def s3(method, action, bucket="the-bucket", **more):
        return tool("s3", method=method, action=action, bucket=bucket, **more)

    lab.equal("s3: a bucket", s3("PUT", "CreateBucket", body=REGION).get("status"), 200)
    digest = base64.b64encode(bytes.fromhex("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")).decode()
    put = s3("PUT", "PutObject", key="a/b-c_d.e~f", body="hello", headers=[["x-amz-checksum-sha256", digest], ["x-amz-meta-x", "  y   z "]])
    lab.equal("s3: an object", put.get("status"), 200)
    lab.equal("s3: and back", s3("GET", "GetObject", key="a/b-c_d.e~f").get("body"), "hello")
    head = s3("HEAD", "HeadObject", key="a/b-c_d.e~f")
    lab.equal("s3: its length", head["headers"].get("content-length"), "5")
    listed = s3("GET", "ListObjectsV2", query="list-type=2&prefix=a&max-keys=10")
    lab.check("s3: a list", "<Key>a/b-c_d.e~f</Key>" in listed.get("body", ""), listed)
    again = s3("PUT", "PutObject", key="a/b-c_d.e~f", body="other", headers=[["if-none-match", "*"]])
    lab.equal("s3: not over another", again.get("code"), "PreconditionFailed")
    lab.equal("s3: one that is not there", s3("GET", "GetObject", key="no").get("code"), "NoSuchKey")
    begun = s3("POST", "CreateMultipartUpload", key="parts", query="uploads")
    lab.check("s3: parts", "<UploadId>" in begun.get("body", ""), begun)


with lab.Moto() as moto:
    env = {**lab.KEYS, "AWS_ENDPOINT_URL": moto.url}
    with lab.Tool(**env) as tool:
        presigned(tool, moto.url)
        keys = key_of(tool, "edcc")
    moto.post("/moto-api/reset-auth", b"0")
    with lab.Tool(**{**env, **keys}) as tool:
        calls(tool)
        objects(tool)
    with lab.Tool(**{**env, **keys, "AWS_SECRET_ACCESS_KEY": "wrong"}) as tool:
        for service, answer in [("ec2", tool.query("DescribeVpcs")), ("sts", tool.query("GetCallerIdentity", **STS)),
                                ("s3", tool("s3", method="GET", action="ListObjectsV2", bucket="the-bucket"))]:
            lab.check(f"a wrong secret is refused by {service}, once",
                      answer.get("code") in ("AuthFailure", "SignatureDoesNotMatch") and answer["tries"] == 1, answer)
            lab.check("and is not told", "wrong" not in answer["error"] and "maybe" not in answer["error"], answer)
lab.finish()
