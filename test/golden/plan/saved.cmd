# A saved plan, and each way in which it no longer holds.
"$EDCC" plan --quiet -o plan workers=2 && stat -c '%a' plan
"$EDCC" plan --quiet -o again workers=2 && cmp plan again && echo same bytes
"$EDCC" apply --quiet plan >/dev/null 2>&1 && echo applied
echo '# more' >>Edccfile
"$EDCC" apply plan
sed -i '/# more/d' Edccfile
EDCC_VAR_flags=-O3 "$EDCC" apply plan
echo 'echo more' >>build.sh
"$EDCC" apply plan
sed 's/"workers","origin":"command line","value":"2"/"workers","origin":"command line","value":"3"/' again >edited
sed -i '/more/d' build.sh
"$EDCC" apply ./edited
"$EDCC" plan --quiet -o none/plan
head -c 100 again >torn && "$EDCC" apply ./torn
echo '{"format": 99}' >new && "$EDCC" apply ./new
"$EDCC" plan --json >printed && "$EDCC" apply ./printed
