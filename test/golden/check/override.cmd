# What the command line, variable files and the environment may give, and what not.
cat >Edccfile <<'END'
workers ?= 4
fixed    = 1
include std/make as lib:
    targets = one
if $(workers) > 8:
    only_many ?= 1
instances:
    count = $(workers)
END
"$EDCC" check --print values workers=6 lib.flags='a  b'
echo '-- precedence'
printf 'workers = "7"  # words\n' >vars
EDCC_VAR_workers=8 "$EDCC" check --print values --var-file vars | grep workers
EDCC_VAR_workers=8 "$EDCC" check --print values | grep workers
EDCC_VAR_workers=8 "$EDCC" check --print values --var-file vars workers=5 workers=9 | grep -e workers -e only
echo '-- errors'
EDCC_VAR_wrokers=1 "$EDCC" check fixed=2 worker=3 lib.flag=x lib.targets=two nothing.at=all
echo '-- a branch that is not taken'
"$EDCC" check only_many=2
echo '-- a wrong value'
"$EDCC" check workers=many
EDCC_VAR_workers=many "$EDCC" check
printf 'workers = many\nx ?= 1\ny = $(z)\n' >vars
"$EDCC" check --var-file vars
