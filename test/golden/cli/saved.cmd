cat >Edccfile <<EOT
project = demo
x ?= 1

build one:
    echo "x is \$x"
EOT
"$EDCC" plan -q x=2 -o saved; echo "= $?"
"$EDCC" apply saved | grep '^x is'
"$EDCC" apply saved --jobs 3; echo "= $?"
"$EDCC" apply saved one; echo "= $?"
echo '# more' >>Edccfile
"$EDCC" apply saved; echo "= $?"
echo '{' >torn
"$EDCC" apply torn; echo "= $?"
"$EDCC" plan -q -o missing/saved; echo "= $?"
"$EDCC" plan -o saved | tail -n 1
