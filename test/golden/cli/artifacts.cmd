# Artifact lines that match nothing, or two files for one place: each with its place, in the file's order, though they are stored side by side.
cat >Edccfile <<EOT
project = demo

build made:
    mkdir one two
    touch file one/file two/file

artifacts:
    nothing/*         -> out/
    file              -> kept/
    none/*.so also/*  -> lib/
    one/file two/file -> out/
    zero              -> out/zero when always
EOT
"$EDCC" apply 2>&1 | sed -E 's/[0-9]{8}-[0-9]{6}-[0-9a-f]{6}/RUN/; s/[0-9.]+ m?s\b/TIME/'
find kept out lib 2>/dev/null | sort
