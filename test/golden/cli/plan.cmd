cat >Edccfile <<EOT
project = demo

build one:
    echo 1

build two: one
    echo 2
EOT
"$EDCC" plan
"$EDCC" plan --markdown one
"$EDCC" plan --why one
"$EDCC" plan --why three; echo "= $?"
"$EDCC" plan tow; echo "= $?"
"$EDCC" plan --detailed-exitcode -q; echo "= $?"
"$EDCC" plan --detailed-exitcode -q tow; echo "= $?"
"$EDCC" plan --provider aws; echo "= $?"
"$EDCC" graph one
