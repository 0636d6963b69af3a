# What would be markup in Markdown and in DOT.
"$EDCC" plan --markdown --jobs 1
"$EDCC" graph
