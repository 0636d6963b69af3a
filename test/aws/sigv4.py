"""Random requests, the same each time, signed by botocore and by edcc: all stages must be equal."""

import datetime
import hashlib
import random
from urllib.parse import quote, urlsplit

import lab

try:
    import botocore.auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError:
    lab.skip("sigv4", "python3-botocore is not installed")
    lab.finish()

ROUNDS = 500
random.seed(20150830)
EVERY = "".join(map(chr, range(1, 256))) + "€ሴ漢🙂"
PLAIN = "abcxyzABCXYZ019-._~"


def some_text(most):
    return "".join(random.choice(EVERY) for _ in range(random.randint(0, most)))


def word(least=1, most=12):
    return "".join(random.choice(PLAIN) for _ in range(random.randint(least, most)))


def some_path(s3):
    segments = [random.choice([word(), "", ".", "..", some_text(6)]) for _ in range(random.randint(0, 4))]
    path = "/" + "/".join(quote(segment, safe="-._~") for segment in segments)
    # urlsplit would take "//x" for a host.
    return path.replace("//", "/") if s3 or path.startswith("//") else path


def some_query(unique):
    pieces, names = [], set()
    for _ in range(random.choice([0, 0, 1, 3, 8])):
        name = quote(random.choice([word(1, 3), some_text(4) or "x"]), safe="-._~")
        if unique and name in names:
            continue
        names.add(name)
        pieces.append(random.choice([name, name + "=", name + "=" + quote(some_text(6), safe="-._~")]))
    return "&".join(pieces)


def some_headers():
    headers = []
    for _ in range(random.randint(0, 4)):
        name = random.choice(["X-Amz-Meta-" + word(), "Content-Type", "x-amz-target", "My-" + word(), "If-None-Match"])
        value = random.choice([word(), "  a  b\t c ", "", '"quoted   text"', "a, b", "=?;:/@&"])
        headers.append([name, value])
    if headers and random.random() < 0.3:
        headers.append([headers[0][0].swapcase(), word()])
    return headers


def compare(tool, number):
    s3 = random.random() < 0.5
    service = "s3" if s3 else random.choice(["ec2", "sts", "iam", "service"])
    region = random.choice(["us-east-1", "eu-central-1", "cn-north-1"])
    when = datetime.datetime(2000 + random.randint(0, 60), random.randint(1, 12), random.randint(1, 28), random.randint(0, 23),
                             random.randint(0, 59), random.randint(0, 59), tzinfo=datetime.timezone.utc)
    host = random.choice(["example.com", "127.0.0.1:5000", "bucket.s3.amazonaws.com"])
    method = random.choice(["GET", "PUT", "POST", "HEAD", "DELETE"])
    keys = Credentials("AKID" + word(), word(1, 80), random.choice([None, word() + "/+="]))
    presign = random.randint(1, 604800) if random.random() < 0.3 else 0
    unsigned = s3 and presign
    body = b"" if presign else some_text(20).encode()  # botocore would take it for parameters
    headers = [] if presign else some_headers()
    url = f"https://{host}{some_path(s3)}"
    query = some_query(presign > 0)  # of one name twice, botocore presigns the first
    request = AWSRequest(method, url + ("?" + query if query else ""), data=body)
    for name, value in headers:
        request.headers.add_header(name, value)
    stamp = when.strftime("%Y%m%dT%H%M%SZ")
    request.context.update(timestamp=stamp, payload_signing_enabled=True)
    names = {(False, False): "SigV4Auth", (False, True): "SigV4QueryAuth", (True, False): "S3SigV4Auth", (True, True): "S3SigV4QueryAuth"}
    kind = getattr(botocore.auth, names[(s3, presign > 0)])
    auth = kind(keys, service, region, expires=presign) if presign else kind(keys, service, region)
    auth._modify_request_before_signing(request)
    ours = tool("sign", access_key=keys.access_key, secret=keys.secret_key, token=keys.token or "", method=method, host=host,
                path=urlsplit(url).path, query=query, headers=headers, service=service, region=region,
                time_ms=int(when.timestamp() * 1000), s3=s3, presign=presign,
                payload_hash="UNSIGNED-PAYLOAD" if unsigned else hashlib.sha256(body).hexdigest())
    canonical = auth.canonical_request(request)
    to_sign = auth.string_to_sign(request, canonical)
    signature = auth.signature(to_sign, request)
    if presign:
        theirs = sorted(urlsplit(request.url).query.split("&") + ["X-Amz-Signature=" + signature])
        # A name without "=" is the same with an empty value, and botocore writes it so.
        mine = sorted(piece if "=" in piece else piece + "=" for piece in ours["query"].split("&"))
        lab.equal(f"request {number}: presigned", mine, theirs)
        return
    same = lab.equal(f"request {number}: canonical request", ours["canonical"], canonical)
    same = same and lab.equal(f"request {number}: string to sign", ours["to_sign"], to_sign)
    if same:
        lab.equal(f"request {number}: signature", ours["headers"]["authorization"].split("Signature=")[1], signature)


with lab.Tool() as tool:
    for number in range(ROUNDS):
        compare(tool, number)
lab.finish()
