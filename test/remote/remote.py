#!/usr/bin/env python3
"""Builds whose HOST is elsewhere: steps through cut connections, trees with odd names, globs, artifacts; with the real edcc-host over a real sshd."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import world

world.enter()
sys.path[:0] = [os.path.join(world.ROOT, "test/e2e"), os.path.join(world.ROOT, "test/cloud")]
import cloud  # noqa: E402
from lab import Project, digest, environments, main, need, run, same, test, wait_for  # noqa: E402

WORLD = world.World()
PLAIN = os.path.abspath(os.environ.get("EDCC_PLAIN") or os.path.join(world.ROOT, "build/edcc"))


def project(name, text, files=None, provider="provider aws:\n    region = eu-west-1\n"):
    return Project(name, edccfile=f"project = demo\n\n{provider}\n{text}", files=files)


def apply(made, *arguments, status=0, **more):
    result = made.edcc("apply", "--json", *arguments, status=status, env=WORLD.environment(**more))
    same(result.all("end")[-1]["status"], status, "the last event's status")
    nothing_runs()
    return result


def nothing_runs():
    """Nothing of a step runs on the machine any more. (What was killed is there until the system has come to it.)"""
    wait_for(lambda: not [pid for pid, variables in environments() if any(entry.startswith(b"EDCC_STEP=") for entry in variables)])


def verdict(result, step):
    return [(e["verdict"], e.get("reason", e.get("why", ""))) for e in result.all("verdict") if e.get("step") == step]


# --- steps ---

AWAY = []


@test
def away_begins():
    """It takes a minute, in which the others run."""
    made = project("away", "build one:\n    echo begun; until [ -e /run/away ]; do sleep 0.1; done\n")
    sshd = world.Sshd(2201)
    process = made.start("apply", "--json", env=WORLD.environment(sshd))
    wait_for(lambda: made.runs() and os.path.exists(made.path(".edcc/runs", made.runs()[-1], "log/one.log")))
    sshd.stop()
    open("/run/away", "w").close()
    AWAY.append((made, process))


@test
def a_step():
    """Its folder, its environment, which has nothing of the operator's."""
    made = project("a-step", """
word = kept

build one:
    dir = below
    echo here; pwd; echo "$EDCC_PROVIDER $LANG $HOME $word ${SECRET_OF_MINE-none} $EDCC_STEP"

build two: one
    script = two.py
""", files={"below/file": "", "two.py": '#!/usr/bin/python3\nimport os\nprint(os.getcwd(), os.environ["PATH"])\n'})
    result = apply(made, SECRET_OF_MINE="x")
    same(result.said("one").splitlines(), ["here", world.TREE + "/below", f"aws C.UTF-8 /root kept none {made.runs()[-1]}.one"])
    same(result.said("two"), world.TREE + " /opt/edcc/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n")


@test
def a_step_through_cuts():
    """Ten cuts at random moments: every byte, every call and the verdict as they were."""
    made = project("cuts", """
build one:
    for i in {1..300}; do
        printf 'line %d \\303\\274 %0100d\\n' $i $i
        [ $i != 100 ] || build_success 'as it should, at 100'
        [ $i != 200 ] || build_success 'too late'
        sleep 0.02
    done
    printf 'no newline at the end'
""")
    process = made.start("apply", "--json", env=WORLD.environment())
    wait_for(lambda: made.runs() and os.path.exists(made.path(".edcc/runs", made.runs()[-1], "log/one.log")))
    before = WORLD.cuts
    thread = WORLD.cutting(7, 10)
    result = made.finish(process)
    thread.join()
    same(WORLD.cuts - before, 10)
    expected = "".join(f"line {i} ü {i:0100}\n" for i in range(1, 301)) + "no newline at the end"
    same(result.said("one"), expected + "\n", "what was told")
    same(made.log("one"), expected, "the log")
    same(verdict(result, "one"), [("build_success", "as it should, at 100")])


@test
def verdicts():
    """build_failed ends a step at once; the others are what they are on this machine."""
    cases = {
        "fails": ("echo before; build_failed 'it is bad'; echo after; sleep 100", 2, "before\n", ("build_failed", "it is bad")),
        "status": ("exit 3", 2, "", ("build_failed", "exit status 3")),
        "quits": ("build_success fine; exit 5", 0, "", ("build_success", "fine")),
    }
    for name, (recipe, status, said, expected) in cases.items():
        made = project(f"verdict-{name}", f"build one:\n    {recipe}\n")
        began = time.monotonic()
        result = apply(made, status=status)
        same((result.said("one"), verdict(result, "one")), (said, [expected]), name)
        need(time.monotonic() - began < 60, "it took too long")


@test
def rules():
    """Files are looked for there, where the recipe ran."""
    made = project("rules", """
build one:
    dir = sub
    build_success when file made and not file ../made and not file none
    build_failed otherwise
    touch made
""", files={"sub/x": ""})
    text = made.read("Edccfile").replace("    build_failed otherwise\n", "")
    made.write("Edccfile", text)
    same(verdict(apply(made), "one")[0][0], "build_success")


@test
def timeout():
    made = project("timeout", "build one:\n    timeout = 4s\n    exec {never}<> <(:)\n    echo begun; trap 'echo ended; exit 1' TERM; while :; do read -rt 0.1 -u $never; done\n")
    result = apply(made, status=3)
    same(result.said("one"), "begun\nended\n")


@test
def cancelled():
    """Ctrl-C ends the step there."""
    made = project("cancelled", "build one:\n    echo begun; sleep 100\n")
    process = made.start("apply", "--json", env=WORLD.environment())
    wait_for(lambda: made.runs() and os.path.exists(made.path(".edcc/runs", made.runs()[-1], "log/one.log")))
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    made.finish(process, status=130)
    need(time.monotonic() - began < 60, "it took too long")
    nothing_runs()


@test
def left_behind():
    """What a recipe leaves running is ended, and a warning says so."""
    made = project("left", "build one:\n    exec {never}<> <(:)\n    (trap 'echo late; exit' TERM; : >ready; while :; do read -rt 0.1 -u $never; done) &\n    setsid sleep 100 &\n    echo done; until [ -e ready ]; do sleep 0.1; done\n")
    result = apply(made)
    same([e["message"] for e in result.all("warning")], ["step 'one' left processes running; they are ended"])
    same(result.said("one"), "done\nlate\n")


@test
def not_let_in():
    """Why, with what the status page says of the boot; and a key that is not the machine's."""
    made = project("not-let-in", "build one:\n    true\n\nartifacts:\n    a b* -> stored/ when build_failed\n\non build_failed:\n    echo sorry\n")
    page = '{"state":"Failed","step":"packages","log":"E: no mirror\\nE: give up\\n"}'
    machine = world.Machine("127.0.0.9", page)
    result = apply(made, status=4, REMOTE_ADDRESS="127.0.0.9", REMOTE_DEADLINE="5000")
    machine.stop()
    same([(e["action"], e["message"]) for e in result.all("failed")][1:], [("artifact 1", "there is no HOST to ask"), ("on build_failed", "there is no HOST to ask")])
    same([(e["message"], e["hint"]) for e in result.all("failed")[:1]], [(
        "the HOST does not let us in: cannot reach '127.0.0.9' by ssh: Connection refused; its boot says: Failed in packages: E: no mirror; E: give up",
        "its port 22 must be open to this machine, and what is between must let it through")])
    other = world.sh("ssh-keygen -q -t ed25519 -N '' -C '' -f /run/keys/other; cat /run/keys/other.pub").strip()
    own = world.sh("ssh-keygen -lf /etc/ssh/edcc_host_key.pub").split()[1]
    result = apply(made, status=4, REMOTE_HOST_KEY=other, REMOTE_DEADLINE="5000")
    same([(e["message"], e["hint"]) for e in result.all("failed")[:1]], [(
        f"the HOST does not let us in: '127.0.0.1' shows a host key that is not its own ({own}); nothing was said to it",
        "its boot has not come to its keys, or another machine has its address")])


# --- the tree ---

def there():
    """path → (mode, content or target) of the machine's tree."""
    found = {}
    for folder, _, names in os.walk(world.TREE):
        for name in names:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            content = os.readlink(path) if os.path.islink(path) else open(path, "rb").read()
            found[os.path.relpath(path, world.TREE)] = (None if os.path.islink(path) else info.st_mode & 0o777, content)
    found.pop(".edcc/sent", None)
    return found


def sent(result):
    return [e["message"] for e in result.all("note") if e["message"].startswith("source tree")][0]


def git(made, *words, where="."):
    run("git", "-c", "user.name=n", "-c", "user.email=a@b", "-c", "protocol.file.allow=always", *words, cwd=made.path(where))


@test
def a_tree():
    """As git sees it, whatever the names are; then only what has changed."""
    WORLD.forget()
    other = Project("module", files={"inner": "module\n"})
    git(other, "init", "-q")
    git(other, "add", ".")
    git(other, "commit", "-qm", "one")
    odd = {"a b": "1", "new\nline": "2", "-dash": "3", "quote'\"\\$x": "4", "ü/日本": "5", "empty": "", "gone": "6", "@x": "7", "star*": "8", "tracked.o": "9"}
    made = project("tree", "build one:\n    mkdir -p out; echo built >out/made; echo built >'ü/built'; echo touched >changed\n", files={**odd, "changed": "mine"})
    made.write(".gitignore", "*.o\nignored/\n")
    made.write("ignored/file", "no")
    made.write("run.sh", "#!/bin/sh\n")
    os.chmod(made.path("run.sh"), 0o755)
    os.symlink("a b", made.path("link"))
    os.symlink("nowhere", made.path("broken"))
    git(made, "init", "-q")
    git(made, "add", "-f", "--", *[path for path in odd if path != "@x"])
    git(made, "submodule", "--quiet", "add", other.dir, "sub")
    git(made, "commit", "-qm", "one")
    os.unlink(made.path("gone"))
    made.write("sub/untracked", "too")

    def expected():
        files = {path: (0o644, text.encode()) for path, text in odd.items() if path != "gone"}
        files.update({"run.sh": (0o755, b"#!/bin/sh\n"), "link": (None, "a b"), "broken": (None, "nowhere"), "sub/inner": (0o644, b"module\n"),
                      "sub/untracked": (0o644, b"too"), ".gitignore": (0o644, b"*.o\nignored/\n"), "changed": (0o644, b"touched\n"),
                      "out/made": (0o644, b"built\n"), "ü/built": (0o644, b"built\n")})
        for own in ("Edccfile", ".gitmodules"):
            files[own] = (0o644, made.read(own).encode())
        return files

    before = os.stat(made.path("a b")).st_mtime_ns
    apply(made)
    found = there()
    found = {path: what for path, what in found.items() if not path.startswith("sub/.git")}
    same(found, expected(), "the tree")
    same(os.stat(world.TREE + "/a b").st_mtime_ns, before, "its time")

    same(sent(apply(made)), f"source tree: 1 of {len(expected()) - 2} files (4 bytes) sent to the HOST, 0 removed there")

    made.write("a b", "11")
    os.unlink(made.path("ü/日本"))
    os.unlink(made.path("link"))
    os.symlink("empty", made.path("link"))
    os.chmod(made.path("empty"), 0o755)
    os.unlink(made.path("-dash"))
    made.write("-dash/file", "a folder now")
    odd["a b"] = "11"
    del odd["ü/日本"], odd["-dash"]
    result = apply(made)
    need(sent(result).startswith("source tree: 5 of "), sent(result))
    need(sent(result).endswith(", 2 removed there"), sent(result))
    want = expected()
    want.update({"link": (None, "empty"), "empty": (0o755, b""), "-dash/file": (0o644, b"a folder now")})
    found = {path: what for path, what in there().items() if not path.startswith("sub/.git")}
    same(found, want, "the tree after changes")


@test
def a_tree_without_git():
    WORLD.forget()
    made = project("plain", "build one:\n    true\n", files={".hidden": "1", "sub/.git/config": "no", "sub/a": "2", "b.o": "3"})
    apply(made)
    same(sorted(there()), [".hidden", "Edccfile", "b.o", "sub/a"])


@test
def a_tree_through_cuts():
    """Megabytes, cut in the midst: whole at the end."""
    WORLD.forget()
    made = project("large", "build one:\n    sha256sum <big\n")
    with open(made.path("big"), "wb") as file:
        file.write(os.urandom(30_000_000))
    process = made.start("apply", "--json", env=WORLD.environment())
    thread = WORLD.cutting(3, 4, 0.3, 0.6)
    result = made.finish(process)
    thread.join()
    same(result.said("one").split()[0], digest(made.path("big")))


# --- artifacts ---

def stored(folder):
    return {os.path.relpath(os.path.join(place, name), folder): digest(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names}


@test
def globs():
    """What a pattern means there it means here."""
    WORLD.forget()
    patterns = ["*", "out/**", "**/*.o", "out/*/x", "out/[ab]*", "**/.h*", ".*", "out", "link/*", "out/deep/", "?", "out/**/**/x", "./out/a1", "o*/a?", "\\*", "**/x"]
    recipe = ("mkdir -p out/deep/er out/.dot other && cd out && touch a1 b2 c3 x .hidden deep/x deep/er/x deep/er/y.o .dot/x '*' 'n\nl' && cd .. && "
              "touch z.o '*' && ln -s out link && ln -s out/a1 file && ln -s ../z.o out/zlink.o")
    # Of a build that failed, what no pattern matches is only a warning.
    found = []
    for name, provider in (("globs-here", ""), ("globs-there", "provider aws:\n    region = eu-west-1\n")):
        # Beside the tree: one line's pattern is not to match what another line has stored.
        lines = "".join(f"    {pattern} -> ../{name}-stored/{number}/ when build_failed\n" for number, pattern in enumerate(patterns))
        text = "build one:\n    bash make.sh; exit 1\n\nartifacts:\n" + lines
        made = project(name, text, files={"make.sh": recipe}, provider=provider)
        if provider:
            apply(made, status=2)
        else:
            run(PLAIN, "apply", cwd=made.dir, status=2)
        names = stored(made.dir + "-stored")
        names = {path: what for path, what in names.items() if not path.endswith("Edccfile")}
        found.append(names)
    need(len(found[0]) > 30, found[0])
    same(sorted(found[1].items() ^ found[0].items()), [], "what was stored here or there only")


@test
def artifacts():
    """Modes, bytes, through cuts; what is not there."""
    WORLD.forget()
    made = project("artifacts", "build one:\n    head -c 20000000 /dev/urandom >big; sha256sum <big; printf x >$'odd\\nname'; chmod 755 big\n\n"
                   "artifacts:\n    big -> stored/renamed\n    odd* -> stored/\n")
    process = made.start("apply", "--json", env=WORLD.environment())
    thread = WORLD.cutting(5, 5, 0.3, 0.8)
    result = made.finish(process)
    thread.join()
    same(stored(made.path("stored")), {"renamed": result.said("one").split()[0], "odd\nname": digest(world.TREE + "/odd\nname")})
    same(os.stat(made.path("stored/renamed")).st_mode & 0o777, 0o755)
    same(sorted((e["path"], e["bytes"]) for e in result.all("artifact")), [("stored/odd\nname", 1), ("stored/renamed", 20000000)])

    made = project("none", "build one:\n    true\n\nartifacts:\n    none* -> stored/\n")
    result = apply(made, status=2)
    same(re.sub(r":\d+:", ":N:", result.all("failed")[-1]["message"]), "Edccfile:N:5: no file matches 'none*'")


# --- the fleet ---

def watched(made, file):
    """What edcc monitor shows while a compile of the file is under way."""
    pictures = []

    def compiles():
        pictures.append(json.loads(made.edcc("monitor", "--json").output))
        return any(job["file"] == file and job["phase"] == "compile" for host in pictures[-1]["hosts"] for job in host["jobs"])

    wait_for(compiles)
    return pictures[-1]


@test
def a_fleet():
    """Machines that are ready when the HOST says so, that go and come back; what they compile is theirs by their own logs."""
    WORLD.forget()
    machines = {name: world.Machine(address) for name, address in (("coop-1", "127.0.0.2"), ("coop-2", "127.0.0.3"))}
    made = project("fleet", """
compiler gcc:

instances:
    count = 2

build one:
    for i in {1..24}; do echo "int f$i(void) { return $i; }" >f$i.c; done
    go() { for i; do $CC -O2 -c f$i.c & done; wait; }
    go {1..6}; echo "hosts $EDCC_HOSTS, ${DISTCC_HOSTS-none}"
    until [ -e go-on ]; do sleep 0.1; done
    go {7..24}
    for n in {1..3000}; do echo "int g$n(int x) { int s = 0; for (int i = 0; i < x; i++) s += i * $n; return s; }"; done >slow.c
    $CC -O2 -c slow.c; ls *.o | wc -l
""")
    process = made.start("apply", "--json", env=WORLD.environment())
    log = ".edcc/runs/{}/log/one.log"
    wait_for(lambda: made.runs() and made.exists(log.format(made.runs()[-1])))
    machines["coop-2"].stop()
    wait_for(lambda: "127.0.0.3" not in open("/var/lib/edcc/distcc/hosts").read())
    open(world.TREE + "/go-on", "w").close()
    picture = watched(made, "slow.c")
    result = made.finish(process)
    machines["coop-1"].stop()
    hosts = {host["name"]: host for host in picture["hosts"]}
    same([job["slot"] for job in hosts["coop-1"]["jobs"] if job["file"] == "slow.c"], [0], picture)
    same((hosts["coop-1"]["state"], hosts["coop-2"]["state"], hosts["coop-2"]["jobs"]), ("ready", "out", []), picture)
    need(hosts["coop-2"]["why"] and [step["name"] for step in picture["steps"]] == ["one"], picture)
    states = [(e["host"], e["state"]) for e in result.all("host")]
    same(sorted(states), [("coop-1", "ready"), ("coop-2", "out"), ("coop-2", "ready")], "what the hosts did")
    same(result.said("one"), "hosts coop-1 coop-2, none\n25\n")
    compiles = result.compiles()
    same(compiles["this machine"], 0, compiles)
    need(compiles["coop-1"] >= 19, compiles)
    need([e for e in result.all("slots") if e["host"] == "coop-1" and e["jobs"] == 1 and "slow.c" in e.get("files", e.get("text", ""))], result.all("slots"))


@test
def too_much_falls_back():
    """A machine answers, but its distccd is gone: it is out, and past the bound the build fails while it runs."""
    WORLD.forget()
    machine = world.Machine("127.0.0.2")
    made = project("bound", """
compiler gcc:

distcc:
    fallback = 25%

instances:
    count = 1

build one:
    for i in {1..14}; do echo "int f$i(void) { return $i; }" >f$i.c; $CC -c f$i.c; done
    echo 14; until [ -e go-on ]; do sleep 0.1; done
    for i in {1..6}; do $CC -c f$i.c; done
    sleep 1000
""")
    process = made.start("apply", "--json", env=WORLD.environment())
    wait_for(lambda: made.runs() and made.exists(f".edcc/runs/{made.runs()[-1]}/log/one.log"))
    machine.daemon.terminate()
    open(world.TREE + "/go-on", "w").close()
    result = made.finish(process, status=2)
    machine.stop()
    why = "6 of 20 compiles fell back to this machine, and the file allows 25%"
    same([e["message"] for e in result.all("failed")] + [result.all("end")[-1]["message"]], [why, f"build_failed: {why}"], result)
    same(result.compiles(), {"coop-1": 14, "this machine": 6}, result)
    out = [e["reason"] for e in result.all("host") if e["state"] == "out"]
    need(not out or out[0].startswith("cannot compile a small file: "), result)


@test
def native_on_the_host():
    """What -march=native is there goes to the machines as flags; a makefile's own gcc is distributed too. A second run finds the same, counted anew."""
    WORLD.forget()
    machine = world.Machine("127.0.0.2")
    made = project("native", """
count ?= 3

compiler gcc:

distcc:
    masquerade = yes

instances:
    count = 1

build one:
    for i in $(seq $count); do echo "int f$i(int x) { return __builtin_popcount(x); }" >f$i.c; gcc -march=native -O2 -c f$i.c -o f$i.o; done
    command -v gcc
    PATH=/usr/bin gcc -march=native -O2 -c f1.c -o plain.o
    cmp f1.o plain.o && gcc f*.o -shared -o lib.so
""")
    for count in (3, 2):
        result = apply(made, f"count={count}")
        same(result.compiles(), {"coop-1": count, "this machine": 0}, result)
        same(result.said("one"), "/opt/edcc/compilers/gcc/gcc\n")
        note = f"{count} compiles with gcc -march=native went out with -march="
        need([e for e in result.all("note") if e["message"].startswith(note)], result)
    machine.stop()


@test
def a_warm_fleet():
    """What a run before has compiled is not this one's."""
    WORLD.forget()
    machine = world.Machine("127.0.0.2")
    made = project("warm", """
files ?= 5

compiler gcc:

instances:
    count = 1

build one:
    for i in $(seq $files); do echo "int f$i(void) { return $i; }" >f$i.c; $CC -c f$i.c; done
""")
    counts = [apply(made, f"files={count}").compiles() for count in (5, 3)]
    machine.stop()
    same(counts, [{"coop-1": 5, "this machine": 0}, {"coop-1": 3, "this machine": 0}])


# --- S3 ---

def objects(bucket):
    s3 = cloud.MOTO.client("s3")
    return {o["Key"]: cloud_digest(s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read()) for o in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}


def cloud_digest(content):
    return hashlib.sha256(content).hexdigest()


def new_bucket(name):
    cloud.MOTO.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": cloud.REGION})
    return name


def uploads(bucket):
    return cloud.MOTO.client("s3").list_multipart_uploads(Bucket=bucket).get("Uploads", [])


BIG = 70_000_000
MAKE = f"build one:\n    head -c {BIG} /dev/urandom >big; sha256sum <big; : >empty; printf small >'a b'\n\n"


@test
def s3():
    """The HOST sends its files itself: each is as it is there, and no URL is left anywhere."""
    WORLD.forget()
    bucket = new_bucket("one-bucket")
    made = project("s3", MAKE + f"artifacts:\n    big -> s3://{bucket}/x/\n    empty a* -> s3://{bucket}/\n")
    with cloud.Proxy() as proxy:
        result = apply(made, **cloud.aws(proxy.url))
    same(objects(bucket), {"x/big": result.said("one").split()[0], "empty": cloud_digest(b""), "a b": cloud_digest(b"small")})
    same(uploads(bucket), [], "uploads that are left")
    head = cloud.MOTO.client("s3").head_object(Bucket=bucket, Key="x/big", ChecksumMode="ENABLED")
    need(head["ETag"].endswith('-9"') and head["Metadata"] == {"sha256": result.said("one").split()[0]}, head)
    same(cloud.MOTO.client("s3").head_object(Bucket=bucket, Key="a b")["Metadata"], {"sha256": cloud_digest(b"small")})
    parts = [seen for seen in proxy.seen if seen[0] == "PUT"]
    same(len(parts), 11, "requests of the HOST")
    for _, path, headers in parts:
        headers = {name.lower() for name in headers}
        signed = path.split("X-Amz-SignedHeaders=")[1].split("&")[0].split("%3B")
        same({name for name in headers if name.startswith("x-amz-")}, {name for name in signed if name.startswith("x-amz-")}, "headers")
    progress = [e for e in result.all("progress") if e["path"].endswith("/big")]
    need(all(e["total"] == BIG and 0 < e["bytes"] <= BIG for e in progress), progress)
    same(subprocess.run(["grep", "-rl", "X-Amz-Signature", made.dir, world.STATE, "/run/edcc"], stdout=subprocess.PIPE, text=True).stdout, "", "signed URLs in files")


@test
def s3_refused():
    """A part that is refused: the build has failed, and nothing is left of the upload."""
    WORLD.forget()
    bucket = new_bucket("two-buckets")
    made = project("s3-refused", MAKE + f"artifacts:\n    big -> s3://{bucket}/x/\n")
    refusal = b"<Error><Code>AccessDenied</Code><Message>Not today</Message></Error>"
    with cloud.Proxy(lambda method, path, body: (403, refusal) if "partNumber=5&" in path else None) as proxy:
        result = apply(made, status=2, **cloud.aws(proxy.url))
    same(result.all("failed")[-1]["message"], "cannot store 'big': the HOST was answered with HTTP status 403 when it stored it")
    same((uploads(bucket), objects(bucket)), ([], {}), "what is left")


@test
def s3_through_cuts():
    WORLD.forget()
    bucket = new_bucket("three-buckets")
    made = project("s3-cuts", MAKE + f"artifacts:\n    big -> s3://{bucket}/\n")
    process = made.start("apply", "--json", env=WORLD.environment(**cloud.aws()))
    wait_for(lambda: made.runs() and os.path.exists(made.path(".edcc/runs", made.runs()[-1], "log/one.log")))
    thread = WORLD.cutting(11, 5, 0.3, 0.7)
    result = made.finish(process)
    thread.join()
    same(objects(bucket), {"big": result.said("one").split()[0]})
    same(uploads(bucket), [], "uploads that are left")


# --- a HOST that is gone ---

@test
def away_is_over():
    """One that does not come back fails the run, and what it said so far is kept."""
    made, process = AWAY.pop()
    result = made.finish(process, status=4)
    failed = [e for e in result.all("failed") if e["action"] == "step one"]
    need(failed[0]["message"].startswith("the HOST 127.0.0.1 has been away for 60 s: "), failed)
    same(failed[0]["hint"], "it has ended, or there is no way to it from here; every log so far is kept: edcc logs")
    same(made.log("one"), "begun\n")


if __name__ == "__main__":
    main("remote")
