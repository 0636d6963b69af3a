# check runs nothing; a good file prints nothing but to who asks.
cat >Edccfile <<EOT
include std/make
x = \$(shell touch ran; echo 1)

build b:
    make
EOT
"$EDCC" check; echo "= $?"
"$EDCC" check -v
test -e ran || echo 'nothing was run'
printf 'y = $(z)\n' >>Edccfile
"$EDCC" check; echo "= $?"
"$EDCC" check --json; echo "= $?"
"$EDCC" check --print values | head -3
