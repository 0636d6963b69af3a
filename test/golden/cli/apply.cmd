# The whole of a run's lines, its times left out.
cat >Edccfile <<EOT
project = demo

build good:
    echo fine

build bad: good
    echo something
    exit 3

build never: bad
    echo never
EOT
run() {
	echo "\$ edcc $*"
	"$EDCC" "$@" 2>&1 | sed -E 's/[0-9]{8}-[0-9]{6}-[0-9a-f]{6}/RUN/; s/[0-9.]+ m?s\b/TIME/'
}
run apply good
run apply
run apply --quiet
run apply --verbose good
run status
run logs bad
run logs bda
run logs
run destroy
"$EDCC" apply >out; echo "= $?"
run status --run 20000101-000000-000000; echo "= $?"
