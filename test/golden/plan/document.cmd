# The example of doc/plan-json.md is what edcc prints for the Edccfile beside it; only the version is this one's.
document=$(dirname "$0")/../../../doc/plan-json.md
block() {
	awk -v language="$1" '/^```/ { inside = $0 == "```" language; next } inside' "$document"
}
block make >Edccfile
block json | sed 's/"edcc": ".*"/"edcc": "VERSION"/' >expected
"$EDCC" plan --json --jobs 4 | python3 -m json.tool | sed 's/"edcc": ".*"/"edcc": "VERSION"/' | diff expected - && wc -l <expected
