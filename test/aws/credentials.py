"""Where credentials come from: the order, each source, what is said where one is wrong, and how they are renewed."""

import http.server
import json
import os
import stat
import threading
import time
from urllib.parse import parse_qs

import lab

SOON = "2000-01-01T00:00:00Z"
LATER = "2099-01-01T00:00:00Z"


def key_of(headers):
    """Whose request it is, where it is signed."""
    return headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]


class Surroundings(http.server.BaseHTTPRequestHandler):
    """STS, a container's agent and instance metadata, in one."""

    protocol_version = "HTTP/1.1"
    role = "a-role"
    seen, over = [], ()  # over: access keys whose session has ended

    def log_message(self, *_):
        pass

    def reply(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        self.seen.append({"method": self.command, "path": self.path, "headers": dict(self.headers), "body": asked,
                          "key": key_of(self.headers)})
        if self.command == "HEAD":
            return self.reply("", 400 if key_of(self.headers) in self.over else 200)
        if key_of(self.headers) in self.over:
            return self.reply("<ErrorResponse><Error><Code>ExpiredToken</Code><Message>it has ended</Message></Error></ErrorResponse>", 403)
        if asked.get("Action") in ("AssumeRole", "AssumeRoleWithWebIdentity"):
            return self.sts(asked)
        keys = {"Code": "Success", "AccessKeyId": "ASIA" + self.path.rsplit("/", 1)[-1], "SecretAccessKey": "s", "Token": "t",
                "Expiration": LATER}
        token = self.headers.get("X-aws-ec2-metadata-token")
        if self.path == "/latest/api/token":
            return self.reply("a-token", 200 if self.command == "PUT" else 405)
        if self.path.startswith("/latest/") and token != "a-token":
            return self.reply("", 401)
        if self.path.endswith("/security-credentials/"):
            return self.reply(self.role, 200 if self.role else 404)
        if self.path.startswith("/latest/") or self.headers.get("Authorization") == "agent's word":
            return self.reply(json.dumps(keys))
        return self.reply("{}", 403)

    do_GET = do_PUT = do_POST = do_HEAD = handle_any

    def sts(self, asked):
        action, role = asked["Action"], asked["RoleArn"]
        if role.endswith("/denied"):
            return self.reply("<ErrorResponse><Error><Code>AccessDenied</Code><Message>you may not</Message></Error></ErrorResponse>", 403)
        self.reply(f"<{action}Response><{action}Result><Credentials><AccessKeyId>ASIA-{role.rsplit('/', 1)[-1]}</AccessKeyId>"
                   f"<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{LATER}</Expiration>"
                   f"</Credentials></{action}Result></{action}Response>")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Surroundings)
threading.Thread(target=server.serve_forever, daemon=True).start()
URL = "http://127.0.0.1:%d" % server.server_port


def write(name, text, mode=0o600):
    path = os.path.join(lab.folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def look(config="", credentials="", profile="", **env):
    write(".aws/config", config)
    write(".aws/credentials", credentials)
    del Surroundings.seen[:]
    answer = lab.ask("credentials", env={"AWS_ENDPOINT_URL_STS": URL, **env}, profile=profile)
    if "error" in answer:
        answer["error"] = answer["error"].replace(lab.folder, "HOME").replace(URL, "URL")
    return answer


KEY = "aws_access_key_id = AKIA-%s\naws_secret_access_key = s\n"
PRINTED = json.dumps({"Version": 1, "AccessKeyId": "AKIA-process", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": LATER})
BOTH = {"AWS_ACCESS_KEY_ID": "AKIA-env", "AWS_SECRET_ACCESS_KEY": "s"}
ROLE = "role_arn = arn:aws:iam::1:role/%s\n"


def order():
    """Each source is found where all before it have nothing, though all after it would have something."""
    all_config = "[default]\ncredential_process = echo '%s'\n" % PRINTED + KEY % "config"
    metadata = {"AWS_EC2_METADATA_DISABLED": None, "AWS_EC2_METADATA_SERVICE_ENDPOINT": URL}
    agent = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": URL + "/agent", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "agent's word"}
    identity = {"AWS_WEB_IDENTITY_TOKEN_FILE": write("token", "a token\n"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/web"}
    role = ROLE % "mine" + "source_profile = default\n"
    file = "[default]\n" + KEY % "file"
    for name, config, credentials, env, source in [
        ("environment", all_config + role, file, {**BOTH, **identity, **agent, **metadata}, "environment"),
        ("assumed role", all_config + role, file, {**identity, **agent, **metadata}, "profile default (assumed role)"),
        ("web identity", all_config, file, {**identity, **agent, **metadata}, "profile default (web identity)"),
        ("credentials file", all_config, file, {**agent, **metadata}, "profile default (credentials file)"),
        ("credential process", all_config, "", {**agent, **metadata}, "profile default (credential process)"),
        ("config file", "[default]\n" + KEY % "config", "", {**agent, **metadata}, "profile default (config file)"),
        ("container", "", "", {**agent, **metadata}, "container"),
        ("instance metadata", "", "", metadata, "instance metadata"),
    ]:
        lab.equal(f"order: {name}", look(config, credentials, **env).get("source"), source)
    config = "[profile other]\n" + KEY % "other"
    lab.equal("keys in the environment come before AWS_PROFILE", look(config, **BOTH, AWS_PROFILE="other").get("access_key"), "AKIA-env")
    lab.equal("a profile asked for comes before keys in the environment", look(config, profile="other", **BOTH).get("access_key"),
              "AKIA-other")
    lab.equal("AWS_PROFILE", look(config, AWS_PROFILE="other").get("access_key"), "AKIA-other")


def roles():
    chain = ("[profile c]\n" + ROLE % "c" + "source_profile = b\nexternal_id = xyz\nrole_session_name = me\nduration_seconds = 900\n"
             "[profile b]\n" + ROLE % "b" + "source_profile = a\n[profile a]\n" + KEY % "a")
    found = look(chain, profile="c")
    lab.equal("a role over a role", (found.get("access_key"), found.get("token"), found.get("source")),
              ("ASIA-c", "t", "profile c (assumed role)"))
    lab.equal("its expiry", found.get("expires"), 4070908800000)
    first, second = [request["body"] for request in Surroundings.seen]
    lab.check("a session has a name", first.pop("RoleSessionName").startswith("edcc-"))
    lab.equal("the first role", first, {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/b"})
    lab.equal("the second role", second, {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/c",
                                          "RoleSessionName": "me", "DurationSeconds": "900", "ExternalId": "xyz"})
    lab.check("each is signed with the one before", ["Credential=" + key in Surroundings.seen[i]["headers"]["authorization"]
                                                    for i, key in enumerate(["AKIA-a/", "ASIA-b/"])] == [True, True])
    own = "[default]\n" + ROLE % "own" + "source_profile = default\n" + KEY % "own"
    lab.equal("a profile may lean on its own keys", look(own).get("access_key"), "ASIA-own")
    named = "[default]\n" + ROLE % "n" + "credential_source = Environment\n"
    lab.equal("a role by keys in the environment", look(named, profile="default", **BOTH).get("access_key"), "ASIA-n")
    token = write("token", "a token\n")
    web = "[profile w]\n" + ROLE % "w" + f"web_identity_token_file = {token}\n"
    lab.equal("a role by a token", look(web, profile="w").get("access_key"), "ASIA-w")
    request = Surroundings.seen[0]
    lab.equal("its token, which signs nothing", (request["body"]["WebIdentityToken"], request["headers"].get("authorization")),
              ("a token", None))
    for name, config, error in [
        ("no source", "[profile x]\n" + ROLE % "x",
         "profile x has a role_arn and neither source_profile nor credential_source; it needs one of them"),
        ("two sources", "[profile x]\n" + ROLE % "x" + "source_profile = y\ncredential_source = Environment\n",
         "profile x has a role_arn and both source_profile and credential_source; it needs one of them"),
        ("another source", "[profile x]\n" + ROLE % "x" + "credential_source = Moon\n",
         "profile x has a credential_source that is none of Environment, Ec2InstanceMetadata, EcsContainer: Moon"),
        ("a source that is missing", "[profile x]\n" + ROLE % "x" + "source_profile = y\n",
         'The source profile "y" referenced in the profile "x" does not exist'),
        ("a source without keys", "[profile x]\n" + ROLE % "x" + "source_profile = y\n[profile y]\nregion = z\n",
         "profile x has a role_arn, but its source_profile y has no credentials: profile y has no aws_access_key_id in HOME/.aws/config"),
        ("a circle", "[profile x]\n" + ROLE % "x" + "source_profile = y\n[profile y]\n" + ROLE % "y" + "source_profile = x\n",
         "Infinite loop in credential configuration detected: profile x leans on itself through source_profile"),
        ("a circle of one", "[profile x]\n" + ROLE % "x" + "source_profile = x\n",
         "Infinite loop in credential configuration detected: profile x leans on itself through source_profile"),
        ("MFA", "[profile x]\n" + ROLE % "x" + "source_profile = y\nmfa_serial = z\n[profile y]\n" + KEY % "y",
         "profile x asks for a code of an MFA device, which edcc cannot; put the session's credentials into the environment: "
         'eval "$(aws configure export-credentials --profile x --format env)"'),
        ("one that is denied", "[profile x]\n" + ROLE % "denied" + "source_profile = y\n[profile y]\n" + KEY % "y",
         "profile x cannot take the role arn:aws:iam::1:role/denied: sts AssumeRole: AccessDenied: you may not"),
        ("a token that is missing", "[profile x]\n" + ROLE % "x" + "web_identity_token_file = /no/token\n",
         "cannot read '/no/token': No such file or directory"),
    ]:
        lab.equal(f"roles: {name}", look(config, profile="x").get("error"), error)


def programs():
    config = "[default]\ncredential_process = %s\n"
    found = look(config % f"echo a warning >&2; echo '{PRINTED}'")
    lab.equal("a process", (found.get("access_key"), found.get("token"), found.get("expires")), ("AKIA-process", "t", 4070908800000))
    for name, command, error in [
        ("fails", "echo s3cret; echo first >&2; echo no luck >&2; exit 3",
         "the credential_process of profile default ended with status 3: no luck"),
        ("prints no JSON", "echo s3cret", "the credential_process of profile default gave no JSON"),
        ("prints no version", "echo '{}'", "the credential_process of profile default printed a Version that is not 1"),
        ("prints no secret", """echo '{"Version": 1, "AccessKeyId": "a"}'""",
         "the credential_process of profile default gave no secret access key"),
        ("prints a strange time", """echo '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "s", "Expiration": "soon"}'""",
         "the credential_process of profile default gave an expiration that is no time: 'soon'"),
        ("is not there", "/no/program", "the credential_process of profile default ended with status 127: /bin/sh: 1: /no/program: not found"),
    ]:
        lab.equal(f"a process that {name}", look(config % command).get("error"), error)
    sso = "[profile work]\nsso_session = s\n"
    write("bin/aws", f"#!/bin/sh\n[ \"$*\" = 'configure export-credentials --format process --profile work' ] && echo '{PRINTED}'\n", 0o755)
    lab.equal("SSO", look(sso, profile="work", PATH=f"{lab.folder}/bin:/usr/bin:/bin").get("source"), "profile work (SSO)")
    write("bin/aws", "#!/bin/sh\necho 'Error when retrieving token from sso: Token has expired and refresh failed' >&2\nexit 255\n", 0o755)
    lab.equal("SSO that has expired", look(sso, profile="work", PATH=f"{lab.folder}/bin:/usr/bin:/bin").get("error"),
              "The SSO session of profile work has expired or is otherwise invalid: 'aws configure export-credentials' ended with status 255: "
              "Error when retrieving token from sso: Token has expired and refresh failed; 'aws sso login --profile work' begins a new one")
    os.mkdir(f"{lab.folder}/empty")
    lab.equal("SSO without the program", look(sso, profile="work", PATH=f"{lab.folder}/empty").get("error"),
              "The SSO session of profile work has expired or is otherwise invalid: cannot run 'aws': there is no such program on PATH; "
              "'aws sso login --profile work' begins a new one")


def surroundings():
    agent = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": URL + "/agent"}
    token = write("agent-token", "agent's word\n")
    lab.equal("the agent's token from a file", look(**agent, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=token).get("access_key"), "ASIAagent")
    lab.equal("an agent that refuses", look(**agent).get("error"), "cannot get the container's credentials from URL/agent: status 403")
    for url in ["http://example.com/", "http://127.evil.example/", "http://localhost@example.com/", "ftp://127.0.0.1/"]:
        lab.equal(f"no token for {url}", look(AWS_CONTAINER_CREDENTIALS_FULL_URI=url).get("error"),
                  "AWS_CONTAINER_CREDENTIALS_FULL_URI must begin with https://, or be on this machine or one of the agents' addresses: " + url)
    metadata = {"AWS_EC2_METADATA_DISABLED": None, "AWS_EC2_METADATA_SERVICE_ENDPOINT": URL}
    # A proxy that would answer nothing: it must not be asked.
    found = look(**metadata, http_proxy="http://127.0.0.1:1", no_proxy=None)
    lab.equal("instance metadata, past any proxy", (found.get("access_key"), found.get("token")), ("ASIAa-role", "t"))
    lab.equal("a token first", [(request["method"], request["path"]) for request in Surroundings.seen],
              [("PUT", "/latest/api/token"), ("GET", "/latest/meta-data/iam/security-credentials/"),
               ("GET", "/latest/meta-data/iam/security-credentials/a-role")])
    Surroundings.role = ""
    lab.check("an instance without a role", look(**metadata).get("error", "").split("\n")[-2] == "  instance metadata: this instance has no role")
    Surroundings.role = "a-role"


NOTHING = """Unable to locate credentials
  environment: AWS_ACCESS_KEY_ID is not set
  assumed role: profile default has no role_arn
  web identity: neither AWS_WEB_IDENTITY_TOKEN_FILE nor profile default's web_identity_token_file is set
  SSO: profile default has no sso_session, sso_start_url or login_session
  credentials file: HOME/.aws/credentials has no profile default
  credential process: profile default has no credential_process
  config file: HOME/.aws/config has no profile default
  container: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set
  instance metadata: AWS_EC2_METADATA_DISABLED is true
set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or run 'aws configure'"""


def files():
    lab.equal("nothing anywhere", look().get("error"), NOTHING)
    lab.equal("a profile that is not there", look(profile="x").get("error"), "The config profile (x) could not be found")
    lab.equal("AWS_PROFILE that is not there", look(AWS_PROFILE="x").get("error"), "The config profile (x) could not be found")
    lab.equal("half of the keys", look(AWS_ACCESS_KEY_ID="a").get("error"),
              "Partial credentials found in the environment: AWS_SECRET_ACCESS_KEY is not set")
    lab.equal("half of the keys in a file", look("", "[default]\naws_access_key_id = a\n").get("error"),
              "Partial credentials found in HOME/.aws/credentials: profile default has no aws_secret_access_key")
    lab.equal("a line that is nothing", look("[default]\nregion\n").get("error"),
              "cannot read 'HOME/.aws/config': line 2 is neither [a section] nor name = value")
    odd = ("# a comment\n; another\n\n[default]\r\n  AWS_Access_Key_ID=AKIA-odd\r\n  aws_secret_access_key : a=b:c\r\n  s3 =\n    x = y\n"
           "  aws_session_token =  t # u\n[profile \"with space\"]\n" + KEY % "quoted")
    found = look(odd)
    lab.equal("what else is in such files", (found.get("access_key"), found.get("secret"), found.get("token")), ("AKIA-odd", "a=b:c", "t # u"))
    lab.equal("a name with a space", look(odd, profile="with space").get("access_key"), "AKIA-quoted")
    lab.equal("the credentials file comes first", look("[default]\n" + KEY % "config", "[default]\n" + KEY % "file").get("access_key"), "AKIA-file")
    elsewhere = write("elsewhere", "[default]\n" + KEY % "elsewhere")
    lab.equal("files elsewhere", look(AWS_SHARED_CREDENTIALS_FILE=elsewhere).get("access_key"), "AKIA-elsewhere")
    lab.equal("files by ~", look(AWS_SHARED_CREDENTIALS_FILE="~/elsewhere").get("access_key"), "AKIA-elsewhere")


def renewal():
    """Threads that all find the credentials about to expire renew them once."""
    runs = os.path.join(lab.folder, "runs")
    process = write("process", f"""#!/bin/sh
echo run >>{runs}
sleep 0.2
expiration={SOON}
[ "$(wc -l <{runs})" -lt 2 ] || expiration={LATER}
echo '{{"Version": 1, "AccessKeyId": "AKIA-'$(wc -l <{runs})'", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "'$expiration'"}}'
""", stat.S_IRWXU)
    write(".aws/config", f"[default]\nregion = eu-west-1\ncredential_process = {process}\n")
    write(".aws/credentials", "")
    with lab.Tool(AWS_ENDPOINT_URL=URL) as tool:
        tool("storm", threads=8, count=5, role="arn:aws:iam::1:role/r")
        lab.equal("renewed once, by eight threads", len(open(runs).readlines()), 2)
        keys = [request["key"] for request in Surroundings.seen[-40:]]
        lab.equal("all sign with the new ones", set(keys), {"AKIA-2"})
        lab.equal("their expiry", tool("state")["expire"], 4070908800000)
    os.remove(runs)
    write("process", f"#!/bin/sh\n[ -e {runs} ] && {{ echo gone >&2; exit 1; }}\ntouch {runs}\n"
          f"echo '{PRINTED.replace(LATER, SOON)}'\n", stat.S_IRWXU)
    answer = lab.ask("query", env={"AWS_ENDPOINT_URL": URL}, service="ec2", action="DescribeVpcs", version="1")
    lab.equal("credentials that cannot be renewed", answer["error"],
              "ec2 DescribeVpcs: the credentials from profile default (credential process) have expired and cannot be renewed: "
              "the credential_process of profile default ended with status 1: gone")
    os.remove(runs)
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 120))
    write("process", f"#!/bin/sh\n[ -e {runs} ] && {{ echo gone >&2; exit 1; }}\ntouch {runs}\n"
          f"echo '{PRINTED.replace(LATER, soon)}'\n", stat.S_IRWXU)
    answer = lab.ask("query", env={"AWS_ENDPOINT_URL": URL}, service="sts", action="AssumeRole", version="1",
                     parameters=[["RoleArn", "arn:aws:iam::1:role/r"]])
    lab.check("those that still last do, where renewing fails", "answer" in answer, answer)


def login_anew():
    """Keys that do not say how long they last: where AWS says that they have ended the files are read again."""
    write(".aws/config", "[default]\nregion = eu-west-1\n")
    write(".aws/credentials", "[default]\n" + KEY % "old")
    ask = {"service": "sts", "action": "AssumeRole", "version": "1", "parameters": [["RoleArn", "arn:aws:iam::1:role/r"]]}
    with lab.Tool(AWS_ENDPOINT_URL=URL) as tool:
        lab.check("the old ones", "answer" in tool("query", **ask))
        write(".aws/credentials", "[default]\n" + KEY % "new")
        lab.check("the old ones, while they last", "answer" in tool("query", **ask))
        Surroundings.over, before = ("AKIA-old",), len(Surroundings.seen)
        lab.equal("the new ones, in eight threads", tool("storm", threads=8, count=5, role="arn:aws:iam::1:role/r")["answered"], 40)
        keys = [request["key"] for request in Surroundings.seen[before:]]
        lab.check("each call was refused once at most", 1 <= keys.count("AKIA-old") <= 8 and keys.count("AKIA-new") == 40, keys)
        Surroundings.over, before = ("AKIA-old", "AKIA-new"), len(Surroundings.seen)
        lab.equal("where there are no others", tool("query", **ask)["error"], "sts AssumeRole: ExpiredToken: it has ended (2 tries)")
        lab.equal("tries", len(Surroundings.seen) - before, 2)
        write(".aws/credentials", "[default]\n" + KEY % "newest")
        head = tool("s3", method="HEAD", action="HeadObject", bucket="bucket", key="key")
        lab.equal("where the answer has no word for it", (head.get("status"), Surroundings.seen[-1]["key"]), (200, "AKIA-newest"))
    Surroundings.over = ()


order()
roles()
programs()
surroundings()
files()
renewal()
login_anew()
server.shutdown()
lab.finish()
