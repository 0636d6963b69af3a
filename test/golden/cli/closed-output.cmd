# Nobody reads, or the disk is full.
printf 'build b:\n    for i in 1 2 3; do echo "$i"; done\n' >Edccfile
"$EDCC" plan >/dev/full; echo "= $?"
"$EDCC" help plan | true
{ "$EDCC" apply; echo "= $?" >&2; } | true
{ "$EDCC" apply; echo "= $?" >&2; } >/dev/full
