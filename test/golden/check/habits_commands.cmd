# Commands that stand elsewhere than in a build: the compiler's, what follows the verdict, and scripts; one that is not a shell's is not read.
cat >Edccfile <<'END'
compiler gcc:
    cc  = gcc-12 -flto
    cxx = g++-12 -flto=auto -save-temps=obj

instances:
    count = 2

build a:
    script = a.sh

build b:
    script = b.py

on build_success:
    notify = sns:builds
    $CC -fstack-usage -c report.c -o report.o

on build_failed:
    $CC -O2 one.c two.c -o why
END
printf '#!/usr/bin/env bash\n{{.Distcc}} -O2 -da -c a.c -o a.o\nmake CFLAGS=-fprofile-arcs\n' >a.sh
printf '#!/usr/bin/python3\nimport os\nos.system("gcc -fprofile-use -c a.c")\n' >b.py
"$EDCC" check
