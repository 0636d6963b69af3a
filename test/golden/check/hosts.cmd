# Every fault of a host list under its caret, in the file and in a hosts file that it names.
for file in wrong more files right; do
	"$EDCC" check -f $file.edcc
	echo "exit $?"
done
