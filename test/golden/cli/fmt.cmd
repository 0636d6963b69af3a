printf 'x = $(\n' >bad
printf 'a   =  1\nbb = 2\n' >uneven
cp uneven twin
chmod 640 uneven
ln -s uneven link
"$EDCC" fmt bad; echo "= $?"
"$EDCC" fmt --check uneven twin; echo "= $?"
"$EDCC" fmt --diff uneven; echo "= $?"
cmp uneven twin && echo 'nothing written yet'
"$EDCC" fmt - <uneven
"$EDCC" fmt link; echo "= $?"
cat uneven
stat -c %a uneven
test -L link && echo 'still a link'
"$EDCC" fmt --check uneven; echo "= $?"
before=$(stat -c %i uneven)
"$EDCC" fmt uneven
[ "$before" = "$(stat -c %i uneven)" ] && echo 'not written again'
