"$EDCC" std | cut -d' ' -f1
"$EDCC" std ccache | head -3
"$EDCC" std std/ccache | head -1
"$EDCC" std ccahe
