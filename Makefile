# edcc: `make demo` shows it at work, `make test` proves it; both install from Debian's packages what they miss.

CC      ?= cc
B       ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0

WARN     = -Wall -Wextra -Wconversion -Wshadow -Werror
OPT     ?= -O2
CFLAGS  ?= -g $(OPT)
CPPFLAGS += -I. -I$(B) -D_GNU_SOURCE -DEDCC_VERSION='"$(VERSION)"'
# Over distcc, -MMD alone names neither the target nor the file after -o.
ALL_CFLAGS = -std=c11 $(WARN) $(CFLAGS) $(SANITIZE_$(SAN)) -MMD -MP -MT $@ -MF $@.d
LDLIBS   = -lyajl -lpcre2-8 -lexpat -lz -ldl -lpthread
SANITIZE_1 = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SANITIZE_fuzz = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

ROOMS = base parser distcc project runtime remote hosts aws cli
SRC  := $(foreach room,$(ROOMS),$(wildcard $(room)/*.c))
OBJ   = $(SRC:%.c=$(B)/%.o) $(B)/snippets.o $(B)/guest.o $(B)/front.o $(B)/pump.o
LIB   = $(filter-out $(B)/cli/main.o,$(OBJ))
FUZZ := $(patsubst test/fuzz/%.c,$(B)/fuzz/%,$(wildcard test/fuzz/*.c))
TOOL := $(patsubst %.c,$(B)/%,$(wildcard test/*/tool.c test/*/*_tool.c))
UNIT := $(patsubst test/unit/%.c,$(B)/unit/%,$(wildcard test/unit/*.c))

all: $(B)/edcc

$(B)/edcc: $(OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(OBJ) $(LDLIBS)

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -c -o $@ $<

# The standard library, as text in the binary.
$(B)/snippets.c: tools/embed $(wildcard stdlib/*.edcc)
	@mkdir -p $(@D)
	tools/embed snippets stdlib/*.edcc >$@.new && mv $@.new $@

# What runs on the machines of a cloud, likewise.
$(B)/guest.c: tools/embed $(wildcard aws/guest/*.sh)
	@mkdir -p $(@D)
	tools/embed guest aws/guest/*.sh >$@.new && mv $@.new $@

# What compiles go through.
$(B)/front.c: tools/embed runtime/front.sh
	@mkdir -p $(@D)
	tools/embed front runtime/front.sh >$@.new && mv $@.new $@

# The include server, as distcc's pump mode has it and edcc needs it.
$(B)/pump.c: tools/embed runtime/pump.py
	@mkdir -p $(@D)
	tools/embed pump runtime/pump.py >$@.new && mv $@.new $@

$(B)/snippets.o $(B)/guest.o $(B)/front.o $(B)/pump.o: $(B)/%.o: $(B)/%.c
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(B)/unit/%: test/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $< $(LIB) -lcmocka $(LDLIBS)

unit: $(UNIT) $(TOOL)

# Programs that tests in other languages talk to.
$(B)/test/%: test/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CPPFLAGS) $(LDFLAGS) -o $@ $< $(LIB) $(LDLIBS)

# libFuzzer harnesses (clang, SAN=fuzz): every object is instrumented, the harnesses bring the driver.
$(B)/fuzz/%: test/fuzz/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(CPPFLAGS) $(LDFLAGS) -o $@ $< $(LIB) $(LDLIBS)

fuzz-objects: $(FUZZ)

setup:
	@tools/setup

test: setup
	@test/run

lint:
	@tools/lint

demo: setup
	@tools/demo

bench: setup
	@bench/run

fuzz: setup
	@test/fuzz/run

# User data on Debian as it comes; it needs a way to Debian's mirror.
pristine: setup all
	@EDCC=$(abspath $(B))/edcc test/cloud/pristine

install: all
	install -D -m 755 $(B)/edcc $(DESTDIR)$(PREFIX)/bin/edcc
	install -D -m 644 doc/edcc.1 $(DESTDIR)$(PREFIX)/share/man/man1/edcc.1
	install -D -m 644 doc/Edccfile.5 $(DESTDIR)$(PREFIX)/share/man/man5/Edccfile.5

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/edcc $(DESTDIR)$(PREFIX)/share/man/man1/edcc.1 $(DESTDIR)$(PREFIX)/share/man/man5/Edccfile.5

clean:
	rm -rf $(B)

.PHONY: all unit fuzz-objects setup test lint demo bench fuzz pristine install uninstall clean
.SECONDARY:

-include $(OBJ:=.d) $(UNIT:=.d) $(TOOL:=.d)
