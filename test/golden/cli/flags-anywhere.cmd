# Flags before and after the command, with = and without, and -- that ends them.
mkdir a
printf 'x ?= 1\n' >a/Edccfile
"$EDCC" -C a vars
"$EDCC" vars -C a
"$EDCC" vars --directory=a x=2
"$EDCC" vars -fa/Edccfile x=2
"$EDCC" --file a/Edccfile vars
"$EDCC" plan -qC a
echo "= $?"
"$EDCC" vars -C a -- x=3
