# pump.py INCLUDE_SERVER.PY FOLDER: distcc's include server in this process, with its socket and all its files in that folder, until it is ended.
# Why each thing is so: doc/distcc.md.
import gc
import os
import re
import runpy
import signal
import sys
import types

program, folder = sys.argv[1:]
sys.path.insert(0, os.path.dirname(program))


# --- what the include server asks of its C extension ---


def read_exactly(fd, size):
    data = b""
    while len(data) < size:
        part = os.read(fd, size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_number(fd, token):
    data = read_exactly(fd, 12)
    if data[:4] != token:
        raise EOFError
    return int(data[4:], 16)


def read_text(fd, token):
    return os.fsdecode(read_exactly(fd, read_number(fd, token)))


# A client that is ended in mid-sentence must not end the server: it gets the answer for what cannot be analysed.
def read_folder(fd):
    try:
        return read_text(fd, b"CDIR")
    except (OSError, ValueError, EOFError):
        return "/"


def read_arguments(fd):
    try:
        return [read_text(fd, b"ARGV") for _ in range(read_number(fd, b"ARGC"))]
    except (OSError, ValueError, EOFError):
        return []


def write_arguments(fd, words):
    data = b"ARGC%08x" % len(words)
    for word in map(os.fsencode, words):
        data += b"ARGV%08x%s" % (len(word), word)
    try:
        while data:
            data = data[os.write(fd, data) :]
    except OSError:
        return False
    return True


def real_path(path):
    try:
        return os.path.realpath(path, strict=True)
    except OSError:
        return path


# The text is a file's bytes, each one a character, perhaps after a line with its name.
def to_bytes(text):
    line, end, rest = text.partition("\n")
    if line.startswith('#line 1 "/') and os.path.exists(line[9:-1]):
        return os.fsencode(line) + (end + rest).encode("latin-1")
    return text.encode("latin-1")


# One run of literals, which is valid LZO1X.
def to_lzo(text):
    data = to_bytes(text)
    head = b""
    if len(data) > 238:
        zeros, last = divmod(len(data) - 19, 255)
        head = bytes(zeros + 1) + bytes([last + 1])
    elif data:
        head = bytes([17 + len(data)])
    return head + data + b"\x11\0\0"


def stand_in():
    module = types.ModuleType("distcc_pump_c_extensions")
    module.OsPathExists = os.path.exists
    module.OsPathIsFile = os.path.isfile
    module.Realpath = real_path
    module.RCwd = read_folder
    module.RArgv = read_arguments
    module.XArgv = write_arguments
    module.CompressLzo1xAlloc = to_lzo
    return module


# One that counts in the wrong unit, or takes a byte of a file for a letter, is of no use.
def extension_works():
    try:
        import distcc_pump_c_extensions as extension

        return extension.CompressLzo1xAlloc("\xe9") == to_lzo("\xe9") and extension.OsPathExists("/") and extension.Realpath("/") == "/"
    except Exception as why:
        print("the C extension of distcc-pump does not work here:", why, flush=True)
        return False


# --- what is not to be preprocessed there ---


# Of headers that are the compiler's own the server sends nothing: those of the host are used. FOLDER/wanted lists what has not been held against the hosts' yet,
# FOLDER/proved what has been and is the same. Where there is FOLDER/proved-before, everything was, then.
class Headers:
    def __init__(self):
        self.wanted, self.proved, self.size = set(), set(), 0
        self.not_proved = "while headers were compared"
        try:
            self.before = os.stat(os.path.join(folder, "proved-before")).st_mtime_ns
        except OSError:
            self.before = None

    def read(self):
        path = os.path.join(folder, "proved")
        try:
            if os.stat(path).st_size == self.size:
                return
            with open(path, "rb") as file:
                text = file.read()
        except OSError:
            return
        self.proved.update(os.fsdecode(text[: text.rfind(b"\n") + 1]).splitlines())
        self.size = len(text)

    def are_proved(self, used):
        if self.before is not None:
            self.not_proved = "with headers newer than the boot"
            return all(os.stat(path).st_ctime_ns < self.before for path in used)
        self.read()
        used -= self.proved
        new = used - self.wanted
        if new:
            with open(os.path.join(folder, "wanted"), "ab") as file:
                file.write(b"".join(os.fsencode(path) + b"\n" for path in sorted(new)))
            self.wanted |= new
        return not used


# The compiler's own headers that are included, and the names (none: one that is not absolute) by which others are: real path → names.
def included(analyzer, node):
    known, real = analyzer.systemdir_prefix_cache.cache, analyzer.realpath_map.string
    folder_of, name_of = analyzer.directory_map.string, analyzer.includepath_map.string
    system, own, seen, stack = set(), {}, set(), [node]
    while stack:
        node = stack.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        stack.extend(node[2])
        if not node[0]:
            continue
        if known[node[0]]:
            system.add(real[node[0]])
        else:
            at = folder_of[node[1][0]]
            own.setdefault(real[node[0]], set()).add(at + name_of[node[1][1]] if at.startswith("/") else None)
    return system, own


# Objects would have the host's folders in them.
def forbidden(word):
    if word.startswith("-g") and word != "-g0":
        return "with -g"
    if "-prefix-map=" in word:
        return "with " + word[: word.index("=")]
    return "with an @file" if word.startswith("@") else None


# What asks for more than the text of what is included: for the file's place, the hour, another file. The include server takes each byte of a name for a letter.
ASKS = re.compile(
    rb"#[ \t]*include[ \t]*[<\"](?:(?P<absolute>/)|[^>\"\n]*(?P<foreign>[\x80-\xff]))|\b(?P<word>__BASE_FILE__|__DATE__|__TIME__|__TIMESTAMP__)\b"
    rb"|(?P<incbin>\.incbin)|#[ \t]*(?P<embed>embed)|(?P<has>__has_include)(?:_next)?[ \t]*\([ \t]*([<\"][^>\"\n]+[>\"])?"
)
ABSOLUTE = "with an absolute #include"
SAID = {"absolute": ABSOLUTE, "foreign": "with an #include beyond ASCII"}
INCLUDES = re.compile(rb"#[ \t]*include[ \t]*([<\"][^>\"\n]+[>\"])")


# A file that is asked for is no question where the same text includes it and it is here: then it is there, too.
def question(text, paths):
    names = None
    for asked in ASKS.finditer(text):
        kind, name = next(kind for kind, found in asked.groupdict().items() if found), asked[7]
        names = names or set(INCLUDES.findall(text))
        if kind != "has" or name not in names or not any(path.endswith("/" + os.fsdecode(name[1:-1])) for path in paths):
            return SAID.get(kind) or "with " + asked[kind].decode()
    return None


# edcc's own small compiles are not to be counted.
def say(text, words):
    if "edcc-canary.c" not in words:
        print(text, flush=True)


# Of one folder. Files may give each other more without end, and by several ways at each step.
NAMES_LIMIT = 64
# The server writes an absolute name between quotes as it is.
UNWRITABLE = re.compile(r'["\\\x00-\x1f]')


class Changed(Exception):
    pass


# Says what becomes of each call. And the server takes it that no file changes while it runs: one that has makes it forget all that it has read.
def take_care(basics, analyzer, nodes, folders):
    headers = Headers()
    command, closure, lookup = analyzer.DoCompilationCommand, nodes._CalculateIncludeClosureExceptSystem, folders.Lookup

    # A file is not the same under another absolute name: what it includes is called after it. Beyond the limit all are one, which is not sent.
    def named_lookup(self, *key):
        directory, real = lookup(self, *key)
        name = self.directory_map.string[directory]
        names, told = vars(self).setdefault("names", {}).setdefault(real, set()), vars(self).setdefault("told", set())
        if name.startswith("/") and len(names) < NAMES_LIMIT:
            names.add(name)
            told.add(name)
        self.cache[key] = directory, (real, name if name in names else name.startswith("/"))
        return self.cache[key]

    def careful_closure(self, node, result):
        closure(self, node, result)
        system, own = included(self, node)
        told = vars(self.dirname_cache).get("told", ())
        seen, named = vars(self.caches).setdefault("seen", {}), vars(self.caches).setdefault("named", {})
        for path, names in own.items():
            # What is sent has one name in it, which is what __FILE__ will be.
            many = len(names) > 1 or any(name and name[: name.rindex("/") + 1] not in told for name in names)
            if many or None not in names and {named.setdefault(path, next(iter(names)))} != names:
                raise basics.NotCoveredError("with a header by two names", send_email=False)
            if any(map(UNWRITABLE.search, filter(None, names))):
                raise basics.NotCoveredError("with a quote in a name", send_email=False)
            status = os.stat(path)
            stamp = status.st_mtime_ns, status.st_size, status.st_ino
            if path not in seen:
                with open(path, "rb") as file:
                    seen[path] = stamp, question(file.read(), system.union(own))
            if seen[path][0] != stamp:
                raise Changed
            if seen[path][1]:
                raise basics.NotCoveredError(seen[path][1], send_email=False)
        if not headers.are_proved(system):
            raise basics.NotCoveredError(headers.not_proved, send_email=False)

    def careful_command(self, words, *rest):
        try:
            for why in filter(None, map(forbidden, words)):
                raise basics.NotCoveredError(why, send_email=False)
            try:
                files = command(self, words, *rest)
            except Changed:
                self.ClearStatCaches()
                files = command(self, words, *rest)
        except (basics.NotCoveredError, OSError) as why:
            first = str(why).split("\n")[0]
            short = ABSOLUTE if "must be relative" in first else re.sub(r"(File: )?'[^']*':? *", "", first)
            say("edcc: here: " + short, words)
            # One that took too long has left things half done: the server knows it by its type and forgets everything.
            kind = type(why) if isinstance(why, basics.NotCoveredError) else basics.NotCoveredError
            raise kind(first, send_email=False)
        say("edcc: sent", words)
        return files

    nodes._CalculateIncludeClosureExceptSystem, folders.Lookup = careful_closure, named_lookup
    analyzer.DoCompilationCommand = careful_command


# --- the server ---


def main():
    os.environ["DISTCC_CLIENT_TMP"] = folder
    if not extension_works():
        sys.modules["distcc_pump_c_extensions"] = stand_in()
    server = runpy.run_path(program)

    import basics
    import cache_basics
    import include_analyzer
    import include_analyzer_memoizing_node

    take_care(basics, include_analyzer.IncludeAnalyzer, include_analyzer_memoizing_node.IncludeAnalyzerMemoizingNode, cache_basics.DirnameCache)
    signal.signal(signal.SIGTERM, basics.RaiseSignalSIGTERM)
    gc.set_threshold(basics.GC_THRESHOLD)
    starting = os.path.join(folder, "starting")
    analyzer, listener = server["_SetUp"](starting)
    os.rename(starting, os.path.join(folder, "socket"))
    try:
        listener.serve_forever()
    except (basics.SignalSIGTERM, KeyboardInterrupt):
        pass


main()
