"""Where each service is, in every region that botocore knows, against what botocore makes of it; and what the environment and the profile change."""

import os

import lab

SERVICES = {"ec2": "ec2", "s3": "s3", "sns": "sns", "sts": "sts", "ssm": "ssm", "iam": "iam", "pricing": "pricing",
            "servicequotas": "service-quotas"}


def against_botocore():
    try:
        import botocore.session
    except ImportError:
        lab.skip("endpoints", "python3-botocore is not installed")
        return
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_STS_REGIONAL_ENDPOINTS"] = os.environ["AWS_S3_US_EAST_1_REGIONAL_ENDPOINT"] = "regional"
    session = botocore.session.Session()
    with lab.Tool() as tool:
        for partition in session.get_available_partitions():
            regions = session.get_available_regions("ec2", partition)
            for region in regions:
                for ours, theirs in SERVICES.items():
                    if ours == "pricing" and region not in ("us-east-1", "eu-central-1", "ap-south-1", "cn-northwest-1"):
                        continue  # we go to the nearest that there is; botocore names hosts that do not exist
                    client = session.create_client(theirs, region_name=region, aws_access_key_id="a", aws_secret_access_key="b")
                    answer = tool("endpoint", service=ours, region=region)
                    signer = client._request_signer
                    lab.equal(f"{ours} in {region}", (answer["url"], answer["region"]),
                              (client.meta.endpoint_url, signer._region_name if ours != "iam" else iam_region(client)))


def iam_region(client):
    """The region that botocore signs IAM's requests for."""
    rules = client._ruleset_resolver.construct_endpoint(client.meta.service_model.operation_model("ListUsers"), {}, {})
    schemes = rules.properties.get("authSchemes") or [{}]
    return schemes[0].get("signingRegion", client.meta.region_name)


def what_changes_them():
    path = os.path.join(lab.folder, "endpoints")
    with open(path, "w") as file:
        file.write("[default]\nregion = us-west-2\nservices = mine\nendpoint_url = http://profile/\n"
                   "[services mine]\nec2 =\n  endpoint_url = http://ec2-of-section\nservice_quotas =\n  endpoint_url = http://quotas\n")
    base = {"AWS_CONFIG_FILE": path}
    for name, more, service, what, expected in [
        ("the profile's region and endpoint", {}, "sns", {}, ("http://profile", "us-west-2")),
        ("the services section comes before endpoint_url", {}, "ec2", {}, ("http://ec2-of-section", "us-west-2")),
        ("a service with another name in files", {}, "servicequotas", {}, ("http://quotas", "us-west-2")),
        ("AWS_ENDPOINT_URL comes before the profile", {"AWS_ENDPOINT_URL": "http://all"}, "ec2", {}, ("http://all", "us-west-2")),
        ("AWS_ENDPOINT_URL_EC2 comes before AWS_ENDPOINT_URL", {"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_EC2": "http://one"},
         "ec2", {}, ("http://one", "us-west-2")),
        ("of another service it changes nothing", {"AWS_ENDPOINT_URL_SQS": "http://one"}, "sns", {}, ("http://profile", "us-west-2")),
        ("what was given comes first", {"AWS_ENDPOINT_URL_EC2": "http://one"}, "ec2", {"given": "http://given/"},
         ("http://given", "us-west-2")),
        ("all of them can be ignored", {"AWS_ENDPOINT_URL": "http://all", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "ec2", {},
         ("https://ec2.us-west-2.amazonaws.com", "us-west-2")),
        ("AWS_DEFAULT_REGION comes before the profile", {"AWS_DEFAULT_REGION": "eu-west-3"}, "ec2", {},
         ("http://ec2-of-section", "eu-west-3")),
        ("AWS_REGION comes before AWS_DEFAULT_REGION", {"AWS_DEFAULT_REGION": "eu-west-3", "AWS_REGION": "eu-west-1"}, "ec2", {},
         ("http://ec2-of-section", "eu-west-1")),
        ("a region given comes before AWS_REGION", {"AWS_REGION": "eu-west-1"}, "ec2", {"region": "ap-east-1"},
         ("http://ec2-of-section", "ap-east-1")),
    ]:
        answer = lab.ask("endpoint", env={**base, **more}, service=service, **what)
        lab.equal(name, (answer["url"], answer["region"]), expected)
    answer = lab.ask("query", env={**lab.KEYS, "AWS_REGION": None}, service="ec2", action="X", version="1")
    lab.equal("no region", answer["error"].replace(lab.folder, "HOME"),
              "You must specify a region: in the Edccfile (provider aws: region = …), in AWS_REGION, or for profile default in HOME/.aws/config")


def buckets():
    """Where an object is, as a presigned URL shows it."""
    for name, bucket, more, expected in [
        ("a bucket's name becomes a host's", "my-bucket", {}, "https://my-bucket.s3.eu-west-1.amazonaws.com/a/b%20c"),
        ("one with a dot is in the path", "my.bucket", {}, "https://s3.eu-west-1.amazonaws.com/my.bucket/a/b%20c"),
        ("one with a capital too", "MyBucket", {}, "https://s3.eu-west-1.amazonaws.com/MyBucket/a/b%20c"),
        ("one with a hyphen at its end too", "bucket-", {}, "https://s3.eu-west-1.amazonaws.com/bucket-/a/b%20c"),
        ("in China", "my-bucket", {"AWS_REGION": "cn-north-1"}, "https://my-bucket.s3.cn-north-1.amazonaws.com.cn/a/b%20c"),
        ("at an endpoint of one's own", "my-bucket", {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000"},
         "http://127.0.0.1:9000/my-bucket/a/b%20c"),
        ("which has a path", "my-bucket", {"AWS_ENDPOINT_URL_S3": "http://minio:9000/x/"}, "http://minio:9000/x/my-bucket/a/b%20c"),
    ]:
        answer = lab.ask("presign", env={**lab.KEYS, **more}, method="GET", bucket=bucket, key="a/b c", seconds=60)
        lab.equal(name, answer["url"].split("?")[0], expected)


against_botocore()
what_changes_them()
buckets()
lab.finish()
