cat >Edccfile <<EOT
a ?= 1
b ?= 2
c ?= 3
d ?= 4
secret s = hush
include std/make as m:
    flags = "two words" x
EOT
printf 'c = from a file\nb = not this\n' >vars
EDCC_VAR_d=environment "$EDCC" vars b=command --var-file vars
EDCC_VAR_d=environment "$EDCC" vars b=command --var-file vars --json | grep -A6 -E '"(b|c|d|s)"'
"$EDCC" vars nope=1; echo "= $?"
"$EDCC" vars --var-file missing; echo "= $?"
