# What stands in place of the Edccfile.
mkdir Edccfile
"$EDCC" check; echo "= $?"
rmdir Edccfile && mkfifo Edccfile
"$EDCC" check; echo "= $?"
"$EDCC" fmt; echo "= $?"
rm Edccfile
"$EDCC" check -f missing; echo "= $?"
"$EDCC" check -f /dev/null; echo "= $?"
ln -s missing Edccfile
"$EDCC" check; echo "= $?"
rm Edccfile && truncate -s 65M Edccfile
"$EDCC" check; echo "= $?"
"$EDCC" fmt - <Edccfile; echo "= $?"
