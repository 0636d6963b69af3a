"$EDCC" help blocks
"$EDCC" help provider
"$EDCC" help hosts
"$EDCC" help build
"$EDCC" help distcc
"$EDCC" help functions
"$EDCC" help blok
