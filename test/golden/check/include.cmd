# Includes that cannot be, each in a file of its own.
try() {
	echo "-- $1"
	"$EDCC" check -f "$1"
}
printf 'include std/gc\ninclude std/nothing-like-it\ninclude ./missing.edcc\ninclude shared\ninclude http://example.org/x.edcc\n' >missing
try missing
printf 'include ./b.edcc\nx = 1\n' >a.edcc
printf 'include ./sub/c.edcc as c:\n    p = 1\n' >b.edcc
mkdir sub
printf 'p ?= 2\ninclude ../a.edcc\n' >sub/c.edcc
try a.edcc
printf 'include ./self\n' >self
try self
for i in $(seq 0 60); do printf 'include ./deep%d\nv%d = %d\n' $((i + 1)) "$i" "$i" >"deep$i"; done
: >deep61
try deep0
printf 'include ./broken.edcc\ny = $(x)\n' >broken
printf 'x = "open\nz = $(nothing)\n' >broken.edcc
try broken
printf 'include std/cmake as z:\n    flag = 1\n    out ?= 2\n    arguments = 3\ninclude std/make as z\nedcc = 1\n' >parameters
try parameters
EDCC_PATH=/nowhere:$PWD/lib
export EDCC_PATH
mkdir lib
printf 'from_lib ?= 1\nclash = 1\n' >lib/shared.edcc
printf 'include shared\ninclude share\nclash = $(from_lib)\n' >path
try path
mkdir folder
printf 'include ./folder\n' >reads
try reads
