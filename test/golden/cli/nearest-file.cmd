# The Edccfile is the nearest one, here or above.
mkdir -p a/b/c
printf 'where = above\n' >a/Edccfile
cd a/b/c || exit
"$EDCC" vars
printf 'where = here\nwhere = twice\n' >Edccfile
"$EDCC" vars
rm Edccfile ../../Edccfile
"$EDCC" vars
