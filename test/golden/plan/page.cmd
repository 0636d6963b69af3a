# The compiler is this machine's.
plan() {
	"$EDCC" plan "$@" | sed -E 's/gcc[-0-9]* [0-9]+\.[0-9.]+/gcc VERSION/; s/VERSION, [^,]+-linux-gnu/VERSION, TARGET/'
}
plan
plan --markdown
"$EDCC" plan --why configure
"$EDCC" plan --why 'distccd 127.0.0.3'
"$EDCC" plan --why 'lib/*.a'
"$EDCC" plan --why tset
"$EDCC" graph
